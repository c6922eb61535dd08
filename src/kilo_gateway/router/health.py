"""Health of deployments: a circuit breaker each, and the average time to the first byte.

    closed --enough failures in a row--> open --time is up--> half-open --success--> closed
       ^                                  ^                       |
       '----------- success --------------+------- failure -------'

Open means: not asked. Half-open lets one call through as a probe; until its end (or a probe's time limit) others are
still turned away. Each further opening doubles the time, up to a limit. Times are monotonic seconds, passed in.
"""

import msgspec

from kilo_gateway.core.fault import Blame, Fault, Kind

MAX_RECORDS = 20_000
_AVERAGE_WEIGHT = 0.2
_LONGEST_OPEN_FACTOR = 8
_PROBE_LIMIT_S = 120.0
# A fault of the credential or the account will not pass by itself in seconds, but it is no fault of the others.
_COUNTED = frozenset(
    {
        Kind.UPSTREAM_CONNECT,
        Kind.UPSTREAM_DISCONNECT,
        Kind.UPSTREAM_TIMEOUT,
        Kind.UPSTREAM_GARBAGE,
        Kind.UPSTREAM_OVERLOADED,
        Kind.UPSTREAM_ERROR,
        Kind.UPSTREAM_REFUSED_KEY,
        Kind.UPSTREAM_NO_CREDIT,
    }
)


class BreakerRule(msgspec.Struct, frozen=True):
    """After how many failures in a row it opens, and for how many seconds at first."""

    failures: int = 5
    open_s: float = 15.0


class Record:
    """What is remembered of one deployment. Owned and changed by Health alone."""

    __slots__ = (
        "average_first_byte_s",
        "failures",
        "open_until",
        "openings",
        "probe_until",
        "rate_limited_until",
    )

    def __init__(self) -> None:
        self.failures = 0
        self.openings = 0
        self.open_until: float | None = None
        self.probe_until: float | None = None
        self.rate_limited_until = 0.0
        self.average_first_byte_s: float | None = None


class Health:
    """The one owner of all records. Not for several threads: one event loop uses it."""

    __slots__ = ("_records", "rule")

    def __init__(self, rule: BreakerRule | None = None) -> None:
        self.rule = rule or BreakerRule()
        self._records: dict[str, Record] = {}

    def closed_until(self, deployment_id: str, now: float) -> float | None:
        """When a deployment that may not be asked now may be asked again; None if it may be asked now."""
        record = self._records.get(deployment_id)
        if record is None or (record.open_until is None and record.probe_until is None):
            return None
        until = max(record.open_until or 0.0, record.probe_until or 0.0)
        return until if now < until else None

    def is_rate_limited(self, deployment_id: str, now: float) -> bool:
        """Whether the upstream asked to be left alone until later: others are asked first, but it is no fault."""
        record = self._records.get(deployment_id)
        return record is not None and now < record.rate_limited_until

    def state(self, deployment_id: str, now: float) -> str:
        """ "closed", "open" or "half-open", for people."""
        record = self._records.get(deployment_id)
        if record is None or record.open_until is None:
            return "closed"
        return "open" if now < record.open_until else "half-open"

    def average_first_byte_s(self, deployment_id: str) -> float | None:
        """Moving average of the time to the first byte, None before the first answer."""
        record = self._records.get(deployment_id)
        return record.average_first_byte_s if record is not None else None

    def started(self, deployment_id: str, now: float) -> None:
        """An attempt begins: behind an open breaker it is the probe."""
        record = self._records.get(deployment_id)
        if record is not None and record.open_until is not None:
            record.probe_until = now + _PROBE_LIMIT_S

    def succeeded(self, deployment_id: str, first_byte_s: float) -> None:
        """An attempt got an answer: the breaker closes, the average moves."""
        record = self._records.get(deployment_id)
        if record is None:
            record = self._record(deployment_id)
        average = record.average_first_byte_s
        if average is None:
            record.average_first_byte_s = first_byte_s
        else:
            record.average_first_byte_s = average + _AVERAGE_WEIGHT * (first_byte_s - average)
        if record.failures or record.open_until is not None:
            record.failures = record.openings = 0
            record.open_until = record.probe_until = None

    def abandoned(self, deployment_id: str) -> None:
        """An attempt ended without telling anything (the client left): a probe's place is free again."""
        record = self._records.get(deployment_id)
        if record is not None:
            record.probe_until = None

    def failed(self, deployment_id: str, fault: Fault, now: float) -> bool:
        """An attempt failed. Gives whether the breaker opened by it."""
        record = self._record(deployment_id)
        record.probe_until = None
        if fault.kind is Kind.UPSTREAM_RATE_LIMITED and fault.retry_after is not None:
            record.rate_limited_until = now + min(
                fault.retry_after, self.rule.open_s * _LONGEST_OPEN_FACTOR
            )
        if fault.row.blame is not Blame.UPSTREAM or fault.kind not in _COUNTED:
            return False
        if record.open_until is not None and now < record.open_until:
            return False  # it began before the breaker opened, and tells nothing new
        record.failures += 1
        if record.open_until is None and record.failures < self.rule.failures:
            return False
        factor = min(2**record.openings, _LONGEST_OPEN_FACTOR)
        record.open_until = now + self.rule.open_s * factor
        record.openings += 1
        return True

    def _record(self, deployment_id: str) -> Record:
        record = self._records.get(deployment_id)
        if record is None:
            if len(self._records) >= MAX_RECORDS:  # names may be made up (sim/*): the oldest goes
                del self._records[next(iter(self._records))]
            record = self._records[deployment_id] = Record()
        return record

    def forget(self, keep: frozenset[str]) -> None:
        """Drop records of deployments that are gone, so that the table stays bounded."""
        self._records = {name: record for name, record in self._records.items() if name in keep}
