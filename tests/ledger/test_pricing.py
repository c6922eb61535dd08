"""Pricing: exact, half up once, and honest about what is unknown."""

from datetime import date
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.catalog.prices import make_table
from kilo_gateway.core.money import Price
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.ledger.pricing import cost, priced
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

DOLLAR = 1_000_000_000
PRICE = Price(
    input=3 * DOLLAR,
    output=15 * DOLLAR,
    cache_read=DOLLAR // 2,
    source="config",
    since="2026-01-01",
)

tokens = st.integers(0, 10**7)
rates = st.one_of(st.none(), st.integers(0, 10**12))
known_rates = st.integers(0, 10**12)


@st.composite
def known_usages(draw):
    read, written, rest = draw(tokens), draw(tokens), draw(tokens)
    hour = draw(st.integers(0, written))
    return Usage(read + written + rest, draw(tokens), read, written, cache_write_1h_tokens=hour)


known_prices = st.builds(
    Price,
    input=known_rates,
    output=known_rates,
    cache_read=rates,
    cache_write=rates,
    cache_write_1h=rates,
    request=st.integers(0, 10**9),
)


def test_input_and_output_are_priced_per_million():
    assert cost(Usage(1_000_000, 1_000_000), PRICE) == 18 * DOLLAR


def test_cache_reads_have_their_price_and_writes_fall_back_to_the_input_price():
    usage = Usage(1_000_000, 0, cache_read_tokens=400_000, cache_write_tokens=100_000)
    assert cost(usage, PRICE) == (500_000 * 3 + 100_000 * 3) * 1000 + 400_000 * 500


def test_writes_that_are_kept_for_an_hour_have_their_own_price():
    usage = Usage(1_000_000, 0, 0, cache_write_tokens=300_000, cache_write_1h_tokens=100_000)
    price = msgspec.structs.replace(PRICE, cache_write=4 * DOLLAR)
    dear = msgspec.structs.replace(price, cache_write_1h=6 * DOLLAR)
    assert cost(usage, price) == (700_000 * 3 + 300_000 * 4) * 1000
    assert cost(usage, dear) == (700_000 * 3 + 200_000 * 4 + 100_000 * 6) * 1000


@pytest.mark.skipif(not TRAFFIC.exists(), reason=WHY_SKIPPED)
def test_recorded_writes_of_an_hour_cost_twice_the_input():
    anthropic, table = DIALECTS["anthropic_messages"], make_table(("anthropic",))
    seen = 0
    for recording in recordings("anthropic-messages"):
        if b'"ephemeral_1h_input_tokens":2056' not in recording.reply:
            continue
        seen += 1
        usage = anthropic.read_reply(recording.reply, "chat").usage
        price = table.price_of("anthropic", recording.model, date(2026, 11, 1))
        assert usage.cache_write_1h_tokens == 2056
        minutes = usage.cache_write_tokens - 2056
        read = usage.cache_read_tokens or 0
        plain = usage.input_tokens - usage.cache_write_tokens - read
        expected = plain * 3_000 + read * 300 + minutes * 3_750 + 2056 * 6_000
        assert cost(usage, price) == expected + usage.output_tokens * 15_000
    assert seen == 2


def test_a_half_is_rounded_up_once():
    price = Price(input=500_000, output=500_000)
    assert cost(Usage(1, 0), price) == 1
    assert cost(Usage(1, 1), price) == 1


def test_more_cache_than_input_means_the_input_is_all_uncached():
    usage = Usage(100, 0, cache_read_tokens=1_000_000)
    assert cost(usage, PRICE) == 100 * 3000 + DOLLAR // 2


def test_the_tier_is_chosen_by_the_whole_input():
    price = Price(input=1_000_000, output=0, tiers=((200, Price(input=2_000_000, output=0)),))
    assert [cost(Usage(n, 0), price) for n in (200, 201)] == [200, 402]


def test_with_tiers_an_unknown_input_has_an_unknown_cost():
    price = Price(input=0, output=0, tiers=((200, Price(input=2, output=0)),))
    assert cost(Usage(None, 5), price) is None


@pytest.mark.parametrize("tiers", [(), ((0, Price(input=0, output=0)),)])
def test_the_price_per_request_is_added(tiers):
    assert cost(Usage(1, 1), Price(input=0, output=0, request=7, tiers=tiers)) == 7


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(None, 5), PRICE),
        (Usage(5, None), PRICE),
        (Usage(5, 5), Price(input=1)),
        (Usage(5, 5), Price(output=1)),
        (Usage(), Price()),
    ],
)
def test_what_is_needed_and_unknown_makes_the_cost_unknown(usage, price):
    assert cost(usage, price) is None


def test_a_free_model_costs_nothing_even_without_counts():
    assert cost(Usage(), Price(input=0, output=0)) == 0


def test_a_bucket_of_zero_needs_no_price():
    assert cost(Usage(1_000_000, 0), Price(input=5)) == 5


def test_what_the_upstream_charged_counts_only_without_a_price():
    usage = Usage(1_000_000, 0, cost_nanodollars=42)
    assert (cost(usage, None), cost(usage, PRICE)) == (42, 3 * DOLLAR)
    assert cost(Usage(1, 1), None) is None


@settings(deadline=None)
@given(known_usages(), known_prices)
def test_the_cost_is_the_exact_sum_rounded_half_up(usage, price):
    read = price.input if price.cache_read is None else price.cache_read
    written = price.input if price.cache_write is None else price.cache_write
    hourly = written if price.cache_write_1h is None else price.cache_write_1h
    hour = usage.cache_write_1h_tokens
    plain = usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens
    exact = price.request + Fraction(
        plain * price.input
        + usage.cache_read_tokens * read
        + (usage.cache_write_tokens - hour) * written
        + hour * hourly
        + usage.output_tokens * price.output,
        1_000_000,
    )
    found = cost(usage, price)
    assert found >= 0
    assert Fraction(-1, 2) < found - exact <= Fraction(1, 2)


@settings(deadline=None)
@given(known_usages(), known_usages(), known_prices)
def test_without_tiers_costs_add_up_but_for_rounding(left, right, price):
    price = msgspec.structs.replace(price, request=0)
    apart = cost(left, price) + cost(right, price)
    assert abs(cost(left + right, price) - apart) <= 1


@settings(deadline=None)
@given(
    st.builds(Usage, *[st.one_of(st.none(), tokens)] * 4),
    st.builds(
        Price,
        input=rates,
        output=rates,
        cache_read=rates,
        cache_write=rates,
        cache_write_1h=rates,
    ),
)
def test_the_cost_is_never_negative(usage, price):
    found = cost(usage, price)
    assert found is None or found >= 0


def test_pricing_an_entry_says_which_price_was_used(entry_of):
    entry = priced(entry_of(), PRICE)
    assert (entry.cost_nanodollars, entry.price_source, entry.price_since) == (
        3_150_000,
        "config",
        "2026-01-01",
    )


def test_pricing_leaves_a_cost_that_is_known(entry_of):
    assert priced(entry_of(cost_nanodollars=0), PRICE) == entry_of(cost_nanodollars=0)


def test_an_entry_without_a_price_stays_unpriced(entry_of):
    assert priced(entry_of(), None) == entry_of()


def test_what_the_upstream_told_is_marked_so(entry_of):
    entry = priced(entry_of(usage=Usage(1, 1, cost_nanodollars=9)), None)
    assert (entry.cost_nanodollars, entry.price_source) == (9, "upstream")


def test_embeddings_have_no_output(entry_of, opening_of):
    entry = entry_of(opening_of(operation="embeddings"), usage=Usage(1_000_000))
    assert priced(entry, Price(input=20)).cost_nanodollars == 20


def test_a_cost_beyond_all_measure_is_unknown(entry_of):
    assert priced(entry_of(), Price(input=10**30, output=0)).cost_nanodollars is None
