"""Bench: the one owner of what is known of stored keys while Genesis runs: who may play, who rests, who was tried when."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from genesis.config.schema import Auth
from genesis.core.fault import Reason
from genesis.failover.cooldowns import KeyStats, after_failure, after_success, resting_reason
from genesis.failover.order import FRESH, Shelf, StoredKey, effective_order
from genesis.failover.state import AuthState, AuthStateFile

PROBE_EVERY_MS = 30_000
PROBE_BEFORE_END_MS = 120_000


@dataclass(frozen=True)
class Standing:
    """A provider's keys for one model: those that are ready, and if none is, why and until when (epoch, ms)."""

    ready: tuple[str, ...] = ()
    resting: tuple[str, ...] = ()
    reason: str = ""
    until: float | None = None

    @property
    def is_benched(self) -> bool:
        """Has the provider keys, and do all of them rest?"""
        return bool(self.resting) and not self.ready


class Bench:
    """`stored` gives the profiles as they are stored now; `clock` gives seconds since the epoch."""

    def __init__(
        self,
        file: AuthStateFile,
        stored: Callable[[], Mapping[str, StoredKey]],
        auth: Auth,
        *,
        clock: Callable[[], float],
        exempt: frozenset[str],
    ) -> None:
        self._file = file
        self._stored = stored
        self.auth = auth
        self._clock = clock
        self._exempt = exempt
        self._probed_at: dict[str, float] = {}

    def now(self) -> float:
        """Milliseconds since the epoch."""
        return self._clock() * 1000

    def shelf(self) -> Shelf:
        """All that decides the order, as it is now."""
        state = self._file.load()
        return Shelf(self._stored(), self.auth, state.order, state.usage_stats, self._exempt)

    def order(self, provider: str, preferred: str | None = None) -> list[str]:
        """The provider's keys in the order to try them."""
        return effective_order(self.shelf(), provider, self.now(), preferred=preferred)

    def standing(self, provider: str, model: str) -> Standing:
        """Which keys may be used for the model."""
        shelf, now = self.shelf(), self.now()
        names = effective_order(shelf, provider, now, model=model)
        ends = {name: shelf.rests_until(name, now, model) for name in names}
        ready = tuple(name for name in names if ends[name] is None)
        resting = tuple(name for name in names if ends[name] is not None)
        if ready or not resting:
            return Standing(ready, resting)
        # They stand by soonest end, so the first one tells.
        reason = resting_reason(shelf.stats.get(resting[0], FRESH), now) or ""
        return Standing(ready, resting, reason, ends[resting[0]])

    def may_probe(self, provider: str, until: float | None) -> bool:
        """May a resting provider's first model be tried all the same? Then that is noted."""
        now = self.now()
        last = self._probed_at.get(provider)
        is_due = last is None or now - last >= PROBE_EVERY_MS
        is_near = until is not None and until - now <= PROBE_BEFORE_END_MS
        if is_due and is_near:
            self._probed_at[provider] = now
        return is_due and is_near

    def failed(self, profile: str, reason: Reason, model: str) -> None:
        """Note a failure of the key; nothing is noted of an exempt provider's."""
        key = self._stored().get(profile)
        if key is None or key.provider.lower() in self._exempt:
            return
        provider, now = key.provider.lower(), self.now()

        def noted(stats: KeyStats) -> KeyStats:
            limits = self.auth.cooldowns
            return after_failure(stats, reason, now, model=model, limits=limits, provider=provider)

        self._note(profile, noted)

    def succeeded(self, profile: str) -> None:
        """Note that the key works."""
        self._note(profile, lambda stats: after_success(stats, self.now()))

    def _note(self, profile: str, step: Callable[[KeyStats], KeyStats]) -> None:
        def changed(state: AuthState) -> AuthState:
            before = state.usage_stats.get(profile, FRESH)
            after = step(before)
            if after == before:
                return state
            stats = {**state.usage_stats, profile: after}
            return msgspec.structs.replace(state, usage_stats=stats)

        self._file.change(changed)
