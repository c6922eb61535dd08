"""What settings put in force besides the World, and what waits for a restart."""

from pathlib import Path
from typing import cast

import msgspec
import pytest

from kilo_gateway.app.reload import AT_START, GatewayLog, InForce, waiting_for_restart
from kilo_gateway.config.schema import RoutingSettings, ServerSettings, Settings, TelemetrySettings
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.edge.guard import Application, Guard
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.telemetry.metrics import Metrics


def test_a_log_changes_its_level_and_its_form() -> None:
    lines: list[str] = []
    log = GatewayLog(lines.append, SystemClock())
    log.use(TelemetrySettings(log_level="warning", log_format="json"))
    log.write("info", "quiet")
    log.write("warning", "in JSON")
    log.use(TelemetrySettings(log_level="debug", log_format="console"))
    log.write("debug", "for people")
    log.flush()
    told = "".join(lines).splitlines()
    assert [line[:1] == "{" for line in told] == [True, False]
    assert "in JSON" in told[0]
    assert told[1].endswith("for people")


def test_every_part_takes_its_numbers(tmp_path: Path) -> None:
    clock, log, health = SystemClock(), GatewayLog(lambda _lines: None, SystemClock()), Health()
    journal = Journal(tmp_path, clock=clock)
    books = Books(
        journal=journal,
        health=health,
        metrics=Metrics(),
        log=log,
        clock=clock,
        new_id=lambda: "id",
    )
    guard = Guard(cast("Application", None), clock.monotonic)
    server = ServerSettings(max_header_bytes=2048, client_timeout_s=2.0, keep_alive_s=3.0)
    routing = RoutingSettings(breaker_failures=7, breaker_open_s=8.0)
    telemetry = TelemetrySettings(call_log=False)
    InForce(log, health, books, guard).use(
        Settings(server=server, routing=routing, telemetry=telemetry)
    )
    journal.shut()
    assert health.rule == BreakerRule(7, 8.0)
    assert not books.logs_calls
    assert (guard.max_head_bytes, guard.client_timeout_s, guard.keep_alive_s) == (2048, 2.0, 3.0)


def test_what_is_read_at_the_start_waits_for_a_restart_and_nothing_else_does() -> None:
    before = Settings()
    after = Settings(server=ServerSettings(host="::1", port=1, keep_alive_s=1.0))
    assert waiting_for_restart(before, after) == ("server.host", "server.port")
    assert waiting_for_restart(before, before) == ()


@pytest.mark.parametrize("section", ["state", "local_model", "simulator"])
def test_these_sections_are_read_at_the_start_alone(section: str) -> None:
    fields = msgspec.structs.fields(getattr(Settings(), section))
    assert {f"{section}.{field.name}" for field in fields} <= set(AT_START)
