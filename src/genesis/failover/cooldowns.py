"""How long a key rests after failures (genesis.md 9.4). Pure: a KeyStats and a moment in, the next KeyStats out.

Two kinds of rest. A cooldown follows a rate limit, an overload or a refusal and is short: 30 s, 60 s, then 5 min. Being
disabled follows a bill or a revoked key and is long. Either one doubles (or steps up) with each failure that comes after
the last rest was over, as long as no day without failure lies between: the counts are kept for that window, so that the
back-off is a real one. Failures during a rest neither lengthen nor count: calls that were under way say nothing new.
Moments are milliseconds since the epoch, as `auth-state.json` has them.
"""

import math

import msgspec

from genesis.config.schema import Cooldowns
from genesis.core.fault import Reason

STEPS_S = (30, 60, 300)
HOUR_MS = 3_600_000
MINUTE_MS = 60_000

# What is the key's own trouble. A wrong request or a missing model would fail with any key; a timeout passes.
BENCHING: frozenset[Reason] = frozenset(
    {"auth", "auth_permanent", "billing", "rate_limit", "overloaded"}
)
DISABLING: frozenset[Reason] = frozenset({"auth_permanent", "billing"})


class KeyStats(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is known of one stored key. `cooldown_model` None: it rests for every model."""

    last_used: float | None = None
    last_failure_at: float | None = None
    error_count: int = 0
    failure_counts: dict[str, int] = {}
    cooldown_until: float | None = None
    cooldown_reason: str | None = None
    cooldown_model: str | None = None
    disabled_until: float | None = None
    disabled_reason: str | None = None


def cooldown_ms(error_count: int) -> int:
    """The rest after that many failures in a row."""
    return STEPS_S[min(max(error_count, 1), len(STEPS_S)) - 1] * 1000


def disabled_ms(reason: Reason, count: int, limits: Cooldowns, provider: str = "") -> float:
    """The long rest of the count-th bill or revocation: doubles each time, up to a limit."""
    if reason == "billing":
        hours = limits.billing_backoff_hours_by_provider.get(provider, limits.billing_backoff_hours)
        first, longest = hours * HOUR_MS, limits.billing_max_hours * HOUR_MS
    else:
        first = limits.auth_permanent_backoff_minutes * MINUTE_MS
        longest = limits.auth_permanent_max_minutes * MINUTE_MS
    doublings = min(max(count, 1) - 1, 32)
    return min(first * float(2**doublings), longest)


def is_active(until: float | None, now: float) -> bool:
    """Does a rest until then still last? What is no proper moment is no rest."""
    return until is not None and math.isfinite(until) and until > 0 and now < until


def resting_until(stats: KeyStats, now: float, model: str | None = None) -> float | None:
    """When the key may be used again for the model (None: for some model); None if now."""
    ends = []
    if is_active(stats.disabled_until, now):
        ends.append(stats.disabled_until)
    if is_active(stats.cooldown_until, now) and _concerns(stats, model):
        ends.append(stats.cooldown_until)
    return max((end for end in ends if end is not None), default=None)


def resting_reason(stats: KeyStats, now: float) -> str | None:
    """Why the key rests; the long rest tells more."""
    if is_active(stats.disabled_until, now):
        return stats.disabled_reason or "billing"
    if is_active(stats.cooldown_until, now):
        return stats.cooldown_reason or "rate_limit"
    return None


def _concerns(stats: KeyStats, model: str | None) -> bool:
    # Only a rate limit may be bound to one model.
    is_bound = stats.cooldown_reason == "rate_limit" and stats.cooldown_model
    return not is_bound or model is None or model == stats.cooldown_model


def after_success(stats: KeyStats, now: float) -> KeyStats:
    """The key works: nothing of its failures is kept."""
    del stats
    return KeyStats(last_used=now)


def after_failure(
    stats: KeyStats,
    reason: Reason,
    now: float,
    *,
    model: str | None = None,
    limits: Cooldowns | None = None,
    provider: str = "",
) -> KeyStats:
    """The key after one more failure; unchanged if that was not the key's fault."""
    if reason not in BENCHING:
        return stats
    limits = limits or Cooldowns()
    stats = _without_old_failures(stats, now, limits.failure_window_hours)
    if reason in DISABLING:
        return _disabled(stats, reason, now, limits, provider)
    if is_active(stats.cooldown_until, now):
        return _widened(stats, reason, now, model)
    return _cooling(stats, reason, now, model)


def _without_old_failures(stats: KeyStats, now: float, window_hours: float) -> KeyStats:
    last = stats.last_failure_at
    if last is None or now - last <= window_hours * HOUR_MS:
        return stats
    return msgspec.structs.replace(stats, error_count=0, failure_counts={})


def _counted(stats: KeyStats, reason: Reason) -> dict[str, int]:
    return {**stats.failure_counts, reason: stats.failure_counts.get(reason, 0) + 1}


def _cooling(stats: KeyStats, reason: Reason, now: float, model: str | None) -> KeyStats:
    count = stats.error_count + 1
    return msgspec.structs.replace(
        stats,
        error_count=count,
        failure_counts=_counted(stats, reason),
        last_failure_at=now,
        cooldown_until=now + cooldown_ms(count),
        cooldown_reason=reason,
        cooldown_model=model if reason == "rate_limit" else None,
    )


def _widened(stats: KeyStats, reason: Reason, now: float, model: str | None) -> KeyStats:
    """The rest keeps its end; a failure of another sort, or for another model, makes it one for all models."""
    is_same = reason == "rate_limit" and stats.cooldown_reason == reason
    is_bound = is_same and stats.cooldown_model is not None and stats.cooldown_model == model
    return msgspec.structs.replace(
        stats,
        last_failure_at=now,
        cooldown_reason=reason,
        cooldown_model=stats.cooldown_model if is_bound else None,
    )


def _disabled(
    stats: KeyStats, reason: Reason, now: float, limits: Cooldowns, provider: str
) -> KeyStats:
    if is_active(stats.disabled_until, now):
        return msgspec.structs.replace(stats, last_failure_at=now)
    counts = _counted(stats, reason)
    return msgspec.structs.replace(
        stats,
        error_count=stats.error_count + 1,
        failure_counts=counts,
        last_failure_at=now,
        disabled_until=now + disabled_ms(reason, counts[reason], limits, provider),
        disabled_reason=reason,
    )
