"""Tokens of an OpenAI-compatible answer and what they cost (genesis.md 6.3)."""

from math import isfinite
from typing import Any, TypeGuard

from genesis.core.model import Cost
from genesis.core.usage import Usage

_PER = 1_000_000


def read_usage(usage: dict[str, Any], cost: Cost | None) -> Usage:
    """The tokens of a `usage` object, cached ones apart from the input. Their cost is what the server says, else that
    at the catalog's prices: a model that a gateway chose has another price than the one that was asked for."""
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    prompt, output = count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))
    cached = count(details.get("cached_tokens"))
    if cached is None:
        cached = count(usage.get("prompt_cache_hit_tokens"))
    written = count(details.get("cache_write_tokens"))
    fresh = None if prompt is None else max(0, prompt - (cached or 0) - (written or 0))
    told = usage.get("cost")
    if _is_number(told) and told >= 0:
        return Usage(fresh, output, cached, written, float(told))
    tokens = Usage(fresh, output, cached, written)
    return tokens if cost is None else priced(tokens, cost)


def priced(usage: Usage, cost: Cost) -> Usage:
    """The same tokens with their cost at the catalog's prices; unknown tokens have none."""
    if usage.input is None and usage.output is None:
        return usage
    rates = (
        (usage.input, cost.input),
        (usage.output, cost.output),
        (usage.cache_read, cost.cache_read),
        (usage.cache_write, cost.cache_write),
    )
    spent = sum((tokens or 0) * rate for tokens, rate in rates) / _PER
    return Usage(usage.input, usage.output, usage.cache_read, usage.cache_write, spent)


def count(value: object) -> int | None:
    """A number of tokens; None for what is none."""
    return int(value) if _is_number(value) and value >= 0 else None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
