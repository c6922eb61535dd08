"""Tool calls as real models made them: recorded streams, through a real gateway, to the real program and back."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.gateways import Running, process, wait_for_model
from tests.genesis.app import gateway as upstreams
from tests.genesis.journeys.recorded import (
    CONVERSATIONS,
    TRAFFIC,
    calls_of,
    output_of,
    streams,
    text_of,
    with_calls,
)

pytestmark = pytest.mark.skipif(
    not TRAFFIC.is_dir(), reason=f"no recorded traffic: {TRAFFIC} is absent"
)
GENESIS = [sys.executable, "-m", "genesis.main", "agent", "--model", "kilocode/recorded"]
PATIENCE_S = 60
CONFIG = """
[[upstreams]]
name = "replay"
base_url = "http://127.0.0.1:{port}/v1"
prefix = ""
models = ["recorded"]
"""


@dataclass
class Stage:
    """A gateway, and the upstream behind it that replays."""

    gateway: Running
    upstream: upstreams.Gateway

    def play(self, *replies: bytes) -> None:
        self.upstream.replies = [upstreams.Reply(one) for one in replies]
        self.upstream.requests.clear()

    @property
    def told(self) -> list[dict[str, Any]]:
        """The messages of the second request: what the model got to read."""
        messages: list[dict[str, Any]] = self.upstream.requests[1]["messages"]
        return messages


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with upstreams.running() as upstream:
        port = upstream.base_url.split(":")[2].split("/")[0]
        with process(tmp_path_factory.mktemp("gateway"), CONFIG.format(port=port)) as gateway:
            wait_for_model(gateway, "recorded")
            yield Stage(gateway, upstream)


@pytest.fixture
def project(tmp_path: Path, stage: Stage) -> Path:
    """A project of somebody whose Genesis knows the gateway."""
    state = tmp_path / ".genesis"
    state.mkdir(mode=0o700)
    block = {"baseUrl": f"{stage.gateway.url}/api/gateway/", "models": []}
    settings = {"models": {"providers": {"kilocode": block}}}
    (state / "genesis.json").write_text(json.dumps(settings))
    project = tmp_path / "project"
    project.mkdir()
    return project


def environ(project: Path, stage: Stage) -> dict[str, str]:
    home = str(project.parent)
    return {"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "KILOCODE_API_KEY": stage.gateway.key}  # fmt: skip


def ids(stream: bytes) -> list[str]:
    """The ids of its calls as they are sent back (genesis.md 6.2)."""
    return [re.sub(r"[^A-Za-z0-9_-]", "_", call.id)[:40] for call in calls_of(stream)]


@pytest.mark.parametrize("recorded", CONVERSATIONS)
def test_a_tool_that_genesis_has_not_is_told_so(stage: Stage, project: Path, recorded: str) -> None:
    call, answer = streams()[recorded], streams()[CONVERSATIONS[recorded]]
    stage.play(call, answer)
    done = subprocess.run(
        [*GENESIS, "--message", "go", "--json"],
        cwd=project,
        env=environ(project, stage),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + "".join(stage.gateway.log)
    told = json.loads(done.stdout)
    assert [one["text"] for one in told["payloads"]][-1] == text_of(answer)
    assert told["meta"]["stopReason"] == "stop"
    outputs = [output_of(call), output_of(answer)]
    known = [one for one in outputs if one is not None]
    assert told["meta"]["usage"]["output"] == (sum(known) if known == outputs else None)
    names = [one.name for one in calls_of(call)]
    assert all(f"There is no tool {name}" in done.stderr for name in names)
    count = len(names)
    asked, results = stage.told[-count - 1], stage.told[-count:]
    assert [one["id"] for one in asked["tool_calls"]] == ids(call)
    assert [one["function"]["name"] for one in asked["tool_calls"]] == names
    wanted = [json.loads(one.arguments or "{}") for one in calls_of(call)]
    assert [
        json.loads(one["function"]["arguments"] or "{}") for one in asked["tool_calls"]
    ] == wanted
    assert [one["tool_call_id"] for one in results] == ids(call)
    assert all("There is no tool" in one["content"] for one in results)


OURS = [
    ("exec", '{"command": "echo consented > ran.txt; echo it ran"}'),
    ("write", '{"path": "refused.txt", "content": "never\\n"}'),
]


@pytest.mark.parametrize(
    ("recorded", "count"),
    [
        ("openai.openai-chat.93025548", 2),
        ("deepseek.openai-chat.55d68c1e", 1),
        ("openrouter.openrouter-chat.214073b6", 1),
        ("ollama.openai-chat.867d57f0", 1),
    ],
)
def test_the_person_is_asked_and_what_came_of_it_goes_back(
    stage: Stage, project: Path, recorded: str, count: int
) -> None:
    call = with_calls(streams()[recorded], OURS[:count])
    answer = streams()[CONVERSATIONS[recorded]]
    stage.play(call, answer)
    shown = _talk(
        [*GENESIS, "--message", "go"],
        project,
        environ(project, stage),
        [(r"echo consented > ran\.txt.*\[N\]o: ", "y"), (r"\+never.*\[N\]o: ", "n")][:count],
    )
    assert " ".join(text_of(answer).split())[:40] in " ".join(shown.split())
    assert (project / "ran.txt").read_text() == "consented\n"
    assert not (project / "refused.txt").exists()
    results = stage.told[-count:]
    assert [one["tool_call_id"] for one in results] == ids(call)
    assert results[0]["content"] == "it ran"
    if count == 2:
        assert "The person denied this call" in results[1]["content"]


def test_where_nobody_can_be_asked_it_is_refused_and_the_model_told(
    stage: Stage, project: Path
) -> None:
    recorded = "openai.openai-chat.93025548"
    stage.play(with_calls(streams()[recorded], OURS), streams()[CONVERSATIONS[recorded]])
    done = subprocess.run(
        [*GENESIS, "--message", "go"],
        cwd=project,
        env=environ(project, stage),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + "".join(stage.gateway.log)
    assert "exec: echo consented" in done.stderr
    assert list(project.iterdir()) == []
    assert all("needs a person's approval" in one["content"] for one in stage.told[-2:])


def _talk(
    command: list[str], folder: Path, variables: dict[str, str], answers: list[tuple[str, str]]
) -> str:
    """What the program shows at a terminal where a person gives the answers."""
    person, terminal = pty.openpty()
    child = subprocess.Popen(
        command, cwd=folder, env=variables, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )  # fmt: skip
    os.close(terminal)
    shown = ""
    try:
        for question, said in answers:
            seen = ""
            while not re.search(question, seen, re.DOTALL):
                seen += _more(person, shown + seen)
            os.write(person, f"{said}\n".encode())
            shown += seen
        while (more := _more(person, shown)) != "":
            shown += more
        assert child.wait(PATIENCE_S) == 0, shown
    finally:
        child.kill()
        child.wait()
        os.close(person)
    return shown


def _more(person: int, shown: str) -> str:
    assert select.select([person], [], [], PATIENCE_S)[0], shown
    try:
        return os.read(person, 4096).decode(errors="replace")
    except OSError:  # the other end is closed
        return ""
