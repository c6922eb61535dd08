"""Money: whole nanodollars inside, half up at the border; prices by size of the request."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.money import (
    FREE,
    Price,
    keeps_for_an_hour,
    microdollars,
    nanodollars_from_usd,
    usd_text,
)


@pytest.mark.parametrize(
    ("dollars", "expected"),
    # case L12
    [
        ("0.123456", 123456),
        (1, 1_000_000),
        (0, 0),
        ("0.00000099", 1),
        ("0.1234567", 123457),
        (0.0849 / 20, 4245),
        ("-0.02507625", -25076),
        ("0.0000005", 1),
        ("-0.0000005", 0),
    ],
)
def test_dollars_become_microdollars_half_up(dollars, expected):
    assert microdollars(nanodollars_from_usd(dollars)) == expected


def test_a_float_is_taken_by_its_shortest_text():
    assert nanodollars_from_usd(0.1) + nanodollars_from_usd(0.2) == nanodollars_from_usd(0.3)


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [
        (0, "0"),
        (1, "0.000000001"),
        (1500, "0.0000015"),
        (-1500, "-0.0000015"),
        (10**9, "1"),
        (10 * 10**9, "10"),
        (10**9 + 10**8, "1.1"),
    ],
)
def test_dollars_are_shown_plainly(nanodollars, text):
    assert usd_text(nanodollars) == text


@given(st.integers(-(10**18), 10**18))
def test_the_text_of_an_amount_is_the_amount(nanodollars):
    assert Decimal(usd_text(nanodollars)) * 10**9 == nanodollars
    assert nanodollars_from_usd(usd_text(nanodollars)) == nanodollars


def test_a_tier_holds_above_its_threshold_only():
    high, higher = Price(input=2), Price(input=3)
    price = Price(input=1, tiers=((100, high), (200, higher)))
    assert [price.at(tokens).input for tokens in (0, 100, 101, 200, 201)] == [1, 1, 2, 2, 3]


def test_free_is_what_costs_nothing_for_certain():
    assert FREE.is_free
    assert not Price(input=0).is_free
    assert not Price(input=0, output=0, request=1).is_free
    assert not Price().is_free


def test_an_hour_in_the_cache_costs_twice_the_input_unless_more_is_known():
    high = Price(input=6, cache_write_1h=7)
    price = Price(input=3, cache_write=4, tiers=((100, high), (200, Price(input=8))))
    told = price.with_hour_writes()
    assert [told.at(n).cache_write_1h for n in (0, 150, 250)] == [6, 7, 16]
    assert Price(output=1).with_hour_writes().cache_write_1h is None
    assert keeps_for_an_hour("us.anthropic.Claude-Opus-5")
    assert not keeps_for_an_hour("gpt-5")
