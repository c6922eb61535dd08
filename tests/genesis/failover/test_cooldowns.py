"""Table J of the cases: how long keys rest."""

import math

import msgspec
import pytest

from genesis.config.schema import Cooldowns
from genesis.core.fault import Reason
from genesis.failover.cooldowns import (
    HOUR_MS,
    MINUTE_MS,
    KeyStats,
    after_failure,
    after_success,
    cooldown_ms,
    disabled_ms,
    resting_reason,
    resting_until,
)

T0 = 1_700_000_000_000.0


@pytest.mark.parametrize(
    ("count", "seconds"), [(0, 30), (1, 30), (2, 60), (3, 300), (10, 300)], ids="J4 {}".format
)
def test_the_rest_grows_by_steps(count: int, seconds: int) -> None:
    assert cooldown_ms(count) == seconds * 1000


@pytest.mark.parametrize(
    ("count", "hours"), [(1, 5), (2, 10), (3, 20), (4, 24), (400, 24)], ids="J5 {}".format
)
def test_bills_double_the_rest_up_to_a_day(count: int, hours: int) -> None:
    assert disabled_ms("billing", count, Cooldowns()) == hours * HOUR_MS


def test_a_revoked_key_rests_ten_minutes_then_longer() -> None:
    rests = [disabled_ms("auth_permanent", n, Cooldowns()) / MINUTE_MS for n in (1, 2, 3, 4)]
    assert rests == [10, 20, 40, 60]


def test_a_provider_may_have_its_own_first_rest() -> None:
    limits = Cooldowns(billing_backoff_hours_by_provider={"anthropic": 1})
    assert disabled_ms("billing", 2, limits, "anthropic") == 2 * HOUR_MS


def test_j7_a_rest_under_way_is_not_lengthened() -> None:
    stats = KeyStats(cooldown_until=T0 + 50 * MINUTE_MS, cooldown_reason="rate_limit")
    assert after_failure(stats, "rate_limit", T0).cooldown_until == T0 + 50 * MINUTE_MS


@pytest.mark.parametrize("until", [T0, math.nan, math.inf, 0, -1], ids="J10-J11 {}".format)
def test_a_moment_that_is_over_or_no_moment_is_no_rest(until: float) -> None:
    assert resting_until(KeyStats(cooldown_until=until, disabled_until=until), T0) is None


def limited(model: str | None = "m1") -> KeyStats:
    return after_failure(KeyStats(), "rate_limit", T0, model=model)


def test_j12_a_rate_limit_is_bound_to_its_model() -> None:
    assert resting_until(limited(), T0 + 1, "m2") is None
    assert resting_until(limited(), T0 + 1, "m1") == T0 + 30_000


def test_j13_a_bill_concerns_every_model() -> None:
    stats = after_failure(limited(), "billing", T0)
    assert resting_until(stats, T0 + 1, "m2") == T0 + 5 * HOUR_MS
    assert resting_reason(stats, T0 + 1) == "billing"


@pytest.mark.parametrize(("reason", "model"), [("rate_limit", "m2"), ("rate_limit", None), ("overloaded", "m1")])  # fmt: skip
def test_another_model_or_reason_widens_the_rest(reason: Reason, model: str | None) -> None:
    stats = after_failure(limited(), reason, T0 + 1, model=model)
    assert (stats.cooldown_model, stats.cooldown_until) == (None, T0 + 30_000)


def test_j15_a_refusal_during_a_rate_limit_concerns_all() -> None:
    stats = after_failure(limited(), "auth", T0 + 1, model="m1")
    assert (stats.cooldown_reason, stats.cooldown_model) == ("auth", None)


def test_j16_success_forgets_failures() -> None:
    assert after_success(after_failure(limited(), "billing", T0), T0 + 5) == KeyStats(
        last_used=T0 + 5
    )


@pytest.mark.parametrize(("hours", "count"), [(25, 1), (23, 4)], ids=["J18", "within the window"])
def test_a_day_without_failure_starts_anew(hours: int, count: int) -> None:
    old = KeyStats(error_count=3, last_failure_at=T0 - hours * HOUR_MS)
    assert after_failure(old, "rate_limit", T0).error_count == count


def test_j20_with_the_recommended_real_back_off() -> None:
    """J20 notes that upstream restarts at 30 s here; [REC] of 9.4 keeps the count, so this rest is 60 s."""
    first = limited("m")
    during = after_failure(first, "rate_limit", T0 + 10_000, model="m")
    then = after_failure(during, "rate_limit", T0 + 40_000, model="m")
    ends = [stats.cooldown_until for stats in (first, during, then)]
    assert ends == [T0 + 30_000, T0 + 30_000, T0 + 100_000]


def test_the_steps_are_reached_by_failures_after_each_rest() -> None:
    stats, now, rests = KeyStats(), T0, []
    for _ in range(4):
        stats = after_failure(stats, "overloaded", now)
        assert stats.cooldown_until is not None
        rests.append((stats.cooldown_until - now) / 1000)
        now = stats.cooldown_until
    assert rests == [30, 60, 300, 300]


@pytest.mark.parametrize("reason", ["timeout", "format", "model_not_found", "session_expired"])
def test_what_is_not_the_keys_fault_leaves_no_mark(reason: Reason) -> None:
    assert after_failure(KeyStats(), reason, T0) == KeyStats()


def test_stats_are_written_in_camel_case_without_what_is_unset() -> None:
    assert msgspec.json.encode(KeyStats(last_used=5)) == b'{"lastUsed":5}'
