"""A person's way, in a real terminal against a real gateway: onboard, list, talk, a tool with consent, stop, resume."""

import asyncio
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.gateways import process, wait_for_model
from tests.genesis.journeys.terminal import terminal
from tests.genesis.servers import Answer, events, serving, text_chunk

pytestmark = pytest.mark.skipif(
    shutil.which("tmux") is None, reason="tmux is not installed: no terminal to drive"
)
GENESIS = [sys.executable, "-m", "genesis.main"]
CONFIG = """
[simulator]
enabled = true

[[upstreams]]
name = "tools"
base_url = "{url}"
prefix = ""
models = ["tool-caller"]
"""


def call_of(name, arguments):
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    }
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}


def tool_caller(asked) -> Answer:
    """Wants a file written; when that has been dealt with, says how it went."""
    if asked.method == "GET":
        return Answer(404)
    if not asked.json.get("stream"):  # onboarding tries the key
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "ok"},
            "finish_reason": "stop",
        }
        return Answer(
            200, msgspec.json.encode({"id": "x", "object": "chat.completion", "choices": [choice]})
        )
    last = asked.json["messages"][-1]
    if last["role"] == "tool":
        return events(text_chunk(f"The tool said: {last['content'][:60]}", "stop"))
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    return events(call_of("write", '{"path":"hello.txt","content":"hello from the model\\n"}'), end)


@pytest.fixture
def person(tmp_path):
    """An environment of somebody who has never used Genesis, and a folder of his."""
    home = tmp_path / "person"
    (home / "project").mkdir(parents=True)
    environ = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
    }
    return home, environ


def genesis(environ, *words, cwd: Path):
    done = subprocess.run(
        [*GENESIS, *words],
        env=environ,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


async def test_from_onboarding_to_a_resumed_session(tmp_path, person):
    home, environ = person
    project = home / "project"
    async with serving(tool_caller) as server:
        with process(tmp_path / "gateway", CONFIG.format(url=server.url)) as gateway:
            await asyncio.to_thread(_journey, gateway, home, project, environ)


def _journey(gateway, home, project, environ):
    wait_for_model(gateway, "tool-caller")
    words = ["onboard", "--non-interactive", "--accept-risk", "--auth-choice", "kilocode-api-key"]
    code, out, err = genesis(
        environ, *words, "--kilocode-api-key", gateway.key, "--base-url", gateway.url, cwd=project
    )
    assert code == 0, err
    assert "works" in out
    code, out, _ = genesis(environ, "models", "list", "--provider", "kilocode", cwd=project)
    assert code == 0
    assert "kilocode/kilo/auto" in out
    assert "kilocode/sim/echo" in out
    with terminal(
        project, [*GENESIS, "chat", "--local", "--workspace", str(project)], environ
    ) as shown:
        shown.say("/model kilocode/sim/echo ")
        shown.wait_for("sim/echo", times=2)
        shown.say("greetings from a terminal")
        shown.wait_for("You said: greetings from a terminal")
        shown.say("/models kilocode ")
        shown.wait_for("kilocode/kilo/auto")
        shown.say("/model kilocode/tool-caller ")
        shown.wait_for("tool-caller", times=2)
        shown.say("write me a file")
        screen = shown.wait_for("hello from the model")
        assert "hello.txt" in screen
        assert not (project / "hello.txt").exists()
        shown.press("y")
        shown.wait_for("The tool said:")
        assert (project / "hello.txt").read_text() == "hello from the model\n"
        shown.say("/model kilocode/sim/tokens-500-delay-20ms ")
        shown.wait_for("tokens-500", times=2)
        shown.say("talk for a long time")
        shown.wait_for("talk for a long time\n+.*[a-z]{3}")
        shown.press("C-c")
        shown.wait_for("(?i)stopped|aborted")
        shown.say("/quit ")
        shown.wait_for("ended with 0")
    with terminal(project, [*GENESIS, "chat", "--local", "--resume"], environ, columns=60) as shown:
        shown.wait_for("You said: greetings from a terminal|earlier messages")
        shown.say("/model kilocode/sim/echo ")
        shown.say("back again")
        shown.wait_for("You said: back again")
    _assert_private(home / ".genesis", gateway.key)


def _assert_private(state: Path, key: str) -> None:
    """The key is in its store and nowhere else; nobody else may read anything."""
    holders = []
    for path in state.rglob("*"):
        mode = path.stat().st_mode & 0o777
        assert mode & 0o077 == 0, (path, oct(mode))
        if path.is_file() and key in path.read_text(errors="replace"):
            holders.append(path.name)
    assert holders == ["auth-profiles.json"]


@pytest.mark.real_model
def test_a_real_model_answers(tmp_path, person):
    if (
        importlib.util.find_spec("xllamacpp") is None
    ):  # found, not imported: other tests look whether it is loaded
        pytest.skip("needs the local extra")
    home, environ = person
    config = "[local_model]\nenabled = true\n"
    with process(tmp_path / "gateway", config) as gateway:
        environ |= {"KILOCODE_API_KEY": gateway.key, "GENESIS_STATE_DIR": str(home / ".genesis")}
        settings = home / ".genesis" / "genesis.json"
        settings.parent.mkdir()
        base = f"{gateway.url}/api/gateway/"
        settings.write_text(
            f"{{ models: {{ providers: {{ kilocode: {{ baseUrl: '{base}', models: [] }} }} }} }}"
        )
        words = ["agent", "--message", "Say hello to me in one short sentence.", "--json"]
        code, out, err = genesis(environ, *words, cwd=home / "project")
    assert code == 0, err
    answer = msgspec.json.decode(out)
    assert answer["payloads"][0]["text"].strip()
    assert answer["meta"]["model"] == "kilo/auto"
    assert answer["meta"]["usage"]["output"] > 0
