"""Counters and histograms as plain numbers: incremented on the path of a call, read at a scrape.

One `Series` per (operation, model, upstream); when there are too many, the rest share one named "other", so that a
client cannot make memory grow by inventing names.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable

from kilo_gateway.core.usage import Usage

SERIES_LIMIT = 2_000
SECONDS_BUCKETS = (
    0.01,
    0.02,
    0.04,
    0.08,
    0.16,
    0.32,
    0.64,
    1.28,
    2.56,
    5.12,
    10.24,
    20.48,
    40.96,
    81.92,
)
OVERHEAD_BUCKETS = (
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    1.0,
)
OTHER = "other"
_TOKENS = ("input", "output", "cache_read", "cache_write", "reasoning")


class Histogram:
    """Counts per bucket and the sum. Not cumulative; the exposition adds up."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, *values: float) -> None:
        """Count values."""
        bounds, counts = self.bounds, self.counts
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.total += sum(values)

    def buckets(self) -> list[tuple[str, float]]:
        """(upper bound, cumulative count), the last bound being +Inf."""
        rows: list[tuple[str, float]] = []
        reached = 0
        for bound, count in zip((*self.bounds, None), self.counts, strict=True):
            reached += count
            rows.append(("+Inf" if bound is None else str(bound), float(reached)))
        return rows


class Series:
    """Everything that is counted for one operation and model at one upstream."""

    __slots__ = ("cost_nanodollars", "duration", "first_byte", "outcomes", "tokens", "unpriced")

    def __init__(self) -> None:
        self.duration = Histogram(SECONDS_BUCKETS)
        self.first_byte = Histogram(SECONDS_BUCKETS)
        self.outcomes: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.cost_nanodollars = 0
        self.unpriced = 0

    def use(self, usages: Iterable[Usage]) -> None:
        """Add what attempts used."""
        input_, output, read, written, reasoning = 0, 0, 0, 0, 0
        for usage in usages:
            input_ += usage.input_tokens or 0
            output += usage.output_tokens or 0
            if usage.cache_read_tokens:
                read += usage.cache_read_tokens
            if usage.cache_write_tokens:
                written += usage.cache_write_tokens
            if usage.reasoning_tokens:
                reasoning += usage.reasoning_tokens
        for kind, count in zip(_TOKENS, (input_, output, read, written, reasoning), strict=True):
            if count:
                self.tokens[kind] += count

    def spend(self, costs: Iterable[int | None]) -> None:
        """Add what attempts cost, in nanodollars; None where that is unknown."""
        for cost_nanodollars in costs:
            if cost_nanodollars is None:
                self.unpriced += 1
            else:
                self.cost_nanodollars += cost_nanodollars


class Metrics:
    """All numbers of one process. One event loop writes them.

    `in_progress` tells how many calls run at the moment, and how many of them are streams.
    """

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, str], Series] = {}
        self.faults: Counter[str] = Counter()
        self.overhead = Histogram(OVERHEAD_BUCKETS)
        self.loop_lag = Histogram(OVERHEAD_BUCKETS)
        self.in_progress: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self.breaker_openings: Counter[str] = Counter()
        self.gauges: dict[str, Callable[[], dict[str, float]]] = {}

    def attempt(self, operation: str, model: str, upstream: str) -> Series:
        """The series of one kind of attempt."""
        key = (operation, model, upstream)
        series = self.series.get(key)
        if series is None:
            if len(self.series) >= SERIES_LIMIT:
                key = (operation, OTHER, OTHER)
            series = self.series.setdefault(key, Series())
        return series
