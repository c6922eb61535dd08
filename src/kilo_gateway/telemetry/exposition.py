"""The metrics in Prometheus' text form. Imported at the first scrape: its library is not needed to serve calls."""

from collections.abc import Iterable

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector, CollectorRegistry
from typing_extensions import override

from kilo_gateway.core.money import NANODOLLARS_PER_DOLLAR
from kilo_gateway.telemetry.metrics import Histogram, Metrics

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
LABELS = ("gen_ai_operation_name", "gen_ai_request_model", "gen_ai_provider_name")

# name -> (type, help); docs/reference/metrics.md is generated from this table
FAMILIES: dict[str, tuple[str, str]] = {
    "gen_ai_server_request_duration_seconds": ("histogram", "Attempts by their whole duration."),
    "gen_ai_server_time_to_first_token_seconds": (
        "histogram",
        "Attempts by the time until upstream's first byte of the answer.",
    ),
    "gen_ai_client_token_usage": ("counter", "Tokens, by gen_ai_token_type."),
    "kilo_gateway_attempts": ("counter", "Attempts at upstreams, by outcome."),
    "kilo_gateway_cost_dollars": (
        "counter",
        "What attempts cost, in US dollars, where it is known.",
    ),
    "kilo_gateway_unpriced_attempts": ("counter", "Attempts whose cost is not known."),
    "kilo_gateway_faults": ("counter", "Faults answered to clients, by kind."),
    "kilo_gateway_breaker_openings": ("counter", "How often a deployment's breaker opened."),
    "kilo_gateway_overhead_seconds": (
        "histogram",
        "Time that the gateway itself took before the attempt was sent.",
    ),
    "kilo_gateway_loop_lag_seconds": ("histogram", "How late the event loop ran its timer."),
    "kilo_gateway_open_calls": ("gauge", "Calls in progress."),
    "kilo_gateway_open_streams": ("gauge", "Streams in progress."),
    "kilo_gateway_ledger": ("gauge", "Ledger entries by state: waiting to be stored, open."),
    "kilo_gateway_upstream_connections": ("gauge", "Connections by upstream and state."),
}


class _Source(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    @override
    def collect(self) -> Iterable[Metric]:
        yield from _per_series(self._metrics)
        yield from _whole_process(self._metrics)


def _counter(name: str, labels: Iterable[str] = ()) -> CounterMetricFamily:
    return CounterMetricFamily(name, FAMILIES[name][1], labels=list(labels))


def _gauge(name: str, labels: Iterable[str] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, FAMILIES[name][1], labels=list(labels))


def _histogram(name: str, labels: Iterable[str] = ()) -> HistogramMetricFamily:
    return HistogramMetricFamily(name, FAMILIES[name][1], labels=list(labels))


def _per_series(metrics: Metrics) -> Iterable[Metric]:
    duration = _histogram("gen_ai_server_request_duration_seconds", LABELS)
    first_byte = _histogram("gen_ai_server_time_to_first_token_seconds", LABELS)
    tokens = _counter("gen_ai_client_token_usage", (*LABELS, "gen_ai_token_type"))
    attempts = _counter("kilo_gateway_attempts", (*LABELS, "outcome"))
    cost = _counter("kilo_gateway_cost_dollars", LABELS)
    unpriced = _counter("kilo_gateway_unpriced_attempts", LABELS)
    for labels, series in metrics.series.items():
        duration.add_metric(labels, series.duration.buckets(), series.duration.total)
        first_byte.add_metric(labels, series.first_byte.buckets(), series.first_byte.total)
        for kind, count in series.tokens.items():
            tokens.add_metric((*labels, kind), count)
        for outcome, count in series.outcomes.items():
            attempts.add_metric((*labels, outcome), count)
        cost.add_metric(labels, series.cost_nanodollars / NANODOLLARS_PER_DOLLAR)
        unpriced.add_metric(labels, series.unpriced)
    return (duration, first_byte, tokens, attempts, cost, unpriced)


def _whole_process(metrics: Metrics) -> Iterable[Metric]:
    faults = _counter("kilo_gateway_faults", ("kind",))
    for kind, count in metrics.faults.items():
        faults.add_metric((kind,), count)
    yield faults
    openings = _counter("kilo_gateway_breaker_openings", ("deployment",))
    for deployment, count in metrics.breaker_openings.items():
        openings.add_metric((deployment,), count)
    yield openings
    yield _single("kilo_gateway_overhead_seconds", metrics.overhead)
    yield _single("kilo_gateway_loop_lag_seconds", metrics.loop_lag)
    calls, streams = metrics.in_progress()
    yield _number("kilo_gateway_open_calls", calls)
    yield _number("kilo_gateway_open_streams", streams)
    for name, read in metrics.gauges.items():
        gauge = _gauge(name, ("name", "state") if "upstream" in name else ("state",))
        for label, value in read().items():
            gauge.add_metric(label.rsplit(" ", 1), value)
        yield gauge


def _number(name: str, value: float) -> GaugeMetricFamily:
    gauge = _gauge(name)
    gauge.add_metric((), value)
    return gauge


def _single(name: str, histogram: Histogram) -> HistogramMetricFamily:
    family = _histogram(name)
    family.add_metric((), histogram.buckets(), histogram.total)
    return family


class Exposition:
    """Renders all metrics of a process."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Source(metrics))

    def render(self) -> bytes:
        """The text that a scrape gets."""
        return generate_latest(self._registry)
