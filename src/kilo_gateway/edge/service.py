"""What the handlers work with, and what a call sees of the world."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from kilo_gateway.catalog.snapshot import Snapshot
from kilo_gateway.core.clock import Clock
from kilo_gateway.keys.grants import Grants
from kilo_gateway.relay.relay import Relay
from kilo_gateway.relay.view import View
from kilo_gateway.telemetry.log import Log
from kilo_gateway.telemetry.metrics import Metrics


class EdgeLimits(msgspec.Struct, frozen=True):
    """Limits for what clients send: `max_body_bytes` also holds after decompression; `cors_origins` may be ("*",)."""

    max_body_bytes: int = 32 * 1024 * 1024
    cors_origins: tuple[str, ...] = ("*",)
    shows_metrics: bool = True
    patience_s: float = 600.0


class World(msgspec.Struct, frozen=True):
    """The configuration of this moment. Replaced whole, by one assignment; a call keeps the one it started with."""

    snapshot: Snapshot
    view: View
    limits: EdgeLimits


class Readiness(Protocol):
    """Whether calls can be served now."""

    def __call__(self) -> tuple[bool, dict[str, str]]:
        """Ready or not, and the state of each part in a word or two."""
        ...


@dataclass(slots=True, kw_only=True)
class Service:
    """Everything that a handler may need; made by the composition root. `world` and `is_draining` change over time."""

    world: World
    grants: Grants
    relay: Relay
    clock: Clock
    metrics: Metrics
    log: Log
    readiness: Readiness
    render_metrics: Callable[[], bytes]
    new_id: Callable[[], str]
    version: str
    is_draining: bool = False
