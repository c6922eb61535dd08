"""Live, ready, metrics, and the front page."""

from typing import NamedTuple

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.service import Service

JSON = b"application/json"
_METRICS = b"text/plain; version=0.0.4; charset=utf-8"


class Shown(NamedTuple):
    """A small whole answer; `more` are further headers, as lines."""

    status: int
    content_type: bytes
    body: bytes
    more: bytes = b""


def live(_service: Service) -> Shown:
    """The process runs its event loop: that is all."""
    return Shown(200, JSON, b'{"status":"live"}')


def ready(service: Service) -> Shown:
    """Whether calls are served now. Not while draining, so that a balancer sends the next call elsewhere."""
    is_ready, parts = service.readiness()
    if service.is_draining:
        is_ready, parts = False, parts | {"server": "draining"}
    status = "ready" if is_ready else "not ready"
    body = msgspec.json.encode({"status": status, "parts": parts})
    return Shown(200 if is_ready else 503, JSON, body)


def metrics(service: Service) -> Shown:
    """All metrics in Prometheus' text form. Raises Fault not_found where the settings switch them off."""
    if not service.world.limits.shows_metrics:
        raise Fault(Kind.NOT_FOUND, "Metrics are switched off (telemetry.metrics).")
    return Shown(200, _METRICS, service.render_metrics())


def front(service: Service) -> Shown:
    """What this server is, for people who open it in a browser."""
    body = {
        "name": "kilo-gateway",
        "version": service.version,
        "openai_base_url": "/v1",
        "models": "/v1/models",
        "health": "/health/ready",
    }
    return Shown(200, JSON, msgspec.json.encode(body))
