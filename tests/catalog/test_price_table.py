"""Dated prices: exact, never guessed, the same after a round through bytes."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from kilo_gateway.catalog.price_table import (
    Clause,
    Period,
    PriceFinder,
    PriceTable,
    Row,
    dump,
    load,
    no_prices,
)
from kilo_gateway.core.money import Price


def price(value: int) -> Price:
    return Price(input=value, output=value)


TABLE = PriceTable(
    source="test",
    providers={
        "openai": (
            Row(Clause("starts", "gpt-dated"), (Period(price(1)), Period(price(2), "2026-08-01"))),
            Row(Clause("equals", "gpt-x-2025-12-11"), (Period(price(3)),)),
            Row(
                Clause("all", parts=(Clause("contains", "hour"), Clause("ends", "ly"))),
                (
                    Period(price(4)),
                    Period(price(9), "", (60, 240)),
                    Period(price(5), "", (1380, 30)),
                ),
            ),
            Row(
                Clause("any", parts=(Clause("regex", "^o[13]$"), Clause("equals", "o4"))),
                (Period(price(6)),),
            ),
            Row(Clause("equals", "whisper"), (Period(Price()),)),
            Row(Clause("equals", "new"), (Period(price(8), "2030-01-01"),)),
        ),
    },
    fallbacks={"azure": ("openai",)},
)


@pytest.mark.parametrize(
    ("provider", "model", "when", "expected"),
    [
        ("openai", "gpt-dated", date(2026, 7, 31), 1),
        ("openai", "GPT-dated-x", date(2026, 8, 1), 2),
        ("openai", "gpt-x-20251211", date(2026, 8, 1), 3),
        ("openai", "hourly", datetime(2026, 1, 1, 12, tzinfo=UTC), 4),
        ("openai", "hourly", datetime(2026, 1, 1, 1, tzinfo=UTC), 9),
        ("openai", "hourly", datetime(2026, 1, 1, 4, tzinfo=UTC), 4),
        ("openai", "hourly", datetime(2026, 1, 1, 23, 30, tzinfo=UTC), 5),
        ("openai", "hourly", date(2026, 1, 1), 9),
        ("openai", "o3", date(2026, 1, 1), 6),
        ("openai", "o4", date(2026, 1, 1), 6),
        ("openai", "o5", date(2026, 1, 1), None),
        ("openai", "whisper", date(2026, 1, 1), None),
        ("openai", "new", date(2026, 1, 1), 8),
        ("azure", "o3", date(2026, 1, 1), 6),
        ("groq", "o3", date(2026, 1, 1), None),
        ("", "o3", date(2026, 1, 1), None),
    ],
)
def test_the_price_of_a_model_on_a_day(provider, model, when, expected):
    found = TABLE.price_of(provider, model, when)
    assert (found.input if found else None) == expected


def test_a_table_survives_a_round_through_bytes():
    assert load(dump(TABLE)) == TABLE


@pytest.mark.parametrize(
    "data", [b"", b"rubbish", b"\x80", dump(msgspec.structs.replace(TABLE, format=99))]
)
def test_damaged_or_foreign_bytes_are_refused(data):
    with pytest.raises(ValueError, match="cached prices"):
        load(data)


def test_an_empty_table_knows_nothing():
    assert PriceFinder(no_prices(), date(2026, 1, 1))("openai", "gpt-5") is None
    assert PriceFinder(TABLE, date(2026, 8, 2))("openai", "gpt-dated") == price(2)
