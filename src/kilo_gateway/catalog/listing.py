"""The answers of /models, /models/{id} and /providers: our catalog in OpenRouter's shape with OpenAI's fields."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import NANODOLLARS_PER_DOLLAR, TOKENS_PER_QUOTE, Price

AUTO_ID = "kilo/auto"
# Clients need a number for every model; where nobody knows, one that most models reach.
UNKNOWN_CONTEXT = 32_768
_VARIES = "-1"
_LISTED: frozenset[Operation] = frozenset({"chat", "completions", "embeddings"})
_NOT_DENIED = frozenset({"tools"})
_DEAR = NANODOLLARS_PER_DOLLAR * TOKENS_PER_QUOTE // 100_000  # 0.00001 dollars a token
_QUOTE_DIGITS = 15  # nanodollars per million tokens -> dollars per token
_NEW_DAYS = 7
_RETIRES_DAYS = 31
_FIELDS = (
    ("tools", ("tools", "tool_choice")),
    ("structured", ("response_format", "structured_outputs")),
    ("reasoning", ("reasoning", "include_reasoning")),
)
_PDF_READERS = ("anthropic/", "openai/", "x-ai/", "google/gemini", "meta/muse")


class _Architecture(msgspec.Struct, frozen=True, gc=False):
    modality: str
    input_modalities: tuple[str, ...]
    output_modalities: tuple[str, ...]
    tokenizer: str
    instruct_type: None = None


class _TopProvider(msgspec.Struct, frozen=True, gc=False):
    context_length: int | None
    max_completion_tokens: int | None
    is_moderated: bool


class _Row(msgspec.Struct, frozen=True, gc=False, rename={
    "is_free": "isFree", "may_train": "mayTrainOnYourPrompts", "preferred_index": "preferredIndex",
    "auto_routing": "autoRouting",
}):  # fmt: skip
    id: str
    object: str
    created: int
    owned_by: str
    name: str
    description: str
    context_length: int
    architecture: _Architecture
    top_provider: _TopProvider
    pricing: dict[str, str]
    per_request_limits: None
    supported_parameters: tuple[str, ...]
    is_free: bool
    may_train: bool
    expiration_date: str | msgspec.UnsetType = msgspec.UNSET
    preferred_index: int | msgspec.UnsetType = msgspec.UNSET
    auto_routing: dict[str, tuple[str, ...]] | msgspec.UnsetType = msgspec.UNSET


class _Page(msgspec.Struct, frozen=True):
    object: str
    data: list[_Row]


def render(
    catalog: Catalog,
    grant: Grant | None,
    *,
    preferred: Sequence[str],
    now: float,
    auto: Sequence[str] | None = None,
) -> bytes:
    """The whole list as JSON: `kilo/auto`, then the preferred models, then the others in catalog order.

    Clients choose a model to talk to from it: those that only draw, speak or rank are found by their id alone.

    Only models that the grant opens are in it (None: all). `preferred` are ids of models, `auto` those that `kilo/auto`
    chooses from (None: all that chat; none: it is not listed); `now` is epoch seconds.
    """
    shown = [model for model in open_to(grant, catalog) if _LISTED & _serves(model)]
    first = _ranked(shown, preferred)
    rank = {model.id.lower() for model in first}
    today = datetime.fromtimestamp(now, UTC).date()
    rows = [_row(model, today, place) for place, model in enumerate(first, start=1)]
    rows += [_row(model, today) for model in shown if model.id.lower() not in rank]
    choices = _choices(shown, first, auto)
    if choices:
        rows.insert(0, _auto(choices))
    return msgspec.json.encode(_Page("list", rows))


def render_serving(
    catalog: Catalog, grant: Grant | None, operation: Operation, *, now: float
) -> bytes:
    """The models that serve one operation, in the same form."""
    today = datetime.fromtimestamp(now, UTC).date()
    shown = [model for model in open_to(grant, catalog) if operation in _serves(model)]
    return msgspec.json.encode(_Page("list", [_row(model, today) for model in shown]))


def _serves(model: Model) -> set[Operation]:
    return {operation for one in model.deployments for operation in one.operations}


def render_one(
    catalog: Catalog,
    name: str,
    grant: Grant | None,
    *,
    preferred: Sequence[str],
    now: float,
    auto: Sequence[str] | None = None,
) -> bytes | None:
    """One model's entry as JSON; None if there is no such model or the grant does not open it."""
    if name.strip().lower() == AUTO_ID:
        shown = open_to(grant, catalog)
        choices = _choices(shown, _ranked(shown, preferred), auto)
        return msgspec.json.encode(_auto(choices)) if choices else None
    model = catalog.model(name)
    if model is None or (grant is not None and not grant.may_use(model.id.lower())):
        return None
    places = {model_id.lower(): place for place, model_id in enumerate(preferred, start=1)}
    place = places.get(model.id.lower())
    today = datetime.fromtimestamp(now, UTC).date()
    return msgspec.json.encode(_row(model, today, place))


def render_providers(catalog: Catalog, titles: Mapping[str, str]) -> bytes:
    """The upstreams of the catalog as JSON; `titles` are names for people by upstream."""
    hosted: dict[str, tuple[Deployment, bool]] = {}
    for model in catalog.models.values():
        for deployment in model.deployments:
            hosted.setdefault(deployment.upstream, (deployment, model.is_self_hosted))
    rows = [
        {
            "name": upstream,
            "displayName": titles.get(upstream, upstream),
            "slug": upstream,
            "dataPolicy": data_policy(one, is_own=is_own),
        }
        for upstream, (one, is_own) in hosted.items()
    ]
    return msgspec.json.encode({"data": rows})


def data_policy(one: Deployment, *, is_own: bool) -> dict[str, bool | None]:
    """What an upstream does with prompts: as the settings say, else null, which is unknown; a server of one's own keeps nothing."""
    collects, keeps_nothing = one.site.collects_data, one.site.keeps_nothing
    keeps = None if keeps_nothing is None else not keeps_nothing
    return {
        "training": False if collects is None and is_own else collects,
        "retainsPrompts": False if keeps is None and is_own else keeps,
        "canPublish": False if is_own else None,
    }


def open_to(grant: Grant | None, catalog: Catalog) -> list[Model]:
    """The models that a grant opens (None: all), in catalog order."""
    return [model for key, model in catalog.models.items() if grant is None or grant.may_use(key)]


def _ranked(shown: list[Model], preferred: Sequence[str]) -> list[Model]:
    by_id = {model.id.lower(): model for model in shown}
    keys = dict.fromkeys(model_id.lower() for model_id in preferred)
    return [by_id[key] for key in keys if key in by_id]


def _chats(model: Model) -> bool:
    return any("chat" in deployment.operations for deployment in model.deployments)


def _row(model: Model, today: date, place: int | None = None) -> _Row:
    inputs = model.input_modalities
    if "image" in inputs and "pdf" not in inputs and model.id.lower().startswith(_PDF_READERS):
        inputs = (*inputs, "pdf")
    is_free = model.id.endswith(":free") or (model.price is not None and model.price.is_free)
    return _Row(
        id=model.id,
        object="model",
        created=model.created,
        owned_by=model.id.partition("/")[0] if "/" in model.id else model.deployments[0].upstream,
        name=_name(model, today, is_preferred=place is not None),
        description=model.description,
        context_length=model.limits.context or UNKNOWN_CONTEXT,
        architecture=_Architecture(
            f"{'+'.join(inputs)}->{'+'.join(model.output_modalities)}",
            inputs,
            model.output_modalities,
            model.tokenizer or "Other",
        ),
        top_provider=_TopProvider(model.limits.context, model.limits.output, model.is_moderated),
        pricing=pricing(model.price),
        per_request_limits=None,
        supported_parameters=model.parameters or _parameters(model),
        is_free=is_free,
        may_train=is_free and not model.is_self_hosted,
        expiration_date=model.expires or msgspec.UNSET,
        preferred_index=msgspec.UNSET if place is None else place,
    )


def _choices(shown: list[Model], first: list[Model], auto: Sequence[str] | None) -> list[Model]:
    """The models behind `kilo/auto`, the first choice first."""
    if auto is not None:
        return _ranked(shown, auto)
    return [model for model in first if _chats(model)] or [
        model for model in shown if _chats(model)
    ]


def _auto(choices: list[Model]) -> _Row:
    # What its first choice can take; a longer request finds a model that takes it only by luck.
    limits = choices[0].limits
    context = limits.context or UNKNOWN_CONTEXT
    words = frozenset[str]().union(*(model.capabilities for model in choices))
    inputs = ("text", "image") if "vision" in words else ("text",)
    return _Row(
        id=AUTO_ID,
        object="model",
        created=0,
        owned_by="kilo",
        name="Kilo Auto",
        description="Chooses a model for each request, and another one if that fails.",
        context_length=context,
        architecture=_Architecture(f"{'+'.join(inputs)}->text", inputs, ("text",), "Other"),
        top_provider=_TopProvider(limits.context, limits.output, is_moderated=False),
        pricing={"prompt": _VARIES, "completion": _VARIES},
        per_request_limits=None,
        supported_parameters=_supported(words | _NOT_DENIED),
        is_free=all(model.price is not None and model.price.is_free for model in choices),
        may_train=False,
        preferred_index=0,
        auto_routing={"models": tuple(model.id for model in choices[:20])},
    )


def _name(model: Model, today: date, *, is_preferred: bool) -> str:
    name = model.name
    if model.id.lower().startswith("openrouter/") and not name.startswith("OpenRouter "):
        name = f"OpenRouter {name}"
    if model.price is not None and model.price.input is not None and model.price.input >= _DEAR:
        return f"{name} ($$$$)"
    if name.endswith(")"):
        return name
    if is_preferred and model.created:
        age = today - datetime.fromtimestamp(model.created, UTC).date()
        if age.days < _NEW_DAYS:
            return f"{name} (new)"
    if model.expires is not None:
        end = date.fromisoformat(model.expires)
        if 0 <= (end - today).days <= _RETIRES_DAYS:
            return f"{name} (retires {end:%b} {end.day})"
    return name


def pricing(price: Price | None) -> dict[str, str]:
    """Dollars per token as plain decimals, "-1" where unknown."""
    if price is None:
        return {"prompt": _VARIES, "completion": _VARIES}
    told = {"prompt": _per_token(price.input), "completion": _per_token(price.output)}
    if price.request:
        told["request"] = _decimal(price.request, 9)
    if price.cache_read is not None:
        told["input_cache_read"] = _per_token(price.cache_read)
    if price.cache_write is not None:
        told["input_cache_write"] = _per_token(price.cache_write)
    return told


def _per_token(quote: int | None) -> str:
    return _VARIES if quote is None else _decimal(quote, _QUOTE_DIGITS)


@lru_cache(8192)  # few prices differ
def _decimal(value: int, digits: int) -> str:
    """A whole number of 10^-digits dollars as a plain decimal without trailing zeros."""
    if not value:
        return "0"
    whole, rest = divmod(value, 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")


def _parameters(model: Model) -> tuple[str, ...]:
    """Names of request fields. Clients hide models whose list lacks `tools`, so it is denied only where that is known."""
    if not _chats(model):
        is_embedding = "embeddings" in model.deployments[0].operations
        return ("dimensions", "encoding_format") if is_embedding else ("max_tokens",)
    return _supported(model.capabilities if model.capabilities_known else _NOT_DENIED)


@lru_cache(256)  # few sets of capabilities differ
def _supported(capabilities: frozenset[str]) -> tuple[str, ...]:
    names = ["max_tokens", "temperature", "top_p", "stop"]
    for capability, fields in _FIELDS:
        if capability in capabilities:
            names += fields
    return tuple(names)
