"""The order among equals: priority first, then dice by weight."""

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.router.policies import ordered


def make(name, *, priority=0, weight=1):
    return Deployment(name, "m", "m", "openai_chat", priority=priority, weight=weight)


deployments = st.lists(
    st.builds(
        lambda number, priority, weight: make(str(number), priority=priority, weight=weight),
        st.integers(0, 10**6),
        st.integers(-3, 3),
        st.integers(0, 1000),
    ),
    max_size=12,
)


@given(deployments, st.integers())
def test_the_same_dice_give_the_same_order(candidates, seed):
    first = ordered(candidates, random.Random(seed).random)
    assert first == ordered(candidates, random.Random(seed).random)


@given(deployments, st.integers())
def test_nobody_is_lost_and_lower_priorities_come_first(candidates, seed):
    result = ordered(candidates, random.Random(seed).random)
    assert Counter(item.id for item in result) == Counter(item.id for item in candidates)
    priorities = [item.priority for item in result]
    assert priorities == sorted(priorities)


@given(deployments, st.integers())
def test_weight_zero_comes_last_among_its_equals(candidates, seed):
    result = ordered(candidates, random.Random(seed).random)
    ranks = [(item.priority, item.weight == 0) for item in result]
    assert ranks == sorted(ranks)


def test_one_candidate_needs_no_dice():
    def no_dice():
        raise AssertionError("dice were thrown for nothing")

    assert ordered([make("a")], no_dice) == (make("a"),)


@pytest.mark.parametrize("weights", [(7, 1, 1, 1), (1, 1), (3, 1, 0)])
def test_each_comes_first_as_often_as_it_weighs(weights):
    # case G12: shares within 3 points over 10,000 throws
    dice = random.Random(20261123).random
    candidates = [make(str(number), weight=weight) for number, weight in enumerate(weights)]
    throws = 10_000
    firsts = Counter(int(ordered(candidates, dice)[0].upstream) for _ in range(throws))
    for number, weight in enumerate(weights):
        assert firsts[number] / throws == pytest.approx(weight / sum(weights), abs=0.03)


def test_dice_that_show_zero_are_fine():
    assert len(ordered([make("a"), make("b", weight=0)], lambda: 0.0)) == 2
    assert ordered([make("b", weight=0), make("a")], lambda: 0.0)[0].upstream == "a"
