"""Secrets stay where they belong: a whole journey with every kind of secret, then a look into everything that it left."""

import asyncio
import base64
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from genesis.app import Genesis
from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef
from genesis.providers.provider import ChatRequest
from tests.genesis.journeys.canaries import (
    CANARIES,
    FAILURES,
    Upstream,
    files_of,
    open_to_others,
    quoting,
    sightings,
)
from tests.genesis.journeys.terminal import terminal
from tests.genesis.session.fakes import said

GENESIS = [sys.executable, "-m", "genesis.main"]
PATIENCE_S = 60
# A program that breaks with all it knows in the exception: of a command, and of a turn in the daemon.
CRASH = """
import sys
from genesis.main import main
import {module} as module
def broken(*_words, **_more):
    raise RuntimeError({secrets!r}) from ValueError({secrets!r})
setattr(module.{owner}, {name!r}, broken)
sys.exit(main(sys.argv[1:]))
"""
# Where a canary may be, and nowhere else.
PLACES = {
    "pasted": {".genesis/agents/main/agent/auth-profiles.json"},
    "token": {".genesis/genesis.json"},
    "header": {".genesis/genesis.json"},
    "settings": {".genesis/genesis.json"},
    "dotenv": {".genesis/.env"},
    "environment": set(),
    "anthropic": set(),
    "refused": set(),
}


class Person:
    """Somebody with a home and a project. `told` is what every command printed."""

    def __init__(self, folder: Path, upstream: Upstream, way: str) -> None:
        self.way = way
        self.home = folder / "home"
        self.state = self.home / ".genesis"
        self.project = self.home / "project"
        self.project.mkdir(parents=True)
        self.upstream = upstream
        self.told: dict[str, bytes] = {}
        # What Genesis can know of: a key that was refused is nowhere, and of the gateway's there is one.
        self.known = CANARIES.keys() - {"refused", "pasted", "environment"} | {way}
        self.environ = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
            "ANTHROPIC_API_KEY": CANARIES["anthropic"],
            "HARMLESS_NAME": f"Bearer {CANARIES['settings']}",
        }
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]

    def run(self, *words: str, said: str = "", program: list[str] = GENESIS) -> int:
        done = subprocess.run(
            [*program, *words],
            env=self.environ,
            cwd=self.project,
            input=said.encode(),
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
        )
        shown = [word[:30] for word in words if word not in CANARIES.values()]
        self.told[f"{len(self.told)} genesis {' '.join(shown)}"] = done.stdout + done.stderr
        return done.returncode

    def breaking(self, module: str, owner: str, name: str) -> list[str]:
        """Genesis, with one of its parts exchanged for one that breaks."""
        secrets = " ".join(secret for name, secret in CANARIES.items() if name in self.known)
        code = CRASH.format(module=module, owner=owner, name=name, secrets=secrets)
        return [sys.executable, "-c", code]


@pytest.fixture(params=["pasted", "environment"])
def person(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Person]:
    """`way`: whether the gateway's key was pasted, or is in the environment."""
    with quoting() as upstream:
        one = Person(tmp_path, upstream, request.param)
        yield one
        one.run("gateway", "stop")


def onboard(person: Person) -> None:
    """With a key that is pasted at a terminal, or one of the environment; and once with a key that is refused."""
    base = ("--base-url", person.upstream.url)
    alone = ("onboard", "--non-interactive", "--accept-risk", "--auth-choice", "kilocode-api-key", *base)  # fmt: skip
    assert person.run(*alone, "--kilocode-api-key", CANARIES["refused"]) == 1
    daemon = ("--gateway-token", CANARIES["token"], "--gateway-port", str(person.port))
    if person.way == "pasted":
        _paste(person, [*GENESIS, "onboard", *base, *daemon])
        assert person.run(*alone, *daemon, "--json") == 0
    else:
        person.environ["KILOCODE_API_KEY"] = CANARIES["environment"]
        assert person.run(*alone, *daemon, "--secret-input-mode", "ref") == 0
    provider = "models.providers"
    block = {"baseUrl": f"{person.upstream.url}/v1/", "models": []}
    (person.state / ".env").write_text(f"MINE={CANARIES['dotenv']}\n")
    (person.state / ".env").chmod(0o600)
    for name, more in {
        f"{provider}.kilocode.headers": {"X-Tenant-Token": CANARIES["header"]},
        f"{provider}.plain": {**block, "apiKey": CANARIES["settings"], "headers": {"Authorization": f"Basic {CANARIES['header']}"}},
        f"{provider}.mine": {**block, "baseUrl": f"{person.upstream.url}/broken/", "apiKey": "${MINE}"},
        f"{provider}.anthropic": block,
    }.items():  # fmt: skip
        assert person.run("config", "set", name, json.dumps(more), "--json-value") == 0


def _paste(person: Person, command: list[str]) -> None:
    """A key pasted at the prompt of a terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        command, env=person.environ, cwd=person.project, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )  # fmt: skip
    os.close(theirs)
    shown = ""
    pasted = f"export KILOCODE_API_KEY='{CANARIES['pasted']}'"
    questions = [("Go on? [y/N]", "y"), ("Number [1]:", ""), ("Number [1]:", ""), ("API key:", pasted), ("genesis chat", None)]  # fmt: skip
    try:
        for question, answer in questions:
            seen = ""
            while question not in seen:
                assert select.select([ours], [], [], PATIENCE_S)[0], shown + seen
                seen += os.read(ours, 4096).decode()
            shown += seen
            if answer is not None:
                os.write(ours, f"{answer}\n".encode())
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.wait()
        os.close(ours)
    person.told["the terminal of onboarding"] = shown.encode()


def look_around(person: Person) -> None:
    """Everything that only shows."""
    for words in (
        "models list --provider kilocode", "models list --provider plain", "models list --provider mine", "models list --provider anthropic",
        "models list --all --json", "models", "models status --json", "models status --probe --json", "models auth list", "models auth list --json",
        "doctor", "doctor --json", "config get models", "config get models --json", "config get models.providers.plain", "config get gateway",
        "config get models.providers.kilocode.headers", "config get agents", "config get env.vars", "config validate", "config validate --json", "config file",
        "gateway status", "gateway status --json", "sessions list --json", "config set models.providers.plain.apiKye x", "nonsense", "agent",
    ):  # fmt: skip
        person.run(*words.split())


def talk(person: Person) -> None:
    """One-shot runs: tools that read all there is, and every way to fail, with each provider."""
    secrets = [f"{name}: {CANARIES[name]}\n" for name in sorted(person.known)]
    (person.project / "secrets.txt").write_text("".join(secrets))
    for provider in ("kilocode", "plain"):
        words = ("--message", "read", "--approve", "all", "--model", f"{provider}/tools")
        assert person.run("agent", *words) == 0
    for model in ("kilocode/fails-400", "plain/fails-401", "mine/late", "anthropic/fails-500"):
        person.run("models", "set", model)
        person.run("agent", "--message", "hi")
        person.run("agent", "--message", "hi", "--json", "--model", "plain/resets")
    person.run("models", "set", "kilocode/kilo/auto")


def talk_to_the_daemon(person: Person) -> None:
    """The same through the daemon: a conversation, its OpenAI-compatible door, and a turn that breaks."""
    breaking = person.breaking("genesis.session.sources", "Sources", "params")
    for program in (GENESIS, _starting(breaking)):
        assert person.run("gateway", "start", program=program) == 0, person.told.popitem()
        person.run("gateway", "status", "--json")
        for model in ("tools", "fails-400", "late"):
            person.run("models", "set", f"kilocode/{model}")
            person.run("chat", said="hi")
        person.run("models", "set", "kilocode/kilo/auto")
        for number, body in enumerate(_door_bodies()):
            headers = {"Authorization": f"Bearer {CANARIES['token']}"}
            url = f"http://127.0.0.1:{person.port}/v1/chat/completions"
            answer = httpx.post(url, json=body, headers=headers, timeout=PATIENCE_S)
            person.told[f"{len(person.told)} door {number}"] = (
                answer.content + repr(answer.headers).encode()
            )
        person.run("gateway", "logs")
        person.run("gateway", "stop")


def _starting(program: list[str]) -> list[str]:
    """`gateway start` that starts the breaking program instead of the usual one."""
    code = (
        "import subprocess, sys\n"
        "usual = subprocess.Popen\n"
        f"program = {program!r}\n"
        "def popen(words, **more):\n"
        "    return usual([*program, *words[words.index('gateway'):]], **more)\n"
        "subprocess.Popen = popen\n"
        "from genesis.main import main\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    return [sys.executable, "-c", code]


def _door_bodies() -> list[dict[str, Any]]:
    hi = [{"role": "user", "content": "hi"}]
    models = ("tools", "fails-401", "fails-500", "early", "late", "page")
    return [
        {"model": f"kilocode/{model}", "messages": hi, "stream": stream}
        for model in models
        for stream in (False, True)
    ]


def break_down(person: Person) -> None:
    """A command that fails on its own account, and what people do with sessions afterwards."""
    broken = person.breaking("genesis.app", "Genesis", "open")
    assert person.run("agent", "--message", "hi", program=broken) == 70
    broken = person.breaking("genesis.session.sources", "Sources", "params")
    person.run("agent", "--message", "hi", program=broken)
    person.run("sessions", "list")
    listed = json.loads(_last(person, "sessions list --json"))["sessions"]
    for session in listed:
        person.run("sessions", "show", session["id"])
        person.run("sessions", "export", session["id"], "--format", "json")
        person.run("sessions", "export", session["id"], "-o", f"{session['id']}.md")


def _last(person: Person, words: str) -> bytes:
    person.run(*words.split())
    return list(person.told.values())[-1]


def show_on_a_screen(person: Person) -> None:
    """What a terminal draws, with a tool's result and failures."""
    if shutil.which("tmux") is None:
        return
    chat = [*GENESIS, "chat", "--local", "--workspace", str(person.project)]
    with terminal(person.project, chat, person.environ) as shown:
        shown.say("/model kilocode/tools ")
        shown.wait_for("Model: kilocode/tools")
        shown.say("read it all")
        shown.wait_for("secrets.txt")
        shown.press("y")
        shown.wait_for("It is done")
        for model in ("fails-401", "late"):
            shown.say(f"/model kilocode/{model} ")
            shown.wait_for(f"Model: kilocode/{model}")
            shown.say("hi")
            shown.say("/status ")
            shown.wait_for("Workspace:", times=1)
        shown.say("/quit ")
        person.told["the screen"] = shown.wait_for("ended with 0").encode()


async def test_no_exception_and_no_sentence_has_a_canary(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every failure with every provider: the exception itself, and the turn that ends with it."""
    await asyncio.to_thread(onboard, person)
    monkeypatch.chdir(person.project)
    genesis = Genesis.open(person.environ)
    sinks: dict[str, bytes] = {}
    for provider in ("kilocode", "plain", "mine", "anthropic"):
        for model in FAILURES:
            ref = ModelRef(provider, model)
            target = await genesis.sources.target(ref, None)
            request = ChatRequest(target.model, (said("hi"),))
            told = [repr(target), repr(genesis.loaded)]
            try:
                async for event in target.provider.stream(target.endpoint, request):
                    told.append(repr(event))  # noqa: PERF401 - what came before a failure counts
            except GenesisError as error:
                told += [
                    str(error),
                    repr(error),
                    repr(vars(error)),
                    *traceback.format_exception(error),
                ]
            view = await genesis.conversation.open(None)
            genesis.sources.choice = replace(genesis.sources.choice, primary=ref)
            async for event in genesis.conversation.send(view.id, said("hi")):
                told.append(repr(event))
            sinks[f"{provider}/{model}"] = "\n".join(told).encode()
    await genesis.aclose()
    assert sightings(sinks) == set()
    assert all(b"Error" in told or b"error" in told for told in sinks.values())


def test_canaries_stay_out_of_every_sink(person: Person) -> None:
    onboard(person)
    look_around(person)
    talk(person)
    talk_to_the_daemon(person)
    break_down(person)
    show_on_a_screen(person)
    assert sightings(person.told) == set()
    kept = files_of(person.home)
    secrets = kept.pop("project/secrets.txt")
    assert len(sightings({"it": secrets})) == 6
    allowed = {(place, name) for name, places in PLACES.items() for place in places}
    if person.way == "environment":
        allowed = {pair for pair in allowed if pair[1] != "pasted"}
    seen = {(place.split(".bak")[0], name) for place, name in sightings(kept)}
    assert seen == allowed
    assert open_to_others(person.state) == []
    assert {".genesis/logs/genesis.log", ".genesis/logs/gateway.log", ".genesis/agents/main/agent/models.json"} <= kept.keys()  # fmt: skip
    assert b"RuntimeError" in kept[".genesis/logs/genesis.log"]
    assert b"RuntimeError" in kept[".genesis/logs/gateway.log"]
    sent = "\n".join(person.upstream.seen)
    unsent = {"token", "pasted" if person.way == "environment" else "environment"}
    assert {name for name, secret in CANARIES.items() if secret not in sent} == unsent


@pytest.mark.parametrize("name", CANARIES)
def test_the_finder_sees_a_canary_in_each_of_its_forms(tmp_path: Path, name: str) -> None:
    secret = CANARIES[name]
    forms = {
        "plain": secret,
        "inside": f'{{"authorization":"Bearer {secret}"}}',
        "base64": base64.b64encode(f"key={secret}!".encode()).decode(),
        "quoted": f"?key={quote(secret, safe='')}",
        "json": json.dumps({"a": [secret]}),
        "repr": repr({"a": secret}),
        "backwards": secret[::-1],
    }
    for form, text in forms.items():
        (tmp_path / "deep" / form).mkdir(parents=True)
        (tmp_path / "deep" / form / "file").write_text(f"before {text} after")
    found = sightings(files_of(tmp_path))
    assert found == {(f"deep/{form}/file", name) for form in forms}
    assert sightings({"nothing": b"QuietHeron and others"}) == set()


def test_the_look_at_permissions_sees_what_is_open(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "shut").mkdir(mode=0o700)
    (tmp_path / "shut" / "file").touch(0o600)
    assert open_to_others(tmp_path) == []
    (tmp_path / "shut" / "file").chmod(0o640)
    (tmp_path / "shut" / "other").mkdir(mode=0o755)
    assert open_to_others(tmp_path) == ["shut/file 0640", "shut/other 0755"]
