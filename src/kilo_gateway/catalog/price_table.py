"""Dated prices by vendor and model, as plain values: quick to read back, and to look up, without the price package."""

import re
from datetime import UTC, date, datetime
from functools import cache

import msgspec

from kilo_gateway.core.money import Price, keeps_for_an_hour

FORMAT = 2
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class Clause(msgspec.Struct, frozen=True, array_like=True):
    """How a model's id is recognised: equals, starts, ends, contains, regex with a text; any, all with parts."""

    rule: str
    text: str = ""
    parts: tuple["Clause", ...] = ()

    def matches(self, model: str) -> bool:
        """Whether an id (lower case) is meant."""
        match self.rule:
            case "any":
                return any(part.matches(model) for part in self.parts)
            case "all":
                return all(part.matches(model) for part in self.parts)
            case "regex":
                return _compiled(self.text).search(model) is not None
            case "starts":
                return model.startswith(self.text)
            case "ends":
                return model.endswith(self.text)
            case "contains":
                return self.text in model
            case _:
                return model == self.text


class Period(msgspec.Struct, frozen=True, array_like=True):
    """A price and when it holds: from a day on ("yyyy-mm-dd", "" always), or between two UTC minutes of each day."""

    price: Price
    since: str = ""
    minutes: tuple[int, int] | None = None


class Row(msgspec.Struct, frozen=True, array_like=True):
    """One model: how to recognise it, and its periods; a later one that holds comes before an earlier one."""

    match: Clause
    periods: tuple[Period, ...]


class PriceTable(msgspec.Struct, frozen=True):
    """All prices. `fallbacks` names vendors whose models a vendor also serves at the same price (Azure: OpenAI)."""

    source: str
    providers: dict[str, tuple[Row, ...]]
    fallbacks: dict[str, tuple[str, ...]] = {}
    format: int = FORMAT

    def price_of(self, provider: str, model: str, when: date) -> Price | None:
        """The price at a vendor (its id in genai-prices), or None: never a guess from another vendor's price.

        For a `datetime` the price of that minute; for a plain date the dearest of that day.
        """
        lower = model.lower()
        spellings = dict.fromkeys((lower, _COMPACT_DATE.sub(r"-\1-\2-\3", lower)))
        for spelling in spellings:
            for vendor in (provider, *self.fallbacks.get(provider, ())):
                for row in self.providers.get(vendor, ()):
                    if row.match.matches(spelling):
                        price = _known(_at(row.periods, when))
                        if price is not None and keeps_for_an_hour(lower):
                            return price.with_hour_writes()
                        return price
        return None


def dump(table: PriceTable) -> bytes:
    """The table as bytes for a cache file."""
    return msgspec.msgpack.encode(table)


def load(data: bytes) -> PriceTable:
    """The table from bytes of `dump`. Raises ValueError if they are damaged or of another version."""
    try:
        table = msgspec.msgpack.decode(data, type=PriceTable)
    except msgspec.DecodeError as error:
        raise ValueError(f"the cached prices are damaged: {error}") from error
    if table.format != FORMAT:
        raise ValueError("the cached prices are of another version")
    return table


def no_prices() -> PriceTable:
    """A table that knows nothing."""
    return PriceTable(source="", providers={})


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _known(price: Price | None) -> Price | None:
    """None for a model that is priced by pictures or hours, of which Price has no place."""
    if price is None or (price.input is None and price.output is None and not price.request):
        return None
    return price


def _at(periods: tuple[Period, ...], when: date) -> Price | None:
    moment = when.astimezone(UTC) if isinstance(when, datetime) else None
    day = (moment.date() if moment else when).isoformat()
    held: Price | None = None
    hourly: list[Price] = []
    for period in periods:
        if period.minutes is not None:
            if moment is None or _is_within(period.minutes, moment):
                hourly.append(period.price)
        elif period.since <= day:
            held = period.price
    if moment is not None:
        return hourly[-1] if hourly else held
    if held is None and not hourly:
        return periods[0].price if periods else None
    return max((price for price in (held, *hourly) if price is not None), key=_dearness)


def _is_within(minutes: tuple[int, int], moment: datetime) -> bool:
    start, end = minutes
    minute = moment.hour * 60 + moment.minute
    return start <= minute < end if start <= end else (minute >= start or minute < end)


def _dearness(price: Price) -> tuple[int, int]:
    return (price.input or 0) + (price.output or 0), price.input or 0


class PriceFinder:
    """Prices of a table on one day: called with the vendor's id in genai-prices and the upstream's model id."""

    __slots__ = ("_table", "_when")

    def __init__(self, table: PriceTable, when: date) -> None:
        self._table = table
        self._when = when

    def __call__(self, provider: str, model: str) -> Price | None:
        """The price, or None where none is known."""
        return self._table.price_of(provider, model, self._when) if provider else None
