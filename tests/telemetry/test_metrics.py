"""Numbers: histograms add up, and names from outside cannot make memory grow."""

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.telemetry.metrics import (
    OTHER,
    OVERHEAD_BUCKETS,
    SECONDS_BUCKETS,
    SERIES_LIMIT,
    Histogram,
    Metrics,
)


@given(st.lists(st.floats(0, 1000, allow_nan=False)))
def test_a_histogram_counts_every_value_once(values):
    histogram = Histogram(SECONDS_BUCKETS)
    for value in values:
        histogram.observe(value)
    rows = histogram.buckets()
    assert rows[-1] == ("+Inf", len(values))
    for bound, count in rows[:-1]:
        assert count == sum(value <= float(bound) for value in values)
    assert histogram.total == sum(values)


def test_bounds_rise():
    for bounds in (SECONDS_BUCKETS, OVERHEAD_BUCKETS):
        assert list(bounds) == sorted(set(bounds))


def test_the_same_kind_of_attempt_has_the_same_series():
    metrics = Metrics()
    assert metrics.attempt("chat", "m", "u") is metrics.attempt("chat", "m", "u")
    assert metrics.attempt("chat", "m", "u") is not metrics.attempt("chat", "m", "v")


def test_invented_names_share_one_series_when_there_are_too_many():
    metrics = Metrics()
    for number in range(SERIES_LIMIT + 500):
        metrics.attempt("chat", f"model-{number}", "u").outcomes["ok"] += 1
        metrics.attempt("embeddings", f"model-{number}", "u").outcomes["ok"] += 1
    assert len(metrics.series) <= SERIES_LIMIT + 2
    assert metrics.series["chat", OTHER, OTHER].outcomes["ok"] > 0
    counted = sum(series.outcomes["ok"] for series in metrics.series.values())
    assert counted == 2 * (SERIES_LIMIT + 500)


def test_a_series_that_exists_is_found_when_the_table_is_full():
    metrics = Metrics()
    first = metrics.attempt("chat", "first", "u")
    for number in range(SERIES_LIMIT):
        metrics.attempt("chat", f"model-{number}", "u")
    assert metrics.attempt("chat", "first", "u") is first


def test_what_an_attempt_used_is_added():
    metrics = Metrics()
    series = metrics.attempt("chat", "m", "u")
    series.use([Usage(10, 5, 4, 3, 2), Usage(1, 1)])
    series.spend([100, 11])
    assert dict(series.tokens) == {
        "input": 11,
        "output": 6,
        "cache_read": 4,
        "cache_write": 3,
        "reasoning": 2,
    }
    assert (series.cost_nanodollars, series.unpriced) == (111, 0)


def test_an_unknown_cost_is_counted_as_unknown_and_not_as_zero():
    metrics = Metrics()
    series = metrics.attempt("chat", "m", "u")
    series.use([UNKNOWN_USAGE, Usage(0, 0)])
    series.spend([None, 0])
    assert (series.cost_nanodollars, series.unpriced) == (0, 1)
    assert not series.tokens
