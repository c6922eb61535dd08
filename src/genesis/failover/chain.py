"""The candidates of a request, and the attempts until one of them answers (genesis.md 9.3, 9.4)."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from genesis.core.fault import AuthMissingError, ConfigError, GenesisError, ProviderError, Reason
from genesis.core.refs import ModelRef, key, normal_provider
from genesis.core.text import printable
from genesis.failover.bench import Bench, Standing
from genesis.failover.classify import Verdict, is_user_abort, verdict
from genesis.failover.redact import redacted
from genesis.failover.rules import REASON_STATUS

T = TypeVar("T")
Notice = Callable[[str], None]
Sleep = Callable[[float], Awaitable[None]]
AttemptCall = Callable[[ModelRef, str | None], Awaitable[T]]

# Another key of the same provider may mend these.
ANY_OTHER_KEY: frozenset[Reason] = frozenset({"auth", "auth_permanent", "billing"})
# A resting provider's other models are worth one try after these.
PASSING = frozenset({"rate_limit", "overloaded", "timeout", "unknown"})
IN_WORDS = {
    "auth": "its key was refused",
    "auth_permanent": "its key is not valid any more",
    "billing": "a billing error",
    "rate_limit": "a rate limit",
    "overloaded": "it is overloaded",
    "timeout": "it did not answer in time",
    "format": "it rejected the request",
    "model_not_found": "the model was not found",
    "session_expired": "its session has expired",
    "unknown": "an error",
}


@dataclass(frozen=True)
class Attempt:
    """One candidate that did not answer. `reason` is a Reason or "unknown"; `failure` None: it was not even asked."""

    ref: ModelRef
    error: str
    reason: str
    failure: Exception | None = None


class FailoverError(ProviderError):
    """No candidate answered. `ready_in_s`: how long until the first resting provider may be asked, if that is known."""

    def __init__(  # noqa: PLR0913 - keyword-only facts of one failure
        self,
        message: str,
        *,
        reason: str,
        provider: str = "",
        model: str = "",
        status: int | None = None,
        attempts: tuple[Attempt, ...] = (),
        ready_in_s: float | None = None,
    ) -> None:
        super().__init__(message, provider=provider, model=model, status=status)
        self.reason = reason
        self.attempts = attempts
        self.ready_in_s = ready_in_s


def candidates(
    requested: ModelRef | None,
    primary: ModelRef | None,
    fallbacks: Iterable[ModelRef] = (),
    override: Iterable[ModelRef] | None = None,
) -> list[ModelRef]:
    """The models to try, in order; an `override`, even an empty one, stands for the settings' fallbacks and primary."""
    main = _normal(primary) if primary else None
    first = _normal(requested) if requested and requested.model.strip() else main
    if first is None:
        return []
    if override is not None:
        return _distinct([first, *map(_normal, override)])
    listed = [_normal(ref) for ref in fallbacks]
    same_family = main is not None and first.provider == main.provider
    is_listed = key(first) in {key(ref) for ref in listed}
    chosen = listed if same_family or is_listed else []
    return _distinct([first, *chosen, *([main] if main else [])])


async def run(
    chain: Sequence[ModelRef],
    attempt: AttemptCall[T],
    *,
    bench: Bench | None = None,
    notice: Notice = lambda _text: None,
    sleep: Sleep = asyncio.sleep,
) -> T:
    """Ask one candidate after the other until one answers. `attempt` gets the model and the profile of its key."""
    if not chain:
        raise GenesisError(
            "No model is chosen. Set one with `genesis models set <provider/model>` and try again."
        )
    return await _Run(chain, attempt, bench, notice, sleep).answer()


def _normal(ref: ModelRef) -> ModelRef:
    return ModelRef(normal_provider(ref.provider), ref.model.strip(), ref.profile)


def _distinct(refs: Iterable[ModelRef]) -> list[ModelRef]:
    seen: dict[str, ModelRef] = {}
    for ref in refs:
        seen.setdefault(key(ref), ref)
    return list(seen.values())


@dataclass
class _Run(Generic[T]):
    """One request on its way along the chain."""

    chain: Sequence[ModelRef]
    attempt: AttemptCall[T]
    bench: Bench | None
    notice: Notice
    sleep: Sleep
    failures: list[Attempt] = field(default_factory=list)
    siblings_tried: set[str] = field(default_factory=set)
    ends: list[float] = field(default_factory=list)
    last_error: GenesisError | OSError | None = None

    async def answer(self) -> T:
        for index, ref in enumerate(self.chain):
            keys = self._keys(index, ref)
            if not keys:
                continue
            try:
                result = await self._with_keys(ref, keys)
            # TimeoutError is an OSError; what else is raised is a mistake in a program, not a failure of a model.
            except (GenesisError, OSError) as error:
                self._failed(index, ref, error)
            else:
                self._tell_fallback(ref)
                return result
        raise self._nobody()

    def _keys(self, index: int, ref: ModelRef) -> list[str | None]:
        """The profiles to try for the candidate; none if it is skipped, which is noted as an attempt."""
        if self.bench is None or ref.profile is not None:
            return [ref.profile]
        standing = self.bench.standing(ref.provider, ref.model)
        if not standing.is_benched:
            return [*standing.ready] or [None]
        if standing.until is not None:
            self.ends.append(standing.until)
        if self._may_try_resting(index, ref, standing):
            return [standing.resting[0]]
        self.failures.append(_skipped(ref, standing))
        return []

    def _may_try_resting(self, index: int, ref: ModelRef, standing: Standing) -> bool:
        if self.bench is None or standing.reason in {"auth", "auth_permanent"}:
            return False
        if index == 0:
            return self.bench.may_probe(ref.provider, standing.until)
        is_sibling = any(ref.provider == earlier.provider for earlier in self.chain[:index])
        may = is_sibling and standing.reason in PASSING and ref.provider not in self.siblings_tried
        if may:
            self.siblings_tried.add(ref.provider)
        return may

    async def _with_keys(self, ref: ModelRef, keys: Sequence[str | None]) -> T:
        rotations: dict[Reason, int] = {}
        for position, profile in enumerate(keys):
            try:
                result = await self.attempt(ref, profile)
            except (GenesisError, OSError) as error:
                reason = _verdict(error, ref.provider).reason
                self._note_failure(profile, reason, ref.model)
                rotations[reason or "format"] = rotations.get(reason or "format", 0) + 1
                is_last = position == len(keys) - 1
                if is_last or not self._may_rotate(reason, rotations):
                    raise
                await self._pause(reason)
            else:
                if self.bench is not None and profile is not None:
                    self.bench.succeeded(profile)
                return result
        raise AssertionError("a candidate has at least one key or None")

    def _note_failure(self, profile: str | None, reason: Reason | None, model: str) -> None:
        if self.bench is not None and profile is not None and reason is not None:
            self.bench.failed(profile, reason, model)

    def _may_rotate(self, reason: Reason | None, rotations: dict[Reason, int]) -> bool:
        if reason in ANY_OTHER_KEY:
            return True
        if self.bench is None or reason is None:
            return False
        limits = self.bench.auth.cooldowns
        allowed = {
            "rate_limit": limits.rate_limited_profile_rotations,
            "overloaded": limits.overloaded_profile_rotations,
        }
        return rotations[reason] <= allowed.get(reason, 0)

    async def _pause(self, reason: Reason | None) -> None:
        if reason == "overloaded" and self.bench is not None:
            wait_ms = self.bench.auth.cooldowns.overloaded_backoff_ms
            if wait_ms:
                await self.sleep(wait_ms / 1000)

    def _failed(self, index: int, ref: ModelRef, error: GenesisError | OSError) -> None:
        """Note the failure; raise what no other candidate can mend."""
        found = _verdict(error, ref.provider)
        is_final = isinstance(error, ConfigError) or found.is_context_overflow
        if is_final or is_user_abort(error):
            raise error
        # Nobody knows what it was, and nobody is left to try: its own words serve best.
        if found.reason is None and index == len(self.chain) - 1:
            raise error
        text = redacted(str(error))
        self.failures.append(Attempt(ref, text, found.reason or "unknown", error))
        self.last_error = error

    def _tell_fallback(self, ref: ModelRef) -> None:
        if not self.failures:
            return
        missing = next((one for one in self.failures if one.reason == "model_not_found"), None)
        if missing is not None:
            text = f'Model "{key(missing.ref)}" not found. Fell back to "{key(ref)}".'
        else:
            first = self.failures[0]
            words = IN_WORDS.get(first.reason, "an error")
            text = f'Model "{key(first.ref)}" did not answer ({words}). Fell back to "{key(ref)}".'
        self.notice(printable(text))

    def _nobody(self) -> GenesisError | OSError:
        """What to raise when nobody answered: a single failure itself, else their summary."""
        if len(self.failures) == 1 and self.last_error is not None:
            return self.last_error
        only = self.failures[0] if len(self.failures) == 1 else None
        listed = " | ".join(f"{key(one.ref)}: {one.error} ({one.reason})" for one in self.failures)
        last = self.failures[-1]
        summary = FailoverError(
            only.error if only else f"All models failed ({len(self.failures)}): {listed}",
            reason=last.reason,
            provider=last.ref.provider,
            model=last.ref.model,
            status=REASON_STATUS.get(last.reason),  # type: ignore[call-overload]  # "unknown" has none
            attempts=tuple(self.failures),
            ready_in_s=self._ready_in_s(),
        )
        summary.__cause__ = self.last_error
        return summary

    def _ready_in_s(self) -> float | None:
        if self.bench is None:
            return None
        for one in self.failures:
            # A key may rest only since its own failure in this run.
            until = self.bench.standing(one.ref.provider, one.ref.model).until
            if until is not None:
                self.ends.append(until)
        return max(0.0, (min(self.ends) - self.bench.now()) / 1000) if self.ends else None


def _verdict(error: GenesisError | OSError, provider: str) -> Verdict:
    if isinstance(error, AuthMissingError):
        return Verdict("auth", REASON_STATUS["auth"])
    return verdict(error, provider=provider)


def _skipped(ref: ModelRef, standing: Standing) -> Attempt:
    if standing.reason in {"auth", "auth_permanent"}:
        text = f"Provider {ref.provider} has auth issue (skipping all models)"
    else:
        text = f"Provider {ref.provider} is in cooldown (all profiles unavailable)"
    return Attempt(ref, text, standing.reason or "rate_limit")
