"""The price table, made from the package genai-prices. Importing this takes a while: do it late, in a thread."""

from collections.abc import Collection
from decimal import ROUND_HALF_UP, Decimal
from importlib.metadata import version

from genai_prices import types as genai
from genai_prices.data import providers as genai_providers

from kilo_gateway.catalog.price_table import Clause, Period, PriceTable, Row
from kilo_gateway.core.money import NANODOLLARS_PER_DOLLAR, Price

_RULES = {
    genai.ClauseEquals: ("equals", "equals"),
    genai.ClauseStartsWith: ("starts", "starts_with"),
    genai.ClauseEndsWith: ("ends", "ends_with"),
    genai.ClauseContains: ("contains", "contains"),
}
_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


def make_table(wanted: Collection[str] = ()) -> PriceTable:
    """The prices of the wanted vendors (ids in genai-prices) and of those they fall back to; all if none is named."""
    source = f"genai-prices {version('genai-prices')}"
    fallbacks = {
        provider.id: tuple(provider.fallback_model_providers)
        for provider in genai_providers
        if provider.fallback_model_providers and (not wanted or provider.id in wanted)
    }
    kept = set(wanted).union(*fallbacks.values()) if wanted else None
    return PriceTable(
        source=source,
        providers={
            provider.id: tuple(_row(model, source) for model in provider.models)
            for provider in genai_providers
            if kept is None or provider.id in kept
        },
        fallbacks=fallbacks,
    )


def _row(model: genai.ModelInfo, source: str) -> Row:
    prices = model.prices
    if isinstance(prices, genai.ModelPrice):
        return Row(_clause(model.match), (Period(_price(prices, source, "")),))
    return Row(_clause(model.match), tuple(_period(row, source) for row in prices))


def _clause(match: genai.MatchLogic) -> Clause:
    if isinstance(match, genai.ClauseOr):
        return Clause("any", parts=tuple(_clause(part) for part in match.or_))
    if isinstance(match, genai.ClauseAnd):
        return Clause("all", parts=tuple(_clause(part) for part in match.and_))
    if isinstance(match, genai.ClauseRegex):
        return Clause("regex", match.regex)
    rule, field = _RULES[type(match)]
    return Clause(rule, str(getattr(match, field)).lower())


def _period(row: genai.ConditionalPrice, source: str) -> Period:
    constraint = row.constraint
    if isinstance(constraint, genai.StartDateConstraint):
        since = constraint.start_date.isoformat()
        return Period(_price(row.prices, source, since), since)
    price = _price(row.prices, source, "")
    if constraint is None:
        return Period(price)
    # Every time of day in the package is in UTC.
    start, end = constraint.start_time, constraint.end_time
    return Period(price, "", (start.hour * 60 + start.minute, end.hour * 60 + end.minute))


def _price(prices: genai.ModelPrice, source: str, since: str) -> Price:
    values = {name: getattr(prices, field) for name, field in _FIELDS.items()}
    starts = {
        tier.start
        for value in values.values()
        if isinstance(value, genai.TieredPrices)
        for tier in value.tiers
    }
    requests = prices.requests_kcount
    request = _nanodollars(requests / 1_000) if isinstance(requests, Decimal) else 0

    def at(start: int | None, tiers: tuple[tuple[int, Price], ...] = ()) -> Price:
        numbers = {name: _number(value, start) for name, value in values.items()}
        return Price(**numbers, request=request, tiers=tiers, source=source, since=since)

    return at(None, tuple((start, at(start)) for start in sorted(starts)))


def _number(value: Decimal | genai.TieredPrices | None, start: int | None) -> int | None:
    """Dollars per million tokens as nanodollars, in the tier that begins above `start` tokens."""
    if value is None:
        return None
    if isinstance(value, genai.TieredPrices):
        chosen = value.base
        for tier in value.tiers:
            if start is not None and tier.start <= start:
                chosen = tier.price
        return _nanodollars(chosen)
    return _nanodollars(value)


def _nanodollars(dollars: Decimal) -> int:
    return int((dollars * NANODOLLARS_PER_DOLLAR).to_integral_value(ROUND_HALF_UP))
