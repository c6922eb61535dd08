"""The gateway's list of models as ours (genesis.md 2.3 to 2.6). Pure: a status and a body in, models and warnings out."""

from collections.abc import Callable
from math import isfinite
from typing import Any

import msgspec

from genesis.core.model import DEFAULT_CONTEXT_WINDOW, DEFAULT_MAX_TOKENS, Cost, Model

Warn = Callable[[str], None]
AUTO = "kilo/auto"
STATIC = (
    Model(
        id=AUTO,
        name="Kilo Auto",
        reasoning=True,
        input=("text", "image"),
        context_window=DEFAULT_CONTEXT_WINDOW,
        max_tokens=DEFAULT_MAX_TOKENS,
    ),
)
_SHOWN = 120
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)


def models_of(status: int, body: bytes, warn: Warn) -> list[Model]:
    """The models of an answer; the static ones, with a warning, if it has none."""
    if not 200 <= status < 300:
        warn(f"Failed to discover models: HTTP {status}, using static catalog")
        return list(STATIC)
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return failed(error, warn)
    if content is None:
        return failed(ValueError("the answer is null"), warn)
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list) or not data:
        warn("No models found from gateway API, using static catalog")
        return list(STATIC)
    return with_static(_mapped(data, warn))


def failed(error: Exception, warn: Warn) -> list[Model]:
    """The static models: the gateway could not be asked, or its answer not be read."""
    text = " ".join(str(error).split())[:300] or type(error).__name__
    warn(f"Discovery failed: {text}, using static catalog")
    return list(STATIC)


def with_static(models: list[Model]) -> list[Model]:
    """The models with `kilo/auto` among them: the gateway's own, else the static one in front."""
    if any(model.id == AUTO for model in models):
        return models
    return [*STATIC, *models]


def _mapped(data: list[Any], warn: Warn) -> list[Model]:
    found: dict[str, Model] = {}
    for entry in data:
        ident = entry.get("id") if isinstance(entry, dict) else None
        name = ident.strip() if isinstance(ident, str) else ""
        if not name or name in found:
            continue
        try:
            found[name] = _model(name, entry)
        except _MALFORMED as error:
            shown = "".join(char for char in name if char.isprintable())[:_SHOWN]
            warn(f'Skipping malformed model entry "{shown}": {_why(error)}')
    return list(found.values())


def _model(ident: str, entry: dict[str, Any]) -> Model:
    pricing = entry["pricing"]
    parameters = entry.get("supported_parameters")
    has_reasoning = isinstance(parameters, list) and not {
        "reasoning",
        "include_reasoning",
    }.isdisjoint(one for one in parameters if isinstance(one, str))
    name = entry.get("name")
    context, most = (
        entry.get("context_length"),
        (entry.get("top_provider") or {}).get("max_completion_tokens"),
    )
    return Model(
        id=ident,
        name=name if isinstance(name, str) and name else ident,
        reasoning=has_reasoning,
        input=_input((entry.get("architecture") or {}).get("input_modalities")),
        cost=Cost(
            _price(pricing.get("prompt")),
            _price(pricing.get("completion")),
            _price(pricing.get("input_cache_read")),
            _price(pricing.get("input_cache_write")),
        ),
        context_window=int(context or DEFAULT_CONTEXT_WINDOW),
        max_tokens=DEFAULT_MAX_TOKENS if most is None else int(most),
    )


def _input(modalities: object) -> tuple[str, ...]:
    if isinstance(modalities, list) and any(
        isinstance(one, str) and one.lower() == "image" for one in modalities
    ):
        return ("text", "image")
    return ("text",)


def _price(value: object) -> float:
    """US dollars per million tokens, of a price per token; 0 for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return 0.0
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number * 1_000_000 if isfinite(number) and number >= 0 else 0.0


def _why(error: Exception) -> str:
    return f"missing {error}" if isinstance(error, KeyError) else str(error)
