"""Whose turn it is: untried candidates first, then each at its own moment, and never one that refused for good."""

from kilo_gateway.core.deployment import Deployment, Limits
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.relay.next_step import Tries
from kilo_gateway.relay.turns import Turns

TOO_LONG = Fault(Kind.CONTEXT_OVERFLOW, "x")
OVERLOADED = Fault(Kind.UPSTREAM_OVERLOADED, "x")
REFUSED = Fault(Kind.UPSTREAM_REFUSED_KEY, "x")


def candidates(count):
    return windows(*[None] * count)


def windows(*sizes):
    """Candidates with these context windows, None where unknown."""
    return [
        Deployment(str(number), "m", "m", "openai_chat", limits=Limits(context=size))
        for number, size in enumerate(sizes)
    ]


def limited(seconds):
    return Fault(Kind.UPSTREAM_RATE_LIMITED, "x", retry_after=seconds)


def after(turns, fault, *, made, now=100.0, allowed=6, patience=60.0):
    tries = Tries(made, allowed, turns.untried, patience)
    return turns.after(fault, tries, now, is_committed=False)


def test_untried_candidates_come_first_and_at_once():
    turns = Turns(candidates(3))
    assert (after(turns, limited(9.0), made=1), turns.index) == (0.0, 1)
    assert (after(turns, OVERLOADED, made=2), turns.index) == (0.0, 2)


def test_each_is_asked_again_at_its_own_moment():
    turns = Turns(candidates(2))
    after(turns, limited(15.0), made=1)
    assert (after(turns, OVERLOADED, made=2), turns.index) == (0.5, 1)
    wait = after(turns, OVERLOADED, made=3, now=110.0)
    assert (wait, turns.index) == (1.0, 1)
    assert (after(turns, OVERLOADED, made=4, now=114.0), turns.index) == (1.0, 0)


def test_one_that_refused_for_good_is_not_asked_again():
    turns = Turns(candidates(2))
    after(turns, REFUSED, made=1)
    assert (after(turns, OVERLOADED, made=2), turns.index) == (0.5, 1)


def test_when_the_last_refuses_another_gets_its_second_chance():
    turns = Turns(candidates(2))
    after(turns, OVERLOADED, made=1)
    assert (after(turns, REFUSED, made=2), turns.index) == (0.25, 0)


def test_nobody_is_left_when_all_refused_or_nobody_waits_that_long():
    turns = Turns(candidates(2))
    after(turns, REFUSED, made=1)
    assert after(turns, REFUSED, made=2) is None
    assert after(Turns(candidates(1)), limited(30.0), made=1) is None


def test_what_the_caller_did_wrong_is_asked_of_nobody_else():
    assert after(Turns(candidates(3)), Fault(Kind.UPSTREAM_REJECTED, "x"), made=1) is None


def test_a_candidate_whose_breaker_opened_is_skipped_while_others_are_untried():
    turns = Turns(candidates(2))
    assert (turns.skip(), turns.index) == (True, 1)
    assert (turns.skip(), turns.index) == (False, 1)


def test_after_one_that_was_too_small_only_larger_ones_are_asked():
    turns = Turns(windows(8, 8, None, 16, 4, 32))
    assert (after(turns, TOO_LONG, made=1), turns.index) == (0.0, 3)
    assert (after(turns, TOO_LONG, made=2), turns.index) == (0.0, 5)
    assert after(turns, TOO_LONG, made=3) is None


def test_one_of_unknown_size_is_followed_by_those_of_known_size():
    turns = Turns(windows(None, None, 16))
    assert (after(turns, TOO_LONG, made=1), turns.index) == (0.0, 2)


def test_small_ones_are_not_asked_later_for_another_reason():
    turns = Turns(windows(8, 16, 8, 16))
    after(turns, TOO_LONG, made=1)
    assert (after(turns, REFUSED, made=2), turns.index) == (0.0, 3)
    assert after(turns, REFUSED, made=3) is None


def test_nobody_who_is_too_small_gets_a_second_chance():
    turns = Turns(windows(4, 8, 16))
    after(turns, OVERLOADED, made=1)
    after(turns, TOO_LONG, made=2)
    assert turns.index == 2
    assert after(turns, REFUSED, made=3) is None
