"""Entries of a list of models as Models: OpenRouter's rich shape, and OpenAI's with little more than an id (genesis.md 2.5)."""

from math import isfinite
from typing import Any

from genesis.core.model import DEFAULT_CONTEXT_WINDOW, DEFAULT_MAX_TOKENS, Cost, Model

# What an entry that is unlike what was expected makes of its mapping.
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_WINDOWS = ("context_length", "context_window", "max_model_len")
_THINKING = {"reasoning", "include_reasoning"}
_PER = 1_000_000


def model_of(ident: str, entry: dict[str, Any]) -> Model:
    """One entry of the rich shape. Raises one of MALFORMED; KeyError if it has no prices at all."""
    pricing = entry["pricing"]
    parameters = entry.get("supported_parameters")
    most = (entry.get("top_provider") or {}).get("max_completion_tokens")
    return Model(
        id=ident,
        name=name_of(ident, entry),
        reasoning=isinstance(parameters, list) and any(one in _THINKING for one in parameters),
        input=_input((entry.get("architecture") or {}).get("input_modalities")),
        cost=Cost(
            price(pricing.get("prompt")),
            price(pricing.get("completion")),
            price(pricing.get("input_cache_read")),
            price(pricing.get("input_cache_write")),
        ),
        context_window=int(entry.get("context_length") or DEFAULT_CONTEXT_WINDOW),
        max_tokens=DEFAULT_MAX_TOKENS if most is None else int(most),
    )


def plain_model_of(ident: str, entry: dict[str, Any], context_window: int) -> Model:
    """One entry of the plain shape: its context where it tells, else the one given. Raises one of MALFORMED."""
    told = (entry.get(name) for name in _WINDOWS)
    window = next((one for one in told if isinstance(one, int) and one > 0), context_window)
    architecture = entry.get("architecture")
    modalities = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    return Model(ident, name_of(ident, entry), input=_input(modalities), context_window=window)


def id_of(entry: object) -> str:
    """The id of an entry; "" of one that has none."""
    ident = entry.get("id") if isinstance(entry, dict) else None
    return ident.strip() if isinstance(ident, str) else ""


def name_of(ident: str, entry: dict[str, Any]) -> str:
    """The name of an entry, else its id."""
    name = entry.get("name")
    return name if isinstance(name, str) and name else ident


def price(value: object) -> float:
    """US dollars per million tokens, of a price per token; 0 for anything that is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return number * _PER if isfinite(number) and number >= 0 else 0.0


def _input(modalities: object) -> tuple[str, ...]:
    if isinstance(modalities, list) and any(
        isinstance(one, str) and one.lower() == "image" for one in modalities
    ):
        return ("text", "image")
    return ("text",)
