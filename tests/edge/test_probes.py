"""Live, ready, metrics, front: small answers that need no upstream."""

from types import SimpleNamespace

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.probes import front, live, metrics, ready
from kilo_gateway.edge.routes import find
from kilo_gateway.edge.service import EdgeLimits


def make_service(*, is_ready=True, is_draining=False, shows_metrics=True):
    return SimpleNamespace(
        readiness=lambda: (is_ready, {"upstreams": "2", "ledger": "open"}),
        is_draining=is_draining,
        render_metrics=lambda: b"# metrics\n",
        version="1.2.3",
        world=SimpleNamespace(limits=EdgeLimits(shows_metrics=shows_metrics)),
    )


def test_live_needs_nothing():
    shown = live(None)
    assert (shown.status, msgspec.json.decode(shown.body)) == (200, {"status": "live"})


@pytest.mark.parametrize(
    ("state", "status", "word"),
    [
        ({}, 200, "ready"),
        ({"is_ready": False}, 503, "not ready"),
        ({"is_draining": True}, 503, "not ready"),
    ],
)
def test_ready_tells_whether_the_next_call_is_served(state, status, word):
    shown = ready(make_service(**state))
    body = msgspec.json.decode(shown.body)
    assert (shown.status, body["status"]) == (status, word)
    assert body["parts"].items() >= {"upstreams": "2", "ledger": "open"}.items()


def test_a_drain_is_named():
    body = msgspec.json.decode(ready(make_service(is_draining=True)).body)
    assert body["parts"]["server"] == "draining"


def test_metrics_are_what_the_exposition_renders():
    shown = metrics(make_service())
    assert (shown.status, shown.body) == (200, b"# metrics\n")
    assert shown.content_type.startswith(b"text/plain; version=0.0.4")


def test_metrics_that_are_switched_off_are_not_found():
    with pytest.raises(Fault) as caught:
        metrics(make_service(shows_metrics=False))
    assert caught.value.kind is Kind.NOT_FOUND


def test_the_front_page_leads_to_pages_that_exist():
    body = msgspec.json.decode(front(make_service()).body)
    assert body["version"] == "1.2.3"
    assert find(body["models"]) is not None
    assert find(body["health"]) is not None
    assert find(body["openai_base_url"] + "/chat/completions") is not None
