"""`serve` does what its file says: without one, or without its port, it says so and ends."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from kilo_gateway.app.gateway import Ready
from kilo_gateway.cli.serve import _say_ready
from kilo_gateway.keys.rights import read_rights
from tests.gateways import process

Run = Callable[..., Result]


def test_without_a_file_it_says_what_it_needs(run: Run, home: Path):
    result = run("serve")
    assert result.exit_code == 2
    assert "serve needs a configuration file: --config FILE" in result.stderr
    assert "kilo-gateway up" in result.stderr
    assert result.stdout == ""
    assert not home.exists()


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path):
    result = run("serve", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "none.toml" in result.stderr
    assert "No such file" in result.stderr


def test_a_wrong_file_is_told_with_its_line(run: Run, config: Callable[[str], Path]):
    path = config("[server]\nport = 99999\n")
    result = run("serve", "--config", str(path))
    assert result.exit_code == 2
    assert f"{path}:2" in result.stderr
    assert "kilo-gateway check" in result.stderr


def test_a_taken_port_is_told(config: Callable[[str], Path], home: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        path = config(f"[server]\nport = {port}\n")
        ended = subprocess.run(
            [sys.executable, "-m", "kilo_gateway", "serve", "--config", str(path)],
            check=False,
            env={"PATH": os.environ["PATH"], "KILO_GATEWAY_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"kilo-gateway: port {port} on 127.0.0.1 is taken")
    assert "server.port" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_the_file_may_be_named_by_the_variable(
    run: Run, config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
):
    path = config("nonsense = 1\n")
    monkeypatch.setenv("KILO_GATEWAY_CONFIG", str(path))
    result = run("serve")
    assert result.exit_code == 2
    assert "nonsense" in result.stderr


@pytest.mark.parametrize(
    ("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"), ("0.0.0.0", "0.0.0.0")]
)
def test_when_it_is_ready_it_tells_its_address(
    host: str, shown: str, capsys: pytest.CaptureFixture[str]
):
    _say_ready(Ready(host, 4000, None, (), ""))
    told = capsys.readouterr()
    assert told.err == f"kilo-gateway serves on http://{shown}:4000\n"
    assert told.out == ""


def test_it_finds_and_makes_nothing_by_itself(tmp_path: Path):
    home = tmp_path / "home"
    environ = {"OPENAI_API_KEY": "sk-of-the-test"}
    with (
        process(home, environ=environ, key="none is made") as gateway,
        contextlib.closing(HTTPConnection("127.0.0.1", gateway.port, timeout=10)) as client,
    ):
        client.request("GET", "/health/ready")
        told = msgspec.json.decode(client.getresponse().read())
    assert told["parts"]["upstreams"] == "0"
    assert told["parts"]["local model"] == "off"
    rights = read_rights(home / "rights.json")
    assert rights is None or (rights.rows, rights.pending) == ((), ())
    assert gateway.process is not None
    assert gateway.process.returncode == 0
