"""`genesis onboard` as a person meets it: with the real program, against a gateway that runs."""

import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.gateways import Running, process, wait_for_model

GENESIS = (sys.executable, "-m", "genesis.main", "onboard")
ALONE = ("--non-interactive", "--accept-risk", "--auth-choice", "kilocode-api-key")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("gateway")
    with process(home, "[simulator]\nenabled = true\n") as running:
        wait_for_model(running, "sim/echo")
        yield running


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm"}


def onboard(environ: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*GENESIS, *words],
        env=environ,
        cwd=environ["HOME"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def holders(environ: dict[str, str], key: str) -> list[str]:
    """The files that hold the key."""
    files = [path for path in Path(environ["HOME"]).rglob("*") if path.is_file()]
    return [path.name for path in files if key.encode() in path.read_bytes()]


def test_a_key_that_is_good_is_tried_and_kept_in_one_file(
    environ: dict[str, str], gateway: Running
) -> None:
    done = onboard(environ | {"KILOCODE_API_KEY": gateway.key}, *ALONE, "--base-url", gateway.url)
    assert done.returncode == 0, done.stderr
    assert f"The key works at {gateway.url}/api/gateway/" in done.stdout
    assert gateway.key not in done.stdout + done.stderr
    assert holders(environ, gateway.key) == ["auth-profiles.json"]
    settings = msgspec.json.decode((Path(environ["HOME"]) / ".genesis/genesis.json").read_bytes())
    assert settings["models"]["providers"]["kilocode"]["baseUrl"] == f"{gateway.url}/api/gateway/"


def test_a_key_that_is_refused_changes_nothing(environ: dict[str, str], gateway: Running) -> None:
    words = (*ALONE, "--base-url", gateway.url, "--kilocode-api-key", "kg_live_wrong")
    done = onboard(environ, *words)
    assert done.returncode == 1
    assert "refuses this key (HTTP 401)" in done.stderr
    assert not list(Path(environ["HOME"]).rglob("*.json"))
    assert onboard(environ, *words, "--skip-health").returncode == 0


def test_this_gateway_has_no_device_login(environ: dict[str, str], gateway: Running) -> None:
    words = ("--non-interactive", "--accept-risk", "--auth-choice", "kilocode-device")
    done = onboard(environ, *words, "--base-url", gateway.url)
    assert done.returncode == 1
    assert "has no device login. Use --auth-choice kilocode-api-key" in done.stderr


def test_a_person_at_a_terminal_pastes_a_key_and_does_not_see_it(
    environ: dict[str, str], gateway: Running
) -> None:
    person, terminal = pty.openpty()
    child = subprocess.Popen(
        [*GENESIS, "--base-url", gateway.url],
        env=environ,
        cwd=environ["HOME"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    shown = ""
    talk = [
        ("Go on? [y/N]", "y"),
        ("Number [1]:", ""),
        ("Number [1]:", ""),
        ("Enter Kilo Gateway API key:", f'export KILOCODE_API_KEY="{gateway.key}"'),
        ("genesis chat", None),
    ]
    try:
        for question, answer in talk:
            seen = ""
            while question not in seen:
                assert select.select([person], [], [], PATIENCE_S)[0], shown + seen
                seen += os.read(person, 4096).decode()
            shown += seen
            if answer is not None:
                os.write(person, f"{answer}\n".encode())
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.wait()
        os.close(person)
    assert f"The key works at {gateway.url}/api/gateway/" in shown
    assert gateway.key not in shown
    assert holders(environ, gateway.key) == ["auth-profiles.json"]
