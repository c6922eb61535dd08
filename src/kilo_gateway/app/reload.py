"""What settings put in force besides the World, at the start and at a reload; and what waits for a restart."""

from dataclasses import dataclass
from operator import attrgetter

from kilo_gateway.config.schema import Settings, TelemetrySettings
from kilo_gateway.edge.guard import Guard
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.telemetry.log import LEVELS, Log

# Read once: the socket is open, the database and the spool are in use, the child process runs.
AT_START = (
    "server.host",
    "server.port",
    "state.home",
    "state.database",
    "local_model.enabled",
    "local_model.threads",
    "local_model.context",
    "simulator.enabled",
)


class GatewayLog(Log):
    """The log of a gateway: its form and level may change while it is written to."""

    __slots__ = ()

    def use(self, telemetry: TelemetrySettings) -> None:
        """Write lines from now on as these settings say."""
        self._is_json = telemetry.log_format == "json"
        self._threshold = LEVELS.index(telemetry.log_level)


@dataclass(frozen=True, slots=True)
class InForce:
    """The parts that keep numbers of the settings for themselves."""

    log: GatewayLog
    health: Health
    books: Books
    guard: Guard

    def use(self, settings: Settings) -> None:
        """Take the numbers of these settings. A breaker that is open stays so for the time it was given."""
        server, routing, telemetry = settings.server, settings.routing, settings.telemetry
        self.log.use(telemetry)
        self.health.rule = BreakerRule(routing.breaker_failures, routing.breaker_open_s)
        self.books.logs_calls = telemetry.call_log
        self.guard.max_head_bytes = server.max_header_bytes
        self.guard.client_timeout_s = server.client_timeout_s
        self.guard.keep_alive_s = server.keep_alive_s


def waiting_for_restart(at_start: Settings, now: Settings) -> tuple[str, ...]:
    """The settings that differ from those of the start and are read only then."""
    return tuple(name for name in AT_START if attrgetter(name)(at_start) != attrgetter(name)(now))
