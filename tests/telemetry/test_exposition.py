"""Prometheus' text: its own parser reads it, and the table of families documents all of it."""

from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kilo_gateway.core.usage import Usage
from kilo_gateway.edge import probes
from kilo_gateway.edge.service import EdgeLimits
from kilo_gateway.telemetry.exposition import CONTENT_TYPE, FAMILIES, LABELS, Exposition
from kilo_gateway.telemetry.metrics import Metrics

EVIL = 'a"b\\c\nd{e="f"} 1'


@pytest.fixture
def metrics():
    metrics = Metrics()
    series = metrics.attempt("chat", EVIL, "openai")
    series.outcomes["ok"] += 2
    series.outcomes["timeout"] += 1
    series.duration.observe(0.5)
    series.duration.observe(100.0)
    series.first_byte.observe(0.02)
    series.use([Usage(10, 5, cache_read_tokens=4), Usage()])
    series.spend([1_500_000_000, None])
    metrics.faults["invalid_request"] += 3
    metrics.breaker_openings["openai/gpt-5"] += 1
    metrics.overhead.observe(0.0002)
    metrics.in_progress = lambda: (7, 0)
    metrics.gauges["kilo_gateway_upstream_connections"] = lambda: {"my openai idle": 2.0}
    metrics.gauges["kilo_gateway_ledger"] = lambda: {"waiting": 4.0, "open": 1.0}
    return metrics


@pytest.fixture
def families(metrics):
    text = Exposition(metrics).render().decode()
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(families, name, /, **labels):
    found = [
        sample.value
        for family in families.values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    ]
    assert len(found) == 1, found
    return found[0]


def test_the_table_documents_every_family_and_no_other(families):
    assert {
        name: (family.type, family.documentation) for name, family in families.items()
    } == FAMILIES


def test_attempts_are_labelled_by_operation_model_and_upstream(families):
    samples = families["kilo_gateway_attempts"].samples
    assert samples
    for sample in samples:
        assert set(sample.labels) == {*LABELS, "outcome"}
    assert value(families, "kilo_gateway_attempts_total", outcome="ok") == 2


def test_a_name_with_quotes_and_line_ends_stays_one_label(families):
    assert value(families, "kilo_gateway_unpriced_attempts_total", gen_ai_request_model=EVIL) == 1


def test_money_is_shown_in_dollars_and_tokens_by_kind(families):
    assert value(families, "kilo_gateway_cost_dollars_total") == 1.5
    assert value(families, "gen_ai_client_token_usage_total", gen_ai_token_type="cache_read") == 4


def test_a_histogram_is_cumulative_with_count_and_sum(families):
    name = "gen_ai_server_request_duration_seconds"
    assert value(families, f"{name}_bucket", le="0.64") == 1
    assert value(families, f"{name}_bucket", le="+Inf") == value(families, f"{name}_count") == 2
    assert value(families, f"{name}_sum") == 100.5


def test_gauges_tell_state_and_upstream(families):
    connections = "kilo_gateway_upstream_connections"
    assert value(families, connections, name="my openai", state="idle") == 2
    assert value(families, "kilo_gateway_ledger", state="waiting") == 4
    assert value(families, "kilo_gateway_open_calls") == 7


def test_a_process_that_served_nothing_has_metrics_too():
    text = Exposition(Metrics()).render().decode()
    assert "kilo_gateway_open_calls 0.0" in text


def test_the_edge_sends_it_under_its_content_type():
    class Served:
        render_metrics = staticmethod(Exposition(Metrics()).render)
        world = SimpleNamespace(limits=EdgeLimits())

    assert probes.metrics(Served()).content_type == CONTENT_TYPE
