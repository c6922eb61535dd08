"""Policies: each orders the deployments of one model by values and dice, and nobody is lost."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.router.health import Averages
from kilo_gateway.router.policies import (
    EXPLORING_SHARE,
    POLICIES,
    SORTS,
    by_latency,
    by_throughput,
    cheapest,
    fastest,
    least_busy,
    priority,
    weighted,
)

ALL = {**POLICIES, **SORTS}


def make(name, *, priority=0, weight=1):
    return Deployment(name, "m", "m", "openai_chat", priority=priority, weight=weight)


class Table:
    """What is known, by upstream."""

    def __init__(self, costs=None, averages=None, busy=None):
        self._costs, self._averages, self._busy = costs or {}, averages or {}, busy or {}

    def cost(self, deployment):
        return self._costs.get(deployment.upstream)

    def averages(self, deployment):
        return self._averages.get(deployment.upstream)

    def in_flight(self, deployment):
        return self._busy.get(deployment.upstream, 0)


NOTHING = Table()
ABC = [make("a"), make("b"), make("c")]


def never():
    return 0.5  # beyond the share of exploring


def names(policy, known, deployments=ABC, dice=never):
    return "".join(one.upstream for one in policy(deployments, known, dice))


deployments = st.lists(
    st.builds(
        lambda number, rank, weight: make(str(number), priority=rank, weight=weight),
        st.integers(0, 10**6),
        st.integers(-3, 3),
        st.integers(0, 1000),
    ),
    max_size=12,
    unique_by=lambda one: one.id,
)
numbers = st.none() | st.floats(0, 100)
averages = st.none() | st.builds(Averages, numbers, numbers, st.floats(0, 1))


@st.composite
def tables(draw, found):
    costs = {one.upstream: draw(st.none() | st.integers(0, 10**9)) for one in found}
    known = {one.upstream: draw(averages) for one in found}
    return Table(costs, known, {one.upstream: draw(st.integers(0, 50)) for one in found})


@pytest.mark.parametrize("name", list(ALL))
@given(data=st.data(), seed=st.integers())
def test_the_same_values_and_dice_give_the_same_order_and_nobody_is_lost(name, data, seed):
    found = data.draw(deployments)
    known = data.draw(tables(found))
    first = ALL[name](found, known, random.Random(seed).random)
    assert first == ALL[name](found, known, random.Random(seed).random)
    assert Counter(one.id for one in first) == Counter(one.id for one in found)


@given(deployments, st.integers())
def test_lower_priorities_come_first_and_weight_zero_last_among_its_equals(found, seed):
    result = priority(found, NOTHING, random.Random(seed).random)
    ranks = [(one.priority, one.weight == 0) for one in result]
    assert ranks == sorted(ranks)


def test_one_candidate_needs_no_dice():
    def no_dice():
        raise AssertionError("dice were thrown for nothing")

    assert priority([make("a")], NOTHING, no_dice) == (make("a"),)


@pytest.mark.parametrize("weights", [(7, 1, 1, 1), (1, 1), (3, 1, 0)])
@pytest.mark.parametrize("policy", [priority, weighted])
def test_each_comes_first_as_often_as_it_weighs(policy, weights):
    # case G12: shares within 3 points over 10,000 throws
    dice = random.Random(20261123).random
    found = [make(str(number), weight=weight) for number, weight in enumerate(weights)]
    throws = 10_000
    firsts = Counter(int(policy(found, NOTHING, dice)[0].upstream) for _ in range(throws))
    for number, weight in enumerate(weights):
        assert firsts[number] / throws == pytest.approx(weight / sum(weights), abs=0.03)


def test_weight_counts_whatever_the_priority():
    dice = random.Random(7).random
    found = [make("a", priority=-5), make("b", priority=5, weight=9)]
    firsts = Counter(weighted(found, NOTHING, dice)[0].upstream for _ in range(1000))
    assert firsts["b"] > 850


def test_dice_that_show_zero_are_fine():
    assert len(priority([make("a"), make("b", weight=0)], NOTHING, lambda: 0.0)) == 2
    assert names(priority, NOTHING, [make("b", weight=0), make("a")], lambda: 0.0)[0] == "a"


@pytest.mark.parametrize(
    ("policy", "known", "expected"),
    [
        (cheapest, Table({"a": 3, "b": 1, "c": 2}), "bca"),
        (cheapest, Table({"a": None, "b": 1, "c": 0}), "cba"),
        (least_busy, Table(busy={"a": 2, "b": 1}), "cba"),
        (by_latency, Table(averages={"a": Averages(2.0), "c": Averages(1.0)}), "cab"),
        (by_throughput, Table(averages={"a": Averages(1, 10), "c": Averages(1, 90)}), "cab"),
        (fastest, Table(averages={"a": Averages(2.0), "c": Averages(1.0)}), "cab"),
        # first byte later, but all of it sooner
        (fastest, Table(averages={"a": Averages(0.1, 10), "b": Averages(0.9, 500)}), "bac"),
        # a speed that is not known of all is no measure
        (fastest, Table(averages={"a": Averages(0.1, 10), "b": Averages(0.9)}), "abc"),
        # every second attempt fails: twice as long
        (fastest, Table(averages={"a": Averages(1.0, None, 0.5), "b": Averages(1.5)}), "bac"),
    ],
)
def test_the_order_of_a_policy(policy, known, expected):
    assert names(policy, known) == expected


def test_a_heavier_deployment_may_be_as_busy_as_it_weighs():
    found = [make("a"), make("b", weight=10)]
    assert names(least_busy, Table(busy={"a": 1, "b": 9}), found) == "ba"
    assert names(least_busy, Table(busy={"a": 1, "b": 11}), found) == "ab"


@pytest.mark.parametrize("policy", [cheapest, fastest, least_busy, by_latency, by_throughput])
def test_where_nothing_is_known_the_priority_decides(policy):
    assert names(policy, NOTHING, [make("a", priority=1), make("b")]) == "ba"


def firsts_of(known, throws=4000):
    dice = random.Random(11).random
    return Counter(fastest(ABC, known, dice)[0].upstream for _ in range(throws))


def test_those_of_which_nothing_is_known_are_tried_in_a_small_share_of_calls():
    firsts = firsts_of(Table(averages={"a": Averages(1.0)}))
    assert firsts["a"] / 4000 == pytest.approx(1 - EXPLORING_SHARE, abs=0.015)


def test_the_slower_ones_are_tried_now_and_then_since_that_may_change():
    firsts = firsts_of(Table(averages={name: Averages(ord(name) / 100) for name in "abc"}))
    assert firsts["a"] / 4000 == pytest.approx(1 - EXPLORING_SHARE, abs=0.015)
    assert firsts["b"] > 50
    assert firsts["c"] > 50
