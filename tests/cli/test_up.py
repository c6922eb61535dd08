"""What `up` says when it is ready: where it is, the key once, and recipes that work when they are pasted."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from typer.testing import Result

from kilo_gateway.app.gateway import Ready
from kilo_gateway.cli.up import _welcome
from kilo_gateway.keys.secret import Minted

KEY = "kg_live_" + "Ab3" * 16 + "z"
FIRST = Minted(KEY, b"d" * 32, KEY[:12])
Say = Callable[..., str]
Run = Callable[..., Result]

# Each stands for a program of a recipe: tells its words and the variables that recipes set, one to a line.
STUB = """#!/bin/sh
echo "program ${0##*/}"
for word; do printf 'word %s\\n' "$word"; done
env | grep -E '^(OPENAI|KILO|KILOCODE|ANTHROPIC)_(API_|BASE_)' | sort
"""


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """What is said for a gateway that is ready."""

    def welcome(
        host: str = "127.0.0.1",
        *,
        first_key: Minted | None = None,
        upstreams: tuple[str, ...] = ("openai", "sim"),
        problem: str = "",
    ) -> str:
        _welcome(Ready(host, 4000, first_key, upstreams, problem))
        return capsys.readouterr().out

    return welcome


def commands(said: str) -> list[str]:
    """The lines below the empty line that are to be pasted, continued lines together."""
    recipes = said.partition("\n\n")[2].replace("\\\n", "\\\n ").splitlines()
    pasted: list[str] = []
    for line in recipes:
        if pasted and pasted[-1].endswith("\\"):
            pasted[-1] += "\n" + line
        elif line.startswith("  "):
            pasted.append(line)
    return pasted


@pytest.fixture
def paste(tmp_path: Path) -> Callable[[str, str], list[str]]:
    """Runs a recipe in a shell where every program is a stub; gives what the stub was told."""
    for name in ("curl", "python", "genesis", "kilo", "claude"):
        stub = tmp_path / name
        stub.write_text(STUB)
        stub.chmod(0o700)

    def run_in_shell(command: str, key: str) -> list[str]:
        environ = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
        environ |= {"KILO_GATEWAY_KEY": key} if key else {}
        done = subprocess.run(
            [shutil.which("sh") or "sh", "-eu", "-c", command],
            check=False,
            env=environ,
            capture_output=True,
            text=True,
            timeout=10,
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout.splitlines()

    return run_in_shell


def test_the_first_start_shows_the_key_and_that_it_is_shown_once(say: Say):
    said = say(first_key=FIRST)
    assert said.startswith("Kilo Gateway serves on http://127.0.0.1:4000\n")
    assert f"  API key    {KEY}\n" in said
    assert "shown this once: keep it" in said
    assert "$KILO_GATEWAY_KEY" not in said


def test_a_later_start_shows_no_key_but_how_to_get_one(say: Say):
    said = say()
    assert "kg_" not in said
    assert "made at the first start; `kilo-gateway keys create NAME` makes another" in said
    assert "shown this once" not in said
    assert said.count("$KILO_GATEWAY_KEY") == len(commands(said)) == 5


@pytest.mark.parametrize(
    ("upstreams", "told"), [(("a", "b-2"), "a, b-2"), (("sim",), "sim"), ((), "none yet")]
)
def test_the_upstreams_are_named(say: Say, upstreams: tuple[str, ...], told: str):
    assert f"  upstreams  {told}\n" in say(upstreams=upstreams)


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "127.0.0.1"),
        ("::1", "[::1]"),
        ("fd00::7", "[fd00::7]"),
        ("192.168.1.5", "192.168.1.5"),
    ],
)
def test_the_address_is_one_that_can_be_opened(say: Say, host: str, shown: str):
    said = say(host)
    assert said.splitlines()[0] == f"Kilo Gateway serves on http://{shown}:4000"
    assert said.count(f"http://{shown}:4000") == 6
    assert said.count("http://") == 6


def test_a_problem_of_the_local_model_is_shown(say: Say):
    assert "  local      needs the extra\n" in say(problem="needs the extra")


def test_without_a_problem_nothing_is_said_of_the_local_model(say: Say):
    assert "  local " not in say()


@pytest.mark.parametrize(
    ("first_key", "exported"), [(FIRST, ""), (None, "kg_live_of-the-shell")], ids=["first", "later"]
)
def test_each_recipe_hands_its_program_the_address_and_the_key(
    say: Say, paste: Callable[[str, str], list[str]], first_key: Minted | None, exported: str
):
    key = KEY if first_key else exported
    url = "http://127.0.0.1:4000"
    curl, *others = [paste(one, exported) for one in commands(say(first_key=first_key))]
    body = curl.pop().removeprefix("word ")
    assert curl == [
        "program curl",
        "word -N",
        f"word {url}/v1/chat/completions",
        "word -H",
        f"word Authorization: Bearer {key}",
        "word -H",
        "word Content-Type: application/json",
        "word -d",
    ]
    assert msgspec.json.decode(body) == {
        "model": "kilo/auto",
        "stream": True,
        "messages": [{"role": "user", "content": "Say hello."}],
    }
    assert others == [
        [
            "program python",
            "word your_script.py",
            f"OPENAI_API_KEY={key}",
            f"OPENAI_BASE_URL={url}/v1",
        ],
        [
            "program genesis",
            "word onboard",
            "word --base-url",
            f"word {url}/api/gateway/",
            f"KILOCODE_API_KEY={key}",
        ],
        [
            "program kilo",
            *("word run", "word -m", "word kilo/kilo/auto", "word Say hello."),
            f"KILO_API_KEY={key}",
            f"KILO_API_URL={url}",
        ],
        ["program claude", f"ANTHROPIC_API_KEY={key}", f"ANTHROPIC_BASE_URL={url}"],
    ]


@pytest.fixture
def up(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a start that cannot succeed, in a process of its own: it sets up memory and signals."""

    def start(port: int) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "kilo_gateway", "up", "--no-local-model"]
        return subprocess.run(
            [*command, "--port", str(port)],
            check=False,
            env={"PATH": os.environ["PATH"], "KILO_GATEWAY_HOME": str(home)},
            capture_output=True,
            text=True,
            timeout=30,
        )

    return start


Up = Callable[[int], subprocess.CompletedProcess[str]]


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of loopback on which something else listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def test_a_taken_port_is_told(up: Up, taken_port: int):
    ended = up(taken_port)
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"kilo-gateway: port {taken_port} on 127.0.0.1 is taken")
    assert "`up --port`" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert ended.stdout == ""


def test_a_start_that_fails_makes_no_key_that_nobody_sees(up: Up, home: Path, taken_port: int):
    assert up(taken_port).returncode == 1
    assert not (home / "rights.json").exists()


def test_a_port_that_is_none_is_told_in_a_sentence(up: Up):
    ended = up(65536)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "65535" in ended.stderr


def test_a_wrong_configuration_is_told_before_anything_starts(
    run: Run, config: Callable[[str], Path], home: Path
):
    config("[server]\nprot = 1\n")
    result = run("up")
    assert result.exit_code == 2
    assert "prot" in result.stderr
    assert "kilo-gateway check" in result.stderr
    assert [path.name for path in home.iterdir()] == ["config.toml"]
