"""From the start to the end of the process: a start that fails ends with one sentence, a signal ends it in order."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
import typer
from typer.testing import CliRunner

from kilo_gateway.app.gateway import Start
from kilo_gateway.cli import serving
from kilo_gateway.core.fault import Fault, Kind
from tests.gateways import process

# An address for documentation (RFC 5737): no machine has it.
NOBODYS = "203.0.113.9"


def start(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A start that cannot succeed."""
    return subprocess.run(
        [sys.executable, "-m", "kilo_gateway", "up", "--no-local-model", "--port", "0", *arguments],
        check=False,
        env={"PATH": os.environ["PATH"], "KILO_GATEWAY_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals):
    with process(tmp_path / "home") as gateway:
        assert gateway.process is not None
        gateway.process.send_signal(number)
        assert gateway.process.wait(15) == 0
    assert "Traceback" not in "".join(gateway.log)


def test_an_address_of_somebody_else_is_told_in_one_line(home: Path):
    ended = start(home, "--host", NOBODYS)
    assert ended.returncode == 1
    assert ended.stderr.startswith("kilo-gateway: ")
    assert "--host" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_an_address_of_somebody_else_is_named(home: Path):
    assert NOBODYS in start(home, "--host", NOBODYS).stderr


FULL = OSError(errno.ENOSPC, "full")
TWO = [Fault(Kind.INTERNAL, "One."), Fault(Kind.INTERNAL, "Two.")]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FULL, "kilo-gateway: [Errno 28] full\n"),
        (ExceptionGroup("of tasks", [FULL]), "kilo-gateway: [Errno 28] full\n"),
        (TWO[0], "kilo-gateway: One.\n"),
        (ExceptionGroup("of tasks", TWO), "kilo-gateway: One.\nkilo-gateway: Two.\n"),
    ],
)
def test_what_fails_is_told_alone_or_from_a_group(
    monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
):
    async def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(serving, "_run", fails)
    app = typer.Typer()
    app.command()(lambda: serving.run_gateway(cast("Start", None), print))
    result = CliRunner().invoke(app)
    assert (result.exit_code, result.stderr, result.stdout) == (1, told, "")


def test_a_port_that_is_taken_is_told_on_every_system(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(errno, "EADDRINUSE", 48)
    started = cast("Start", SimpleNamespace(host="h", port=1))
    assert "taken by another program" in serving._why_not(OSError(48, "in use"), started)
