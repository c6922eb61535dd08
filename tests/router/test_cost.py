"""The expected cost of an answer, with and without a warm cache."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.money import FREE, Price
from kilo_gateway.router.cost import expected_cost

USD = 10**9
CACHED = Price(input=3 * USD, output=15 * USD, cache_read=USD // 10)


@pytest.mark.parametrize(
    ("price", "tokens", "expected"),
    [
        (CACHED, (1_000_000, 0, 0), 3 * USD),
        (CACHED, (1_000_000, 1_000_000, 0), 18 * USD),
        # 97 of 100 tokens are still warm
        (CACHED, (100, 0, 100), 97 * 100 + 3 * 3000),
        (CACHED, (100, 0, 10_000), 97 * 100 + 3 * 3000),
        # a cache that has no price changes nothing
        (Price(input=3 * USD, output=0), (100, 0, 100), 300_000),
        (Price(input=0, output=0, request=7), (100, 5, 0), 7),
        (Price(input=USD, output=0, request=7, tiers=((50, Price(input=2 * USD, output=0)),)), (100, 0, 0), 200_007),
        (FREE, (100, 5, 0), 0),
        (None, (100, 5, 0), None),
        (Price(input=1), (100, 5, 0), None),
        (Price(output=1), (100, 5, 0), None),
    ],
)  # fmt: skip
def test_the_cost_of_a_request(price, tokens, expected):
    assert expected_cost(price, *tokens) == expected


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.integers(0, 10**7))
def test_a_warm_cache_never_costs_more_and_nothing_costs_less_than_nothing(given_in, out, warm):
    assert 0 <= expected_cost(CACHED, given_in, out, warm) <= expected_cost(CACHED, given_in, out)
