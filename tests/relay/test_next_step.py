"""After a fault: the table over all kinds, and what holds for every one of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Blame, Fault, Kind
from kilo_gateway.relay.next_step import RULES, Action, Step, Tries, next_step

# Kinds that no row speaks of: their own side answers, nobody else could do better. A new kind belongs either here or
# into RULES, on purpose.
NOBODY_ELSE = {
    Kind.NOT_FOUND,
    Kind.INVALID_PATH,
    Kind.METHOD_NOT_ALLOWED,
    Kind.INVALID_REQUEST,
    Kind.UNSUPPORTED_FIELD,
    Kind.BODY_TOO_LARGE,
    Kind.UNSUPPORTED_ENCODING,
    Kind.CLIENT_TIMEOUT,
    Kind.HEAD_TOO_LARGE,
    Kind.AUTHENTICATION_REQUIRED,
    Kind.PAID_MODEL_AUTH_REQUIRED,
    Kind.MODEL_NOT_FOUND,
    Kind.MODEL_NOT_ALLOWED,
    Kind.PROVIDER_NOT_ALLOWED,
    Kind.API_KIND_NOT_SUPPORTED,
    Kind.UNSUPPORTED_FIM_MODEL,
    Kind.CLIENT_DISCONNECT,
    Kind.DRAINING,
    Kind.STORE_UNAVAILABLE,
    Kind.INTERNAL,
}
ANOTHER_OR_AGAIN, ANOTHER, NOBODY = (True, True), (True, False), (False, False)
EXPECTED = dict.fromkeys(NOBODY_ELSE, NOBODY) | {
    Kind.UPSTREAM_CONNECT: ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_DISCONNECT: ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_GARBAGE: ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_RATE_LIMITED: ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_OVERLOADED: ANOTHER_OR_AGAIN,
    Kind.UPSTREAM_ERROR: ANOTHER_OR_AGAIN,
    Kind.OVERLOADED: ANOTHER,
    Kind.UPSTREAM_TIMEOUT: ANOTHER,
    Kind.UPSTREAM_REFUSED_KEY: ANOTHER,
    Kind.UPSTREAM_NO_CREDIT: ANOTHER,
    Kind.UPSTREAM_NO_MODEL: ANOTHER,
    Kind.CONTEXT_OVERFLOW: ANOTHER,
    Kind.UPSTREAM_REJECTED: NOBODY,
    Kind.CONTENT_FILTERED: NOBODY,
}


def step(kind, *, untried=0, made=1, allowed=4, patience_s=60.0, retry_after=None, committed=False):
    tries = Tries(made, allowed, untried, patience_s)
    fault = Fault(kind, "x", retry_after=retry_after)
    return next_step(fault, tries, is_committed=committed)


def test_every_kind_is_in_the_table_or_left_out_on_purpose():
    assert set(RULES) | NOBODY_ELSE == set(Kind)
    assert not set(RULES) & NOBODY_ELSE


def test_every_fault_of_an_upstream_has_a_row():
    assert {kind for kind in Kind if Fault(kind, "x").row.blame is Blame.UPSTREAM} <= set(RULES)


@pytest.mark.parametrize(("kind", "rule"), EXPECTED.items())
def test_another_deployment_is_asked_where_it_may_do_better(kind, rule):
    expected = Action.NEXT if rule[0] else Action.GIVE_UP
    assert step(kind, untried=1).action is expected


@pytest.mark.parametrize(("kind", "rule"), EXPECTED.items())
def test_the_same_deployment_is_asked_again_when_it_is_the_only_one_and_may_do_better(kind, rule):
    expected = Action.AGAIN if rule[1] else Action.GIVE_UP
    assert step(kind).action is expected


def test_the_next_deployment_is_asked_at_once():
    assert step(Kind.UPSTREAM_RATE_LIMITED, untried=1, retry_after=10.0) == Step(Action.NEXT, 0.0)


@pytest.mark.parametrize(("made", "wait_s"), [(1, 0.25), (2, 0.5), (3, 1.0), (6, 8.0), (30, 8.0)])
def test_the_wait_doubles_up_to_a_limit(made, wait_s):
    assert step(Kind.UPSTREAM_ERROR, made=made, allowed=99) == Step(Action.AGAIN, wait_s)


def test_the_wait_that_an_upstream_asks_for_is_kept():
    assert step(Kind.UPSTREAM_RATE_LIMITED, retry_after=3.5) == Step(Action.AGAIN, 3.5)


@pytest.mark.parametrize(
    ("retry_after", "patience_s", "action"),
    [
        (20.0, 60.0, Action.AGAIN),
        (20.1, 60.0, Action.GIVE_UP),  # longer than an upstream may ask for
        (5.0, 5.0, Action.AGAIN),
        (5.1, 5.0, Action.GIVE_UP),  # longer than the client waits
        (None, 0.2, Action.GIVE_UP),
    ],
)
def test_nobody_waits_longer_than_is_worth_it(retry_after, patience_s, action):
    found = step(Kind.UPSTREAM_RATE_LIMITED, retry_after=retry_after, patience_s=patience_s)
    assert found.action is action


faults = st.builds(
    lambda kind, retry_after: Fault(kind, "x", retry_after=retry_after),
    st.sampled_from(list(Kind)),
    st.none() | st.floats(0, 1e9),
)
tries = st.builds(
    Tries,
    made=st.integers(1, 1000),
    allowed=st.integers(1, 1000),
    untried=st.integers(0, 50),
    patience_s=st.floats(-100, 10_000),
    longest_retry_after_s=st.floats(0, 1000),
)


@given(faults, tries)
def test_after_the_first_byte_nothing_is_tried(fault, tries):
    assert next_step(fault, tries, is_committed=True) == Step(Action.GIVE_UP)


@given(faults, tries)
def test_no_step_breaks_a_limit(fault, tries):
    found = next_step(fault, tries, is_committed=False)
    assert 0 <= found.wait_s <= max(0.0, tries.patience_s)
    if found.action is Action.GIVE_UP:
        assert found.wait_s == 0
        return
    assert tries.made < tries.allowed
    assert tries.patience_s > 0
    if found.action is Action.NEXT:
        assert tries.untried > 0
    if found.action is Action.AGAIN and fault.retry_after is not None:
        assert found.wait_s == fault.retry_after <= tries.longest_retry_after_s


@given(faults, tries)
def test_what_the_caller_or_the_key_did_wrong_is_told_at_once(fault, tries):
    if fault.row.blame in {Blame.CALLER, Blame.KEY} and fault.kind is not Kind.CONTEXT_OVERFLOW:
        assert next_step(fault, tries, is_committed=False) == Step(Action.GIVE_UP)


@given(faults, st.integers(1, 20), st.integers(1, 5))
def test_a_call_that_always_fails_ends(fault, allowed, candidates):
    made = 1
    while True:
        tries = Tries(made, allowed, max(0, candidates - made), 600.0)
        if next_step(fault, tries, is_committed=False).action is Action.GIVE_UP:
            break
        made += 1
    assert made <= allowed
