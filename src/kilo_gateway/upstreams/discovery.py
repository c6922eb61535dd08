"""What an upstream says it serves: the many shapes of a list of models -> Listed, bounded and checked."""

import re
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

import msgspec

from kilo_gateway.catalog.source import Listed
from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import NANODOLLARS_PER_DOLLAR, Price
from kilo_gateway.upstreams.faults import classify

MAX_MODELS = 10_000
MAX_ID_CHARACTERS = 256
MAX_TEXT_CHARACTERS = 2_000
MAX_TOKENS = 1_000_000_000
SOURCE = "upstream"

_BAD_ID = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029\ufeff]")
_BAD_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_CEILING = 1_000  # dollars per token or million tokens beyond which a price is a mistake
# OpenRouter, Kilo and their like: prices per token. Together, Perplexity, Hugging Face: per million tokens.
_PER_TOKEN = {"input": "prompt", "output": "completion", "cache_read": "input_cache_read",
              "cache_write": "input_cache_write"}  # fmt: skip
_PER_MILLION = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write",
}
# Words by which lists tell what a model is for: Together and LM Studio `type`, Gemini methods, Cohere endpoints.
_KINDS: Mapping[str, tuple[Operation, ...]] = {
    "chat": ("chat", "completions"),
    "language": ("chat", "completions"),
    "code": ("chat", "completions"),
    "llm": ("chat", "completions"),
    "vlm": ("chat", "completions"),
    "completion": ("chat", "completions"),
    "generatecontent": ("chat", "completions"),
    "embedding": ("embeddings",),
    "embeddings": ("embeddings",),
    "embed": ("embeddings",),
    "embedcontent": ("embeddings",),
    "image": ("images",),
    "audio": (),
    "video": (),
    "rerank": ("rerank",),
    "moderation": ("moderations",),
    "transcribe": ("transcriptions",),
    "predictlongrunning": (),
    "bidigeneratecontent": (),
}
_FLAGS = {
    # Mistral
    "function_calling": "tools", "vision": "vision", "audio": "audio", "reasoning": "reasoning",
    # Anthropic
    "image_input": "vision", "pdf_input": "pdf", "structured_outputs": "structured", "thinking": "reasoning",
    # Gemini, LM Studio, llama.cpp, Ollama
    "tool_use": "tools", "tools": "tools", "multimodal": "vision",
}  # fmt: skip
_PARAMETERS = {
    "tools": "tools", "reasoning": "reasoning", "structured_outputs": "structured", "response_format": "structured",
}  # fmt: skip
_MODALITIES = {"image": "vision", "audio": "audio", "file": "pdf", "pdf": "pdf"}

Row = dict[str, Any]


async def discover(
    fetch: Callable[[], Awaitable[tuple[int, Mapping[bytes, bytes], bytes]]], *, now: float = 0.0
) -> tuple[Listed, ...]:
    """The models that an upstream lists. `fetch` asks for the list: (status, headers, body).

    Raises the Fault of `fetch`, that of an error status, or UPSTREAM_GARBAGE for a body that is no list of models.
    """
    status, headers, body = await fetch()
    if status >= 400:
        raise classify(status, headers, body, now=now)
    if status != 200:
        raise _garbage(f"the list of models was answered with status {status}")
    return parse_listing(body)


def parse_listing(body: bytes) -> tuple[Listed, ...]:
    """The models of a list in any of the known shapes; rows that are no models are left out.

    At most MAX_MODELS are taken. Raises Fault(UPSTREAM_GARBAGE) if the body is no list at all.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _garbage(f"the list of models is not JSON: {error}") from error
    rows = value
    if isinstance(value, dict):
        rows = next(
            (value[name] for name in ("data", "models") if isinstance(value.get(name), list)), None
        )
    if not isinstance(rows, list):
        raise _garbage("the list of models has neither `data` nor `models`")
    found: dict[str, Listed] = {}
    for row in rows[:MAX_MODELS]:
        listed = _listed(row) if isinstance(row, dict) else None
        if listed is not None:
            found.setdefault(listed.id, listed)
    return tuple(found.values())


def _garbage(detail: str) -> Fault:
    return Fault(
        Kind.UPSTREAM_GARBAGE,
        "The upstream's list of models cannot be read. Name its models in the settings instead.",
        detail=detail,
    )


def _listed(row: Row) -> Listed | None:
    model_id = _id(row)
    if model_id is None or row.get("active") is False or row.get("archived") is True:
        return None
    architecture, top = _mapping(row.get("architecture")), _mapping(row.get("top_provider"))
    inputs = _texts(architecture.get("input_modalities"))
    outputs = _texts(architecture.get("output_modalities"))
    parameters = _texts(row.get("supported_parameters"))
    tokenizer = architecture.get("tokenizer")
    return Listed(
        id=model_id,
        name=_name(row, model_id),
        created=_created(row),
        context=_context(row, top),
        max_output=_tokens(
            top.get("max_completion_tokens"),
            row.get("max_completion_tokens"),
            row.get("max_output_tokens"),
            row.get("outputTokenLimit"),
            row.get("max_tokens") if row.get("type") == "model" else None,  # Anthropic
        ),
        capabilities=_capabilities(row, inputs, parameters),
        price=_price(row.get("pricing")),
        operations=_operations(row, outputs),
        description=_text(row.get("description")),
        input_modalities=inputs,
        output_modalities=outputs,
        parameters=parameters,
        expires=_day(row.get("expiration_date") or row.get("deprecation")),
        tokenizer=tokenizer[:50] if isinstance(tokenizer, str) else None,
        is_moderated=top.get("is_moderated") is True if "is_moderated" in top else None,
    )


def _id(row: Row) -> str | None:
    """The id: `id`, or `name` in lists that have no id (Gemini, Cohere, Ollama), without Gemini's "models/"."""
    value = row.get("id") or row.get("name") or row.get("model")
    if not isinstance(value, str):
        return None
    model_id = value.removeprefix("models/")
    if not model_id or len(model_id) > MAX_ID_CHARACTERS or _BAD_ID.search(model_id):
        return None
    return model_id


def _name(row: Row, model_id: str) -> str | None:
    """A name for people; not an id once more."""
    for key in ("display_name", "displayName", "name"):
        name = _text(row.get(key))
        if (
            name
            and name != model_id
            and not name.startswith("models/")
            and (" " in name or name != name.lower())
        ):
            return name[:200]
    return None


def _created(row: Row) -> int | None:
    value = row.get("created")
    if isinstance(value, int | float) and 0 < value < 1e11:
        return int(value)
    text = row.get("created_at")
    if isinstance(text, str):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    return None


def _context(row: Row, top: Row) -> int | None:
    served = [
        _tokens(item.get("context_length")) for item in _rows(row.get("providers"))
    ]  # Hugging Face
    return _tokens(
        row.get("loaded_context_length"),  # LM Studio
        top.get("context_length"),
        row.get("context_length"),
        row.get("max_context_length"),  # Mistral, LM Studio
        row.get("context_window"),  # Groq
        row.get("max_model_len"),  # vLLM
        row.get("max_input_tokens"),  # Anthropic
        row.get("inputTokenLimit"),  # Gemini
        _mapping(row.get("meta")).get("n_ctx"),  # llama.cpp
        _mapping(row.get("meta")).get("n_ctx_train"),
        max((size for size in served if size), default=None),
    )


def _capabilities(
    row: Row, inputs: tuple[str, ...], parameters: tuple[str, ...]
) -> frozenset[str] | None:
    """Words of capability; None if the list tells nothing about them."""
    told = row.get("capabilities") or row.get("features")
    providers = _rows(row.get("providers"))
    if not (told or inputs or parameters or providers or "thinking" in row):
        return None
    words = {_MODALITIES[text] for text in inputs if text in _MODALITIES}
    words |= {_PARAMETERS[text] for text in parameters if text in _PARAMETERS}
    flags = dict.fromkeys(_texts(told), True) if isinstance(told, list) else _mapping(told)
    for name, flag in {**flags, "thinking": row.get("thinking") or flags.get("thinking")}.items():
        is_on = flag.get("supported") is True if isinstance(flag, dict) else flag is True
        if is_on and name in _FLAGS:
            words.add(_FLAGS[name])
    if "max_input_tokens" in row:
        words.add("tools")  # every model that Anthropic lists takes tools
    if any(item.get("supports_tools") is True for item in providers):
        words.add("tools")
    if any(item.get("supports_structured_output") is True for item in providers):
        words.add("structured")
    return frozenset(words)


def _operations(row: Row, outputs: tuple[str, ...]) -> tuple[Operation, ...] | None:
    """What the model is for; None if the list does not say."""
    if outputs:
        if "text" in outputs:
            return ("chat", "completions")
        return ("embeddings",) if "embeddings" in outputs else ()
    flags = _mapping(row.get("capabilities"))
    if "completion_chat" in flags:  # Mistral
        if flags["completion_chat"] is True:
            return ("chat", "completions")
        return ("embeddings",) if "embed" in str(row.get("id")) else ()
    words = [
        *_texts(row.get("supportedGenerationMethods")),
        *_texts(row.get("endpoints")),
        str(row.get("type")),
    ]
    known = [_KINDS[word.lower()] for word in words if word.lower() in _KINDS]
    if not known:
        return None
    return tuple(dict.fromkeys(operation for operations in known for operation in operations))


def _price(value: object) -> Price | None:
    pricing = _mapping(value)
    if "prompt" in pricing or "completion" in pricing:
        return _priced(pricing, _PER_TOKEN, 1_000_000)
    if "input" in pricing and pricing.get("unit", "usd_per_1m_tokens") == "usd_per_1m_tokens":
        return _priced(pricing, _PER_MILLION, 1)
    return None


def _priced(pricing: Row, fields: Mapping[str, str], tokens: int) -> Price | None:
    """The Price of a pricing object; None if it is unknown or varies ("-1")."""
    base = _quotes(pricing, fields, tokens)
    if base.input is None or base.output is None:
        return None
    tiers = []
    for row in _rows(pricing.get("overrides"))[:10]:
        above = _tokens(row.get("min_prompt_tokens"))
        if above is not None:
            kept = {field: pricing.get(field) for field in fields.values()}
            tiers.append((above, _quotes({**kept, **row}, fields, tokens)))
    request = _quote(pricing.get("request"), 1)
    tiers.sort(key=lambda tier: tier[0])
    return msgspec.structs.replace(base, request=request or 0, tiers=tuple(tiers))


def _quotes(pricing: Row, fields: Mapping[str, str], tokens: int) -> Price:
    return Price(
        input=_quote(pricing.get(fields["input"]), tokens),
        output=_quote(pricing.get(fields["output"]), tokens),
        cache_read=_quote(pricing.get(fields["cache_read"]), tokens),
        cache_write=_quote(pricing.get(fields["cache_write"]), tokens),
        source=SOURCE,
    )


def _quote(value: object, tokens: int) -> int | None:
    """Dollars for `1/tokens` of a quote as whole nanodollars; None if unknown, negative or absurd."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        dollars = Decimal(str(value)[:50])
    except InvalidOperation:
        return None
    if not dollars.is_finite() or not 0 <= dollars <= _CEILING:
        return None
    return int((dollars * tokens * NANODOLLARS_PER_DOLLAR).to_integral_value(ROUND_HALF_UP))


def _tokens(*values: object) -> int | None:
    for value in values:
        if (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 < value <= MAX_TOKENS
        ):
            return int(value)
    return None


def _text(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return _BAD_TEXT.sub(" ", value.strip())[:MAX_TEXT_CHARACTERS]


def _texts(value: object) -> tuple[str, ...]:
    rows = value if isinstance(value, list) else []
    return tuple(text for text in rows[:100] if isinstance(text, str) and text and len(text) <= 100)


def _rows(value: object) -> list[Row]:
    return [row for row in value[:100] if isinstance(row, dict)] if isinstance(value, list) else []


def _mapping(value: object) -> Row:
    return value if isinstance(value, dict) else {}


def _day(value: object) -> str | None:
    """ "yyyy-mm-dd" of a date or moment; None if it is none."""
    try:
        return date.fromisoformat(value[:10]).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None
