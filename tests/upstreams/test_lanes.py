"""Lanes: turns between keys, order inside a key."""

from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.upstreams.lanes import Lanes, Waiter


def waiter(lane: str) -> Waiter:
    return Waiter(cast("Any", None), lane, 0.0)


def filled(names: str) -> Lanes:
    lanes = Lanes()
    for name in names:
        lanes.push(waiter(name))
    return lanes


def served(lanes: Lanes) -> str:
    names = ""
    while (turn := lanes.pop()) is not None:
        names += turn.lane
    return names


def test_lanes_take_turns_however_long_one_is():
    assert served(filled("aaaabbc")) == "abcabaa"


def test_a_lane_that_comes_late_waits_one_round_only():
    lanes = filled("aaaa")
    lanes.pop()
    lanes.push(waiter("b"))
    assert served(lanes) == "abaa"


def test_inside_a_lane_the_first_come_is_the_first_served():
    lanes, first, second = Lanes(), waiter("a"), waiter("a")
    lanes.push(first)
    lanes.push(second)
    assert [lanes.pop(), lanes.pop(), lanes.pop()] == [first, second, None]


def test_a_waiter_may_leave_and_leaving_twice_is_harmless():
    lanes, first, second = Lanes(), waiter("a"), waiter("a")
    lanes.push(first)
    lanes.push(second)
    lanes.remove(first)
    lanes.remove(first)
    assert (lanes.count, list(lanes)) == (1, [second])
    assert lanes.pop() is second
    lanes.remove(second)
    assert lanes.count == 0


@given(st.lists(st.tuples(st.sampled_from(["push", "pop", "remove"]), st.sampled_from("abc"))))
def test_the_count_is_always_the_number_of_those_who_wait(actions):
    lanes, present = Lanes(), []
    for action, name in actions:
        if action == "push":
            present.append(waiter(name))
            lanes.push(present[-1])
        elif action == "pop":
            turn = lanes.pop()
            assert (turn is None) == (not present)
            if turn is not None:
                present.remove(turn)
        elif present:
            lanes.remove(present.pop(0))
        assert lanes.count == len(present) == len(list(lanes))
