"""The circuit breaker: after failures in a row it opens, lets one probe through, closes or opens for longer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kilo_gateway.core.fault import Blame, Fault, Kind
from kilo_gateway.router.health import MAX_RECORDS, Averages, BreakerRule, Health

ID = "openai/gpt-5"
BROKEN = Fault(Kind.UPSTREAM_ERROR, "x")
COUNTED = {
    Kind.UPSTREAM_CONNECT,
    Kind.UPSTREAM_DISCONNECT,
    Kind.UPSTREAM_TIMEOUT,
    Kind.UPSTREAM_GARBAGE,
    Kind.UPSTREAM_OVERLOADED,
    Kind.UPSTREAM_ERROR,
    Kind.UPSTREAM_REFUSED_KEY,
    Kind.UPSTREAM_NO_CREDIT,
}


def opened(failures=3, open_s=10.0, at=100.0):
    health = Health(BreakerRule(failures, open_s))
    for _ in range(failures):
        health.failed(ID, BROKEN, at)
    return health


def test_an_unknown_deployment_may_be_asked():
    assert Health().closed_until(ID, 0.0) is None
    assert Health().state(ID, 0.0) == "closed"


def test_it_opens_at_the_nth_failure_in_a_row_and_says_so():
    health = Health(BreakerRule(failures=3, open_s=10.0))
    assert [health.failed(ID, BROKEN, 100.0) for _ in range(3)] == [False, False, True]
    assert health.closed_until(ID, 100.0) == 110.0
    assert health.state(ID, 100.0) == "open"


def test_a_success_between_failures_starts_the_count_anew():
    health = Health(BreakerRule(failures=2))
    health.failed(ID, BROKEN, 0.0)
    health.succeeded(ID, 0.1)
    assert health.failed(ID, BROKEN, 0.0) is False


def test_half_open_lets_one_probe_through():
    health = opened()
    assert health.state(ID, 110.0) == "half-open"
    assert health.closed_until(ID, 110.0) is None
    health.started(ID, 110.0)
    assert health.closed_until(ID, 111.0) is not None


def test_a_probe_that_succeeds_closes_the_breaker():
    health = opened()
    health.started(ID, 110.0)
    health.succeeded(ID, 0.5)
    assert health.closed_until(ID, 110.5) is None
    assert health.state(ID, 110.5) == "closed"


def test_a_probe_that_fails_opens_it_for_twice_as_long():
    health = opened()
    health.started(ID, 110.0)
    assert health.failed(ID, BROKEN, 111.0) is True
    assert health.closed_until(ID, 111.0) == 131.0


def test_the_time_that_it_stays_open_is_bounded():
    health, now = opened(), 110.0
    for _ in range(40):
        health.started(ID, now)
        health.failed(ID, BROKEN, now)
        now = health.closed_until(ID, now)
    health.failed(ID, BROKEN, now)
    assert health.closed_until(ID, now) - now == 80.0


def test_a_probe_whose_client_leaves_gives_its_place_free():
    health = opened()
    health.started(ID, 110.0)
    health.abandoned(ID)
    assert health.closed_until(ID, 111.0) is None


def test_a_probe_that_never_ends_blocks_others_for_a_time_only():
    health = opened()
    health.started(ID, 110.0)
    until = health.closed_until(ID, 111.0)
    assert health.closed_until(ID, until) is None


def test_calls_that_began_before_the_breaker_opened_do_not_open_it_for_longer():
    health = opened(at=100.0)
    assert [health.failed(ID, BROKEN, 101.0) for _ in range(5)] == [False] * 5
    assert health.closed_until(ID, 101.0) == 110.0
    health.started(ID, 110.0)
    health.failed(ID, BROKEN, 110.0)
    assert health.closed_until(ID, 110.0) == 130.0


def test_a_rate_limit_sends_others_ahead_for_the_time_told_and_is_no_failure():
    health = Health(BreakerRule(failures=1, open_s=10.0))
    assert (
        health.failed(ID, Fault(Kind.UPSTREAM_RATE_LIMITED, "x", retry_after=7.0), 100.0) is False
    )
    assert health.is_rate_limited(ID, 106.9)
    assert not health.is_rate_limited(ID, 107.0)
    assert health.closed_until(ID, 106.9) is None
    assert health.state(ID, 100.0) == "closed"


def test_a_rate_limit_that_names_no_time_closes_nothing():
    health = Health()
    health.failed(ID, Fault(Kind.UPSTREAM_RATE_LIMITED, "x"), 100.0)
    assert health.closed_until(ID, 100.0) is None


def test_a_rate_limit_of_days_is_cut():
    health = Health(BreakerRule(open_s=15.0))
    health.failed(ID, Fault(Kind.UPSTREAM_RATE_LIMITED, "x", retry_after=86_400.0), 0.0)
    assert health.is_rate_limited(ID, 119.0)
    assert not health.is_rate_limited(ID, 120.0)


def test_a_probe_that_meets_a_rate_limit_leaves_the_place_to_the_next():
    health = opened()
    health.started(ID, 110.0)
    health.failed(ID, Fault(Kind.UPSTREAM_RATE_LIMITED, "x", retry_after=7.0), 111.0)
    assert health.is_rate_limited(ID, 112.0)
    assert health.closed_until(ID, 112.0) is None


@pytest.mark.parametrize("kind", list(Kind))
def test_only_what_upstreams_do_wrong_counts(kind):
    health = Health(BreakerRule(failures=1))
    assert health.failed(ID, Fault(kind, "x"), 0.0) is (kind in COUNTED)


def test_every_fault_of_an_upstream_is_counted_or_left_out_on_purpose():
    left_out = {Kind.UPSTREAM_RATE_LIMITED, Kind.UPSTREAM_NO_MODEL}
    blamed = {kind for kind in Kind if Fault(kind, "x").row.blame is Blame.UPSTREAM}
    assert blamed == COUNTED | left_out


def test_the_first_answer_sets_the_average_and_later_ones_move_it():
    health = Health()
    assert health.average_first_byte_s(ID) is None
    health.succeeded(ID, 1.0)
    assert health.average_first_byte_s(ID) == 1.0
    health.succeeded(ID, 2.0)
    assert health.average_first_byte_s(ID) == pytest.approx(1.2)


def test_records_of_deployments_that_are_gone_are_dropped():
    health = opened()
    health.succeeded("other/model", 1.0)
    health.forget(frozenset({"other/model"}))
    assert health.closed_until(ID, 100.0) is None
    assert health.average_first_byte_s("other/model") == 1.0


def test_nothing_is_known_of_a_deployment_that_was_never_asked():
    assert Health().averages(ID) is None
    assert Health().in_flight(ID) == 0


def test_averages_are_of_the_first_byte_the_speed_and_the_failures():
    health = Health()
    health.succeeded(ID, 0.5)
    assert health.averages(ID) == Averages(0.5, None, 0.0)
    health.spoke(ID, 100, 2.0)
    health.failed(ID, BROKEN, 0.0)
    assert health.averages(ID) == Averages(0.5, 50.0, 0.2)
    health.spoke(ID, 200, 2.0)
    health.succeeded(ID, 1.0)
    assert health.averages(ID) == Averages(0.6, 60.0, 0.16)


@pytest.mark.parametrize(("tokens", "seconds"), [(15, 1.0), (0, 1.0), (100, 0.0), (100, -1.0)])
def test_short_answers_and_those_that_came_at_once_tell_no_speed(tokens, seconds):
    health = Health()
    health.succeeded(ID, 0.5)
    health.spoke(ID, tokens, seconds)
    assert health.averages(ID).tokens_per_s is None


def test_a_speed_of_a_deployment_that_is_gone_is_not_kept():
    health = Health()
    health.spoke(ID, 100, 1.0)
    assert health.averages(ID) is None


@pytest.mark.parametrize(
    "end",
    [
        lambda health: health.succeeded(ID, 0.1),
        lambda health: health.failed(ID, BROKEN, 0.0),
        lambda health: health.failed(ID, Fault(Kind.INVALID_REQUEST, "x"), 0.0),
        lambda health: health.abandoned(ID),
    ],
)
def test_an_attempt_is_under_way_from_its_start_to_whatever_ends_it(end):
    health = Health()
    health.started(ID, 0.0)
    health.started(ID, 0.0)
    assert health.in_flight(ID) == 2
    end(health)
    assert health.in_flight(ID) == 1
    end(health)
    end(health)
    assert health.in_flight(ID) == 0


def test_made_up_names_do_not_fill_the_memory():
    health = Health()
    for number in range(MAX_RECORDS + 5):
        health.started(f"sim/{number}", 0.0)
    assert health.in_flight("sim/0") == 0
    assert health.in_flight(f"sim/{MAX_RECORDS + 4}") == 1


@given(st.lists(st.floats(0, 1000), min_size=1))
def test_the_average_stays_between_the_fastest_and_the_slowest(times):
    health = Health()
    for time_s in times:
        health.succeeded(ID, time_s)
    average = health.average_first_byte_s(ID)
    assert min(times) - 1e-6 <= average <= max(times) + 1e-6


class Breaker(RuleBasedStateMachine):
    """Any order of events: a door never stays shut for ever, and probes never run side by side."""

    def __init__(self):
        super().__init__()
        self.health = Health(BreakerRule(failures=2, open_s=5.0))
        self.now = 1000.0

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def a_call_starts_if_it_may(self):
        half_open = self.health.state(ID, self.now) == "half-open"
        if self.health.closed_until(ID, self.now) is None:
            self.health.started(ID, self.now)
            if half_open:
                assert self.health.closed_until(ID, self.now) is not None

    @rule(kind=st.sampled_from(list(Kind)), retry_after=st.none() | st.floats(0, 1e6))
    def a_call_fails(self, kind, retry_after):
        self.health.failed(ID, Fault(kind, "x", retry_after=retry_after), self.now)

    @rule()
    def a_call_succeeds(self):
        self.health.succeeded(ID, 0.1)
        assert self.health.state(ID, self.now) == "closed"

    @rule()
    def a_client_leaves(self):
        self.health.abandoned(ID)

    @invariant()
    def it_is_asked_again_within_two_minutes(self):
        until = self.health.closed_until(ID, self.now)
        assert until is None or self.now < until <= self.now + 120.0

    @invariant()
    def an_open_breaker_is_not_asked(self):
        if self.health.state(ID, self.now) == "open":
            assert self.health.closed_until(ID, self.now) is not None


test_any_order_of_events_keeps_the_rules = Breaker.TestCase
