"""Health of deployments: a circuit breaker each, how it does on average, and how many attempts are under way.

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
# A shorter answer comes in one piece and tells nothing of the speed.
_TELLING_TOKENS = 16
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
        "failed_share",
        "failures",
        "in_flight",
        "open_until",
        "openings",
        "probe_until",
        "rate_limited_until",
        "tokens_per_s",
    )

    def __init__(self) -> None:
        self.failures = 0
        self.in_flight = 0
        self.openings = 0
        self.open_until: float | None = None
        self.probe_until: float | None = None
        self.rate_limited_until = 0.0
        self.average_first_byte_s: float | None = None
        self.tokens_per_s: float | None = None
        self.failed_share = 0.0


class Averages(msgspec.Struct, frozen=True):
    """How a deployment does, as moving averages: seconds to the first byte and tokens a second (None before the first
    answer), and the share of attempts that failed (0..1). Rounded, so that they can be kept and read again the same.
    """

    first_byte_s: float | None = None
    tokens_per_s: float | None = None
    failed: float = 0.0


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

    def averages(self, deployment_id: str) -> Averages | None:
        """How a deployment does, None if nothing is known of it."""
        record = self._records.get(deployment_id)
        if record is None:
            return None
        first_byte_s, speed = record.average_first_byte_s, record.tokens_per_s
        return Averages(
            None if first_byte_s is None else round(first_byte_s, 4),
            None if speed is None else round(speed, 2),
            round(record.failed_share, 4),
        )

    def spoke(self, deployment_id: str, tokens: int, seconds: float) -> None:
        """An answer of so many tokens took so long after its first byte: the average speed moves."""
        record = self._records.get(deployment_id)
        if record is None or tokens < _TELLING_TOKENS or seconds <= 0:
            return
        speed, average = tokens / seconds, record.tokens_per_s
        record.tokens_per_s = (
            speed if average is None else average + _AVERAGE_WEIGHT * (speed - average)
        )

    def in_flight(self, deployment_id: str) -> int:
        """Attempts that are under way at a deployment."""
        record = self._records.get(deployment_id)
        return 0 if record is None else record.in_flight

    def started(self, deployment_id: str, now: float) -> None:
        """An attempt begins: behind an open breaker it is the probe."""
        record = self._records.get(deployment_id)
        if record is None:
            record = self._record(deployment_id)
        record.in_flight += 1
        if record.open_until is not None:
            record.probe_until = now + _PROBE_LIMIT_S

    def succeeded(self, deployment_id: str, first_byte_s: float) -> None:
        """An attempt got an answer: the breaker closes, the average moves."""
        record = self._records.get(deployment_id)
        if record is None:
            record = self._record(deployment_id)
        if record.in_flight:
            record.in_flight -= 1
        average = record.average_first_byte_s
        if average is None:
            record.average_first_byte_s = first_byte_s
        else:
            record.average_first_byte_s = average + _AVERAGE_WEIGHT * (first_byte_s - average)
        if record.failed_share:
            record.failed_share -= _AVERAGE_WEIGHT * record.failed_share
        if record.failures or record.open_until is not None:
            record.failures = record.openings = 0
            record.open_until = record.probe_until = None

    def abandoned(self, deployment_id: str) -> None:
        """An attempt ended without telling anything (the client left): a probe's place is free again."""
        record = self._records.get(deployment_id)
        if record is not None:
            record.probe_until = None
            if record.in_flight:
                record.in_flight -= 1

    def failed(self, deployment_id: str, fault: Fault, now: float) -> bool:
        """An attempt failed. Gives whether the breaker opened by it."""
        record = self._record(deployment_id)
        record.probe_until = None
        if record.in_flight:  # a record may be newer than the attempt, if the table was full
            record.in_flight -= 1
        if fault.kind is Kind.UPSTREAM_RATE_LIMITED and fault.retry_after is not None:
            record.rate_limited_until = now + min(
                fault.retry_after, self.rule.open_s * _LONGEST_OPEN_FACTOR
            )
        if fault.row.blame is not Blame.UPSTREAM or fault.kind not in _COUNTED:
            return False
        if record.open_until is not None and now < record.open_until:
            return False  # it began before the breaker opened, and tells nothing new
        record.failed_share += _AVERAGE_WEIGHT * (1.0 - record.failed_share)
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
