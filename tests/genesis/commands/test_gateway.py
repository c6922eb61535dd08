"""`genesis gateway` as people use it: real processes on a free port, an environment that holds no key; row L40."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.events import MessageEnded, TextDelta, TurnEnded
from genesis.core.message import TextBlock, UserMessage, text_of
from genesis.daemon import process
from genesis.daemon.client import attach
from genesis.main import main
from tests.genesis.servers import Answer, events, serving, text_chunk

KEY = "kg_live_canary_0123456789abcdef"
TOKEN = "feedfacefeedfacefeedfacefeedfacefeedfacefeedface"


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Home:
    """A person's home, and the command as they call it."""

    def __init__(self, folder):
        self.folder = folder
        self.environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        self.paths = Paths.of(self.environ)
        self.paths.state_dir.mkdir(mode=0o700)

    def configure(self, **gateway):
        port = gateway.pop("port", None) or free_port()
        base_url = gateway.pop("base_url", "http://127.0.0.1:9/")
        gateway = {"mode": "local", "auth": {"token": TOKEN}} | gateway | {"port": port}
        models = {"providers": {"kilocode": {"baseUrl": base_url, "models": []}}}
        default = {"model": {"primary": "kilocode/kilo/auto"}}
        settings = {"gateway": gateway, "models": models, "agents": {"defaults": default}}
        self.paths.config_path.write_bytes(msgspec.json.encode(settings))

    def say(self, *words):
        done = subprocess.run(
            [sys.executable, "-m", "genesis.main", "gateway", *words],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    async def attached(self):
        found = await attach(self.paths, load(self.paths, self.environ).require())
        assert found is not None
        return found


@pytest.fixture
def home(tmp_path):
    found = Home(tmp_path)
    try:
        yield found
    finally:
        process.stop(found.paths)


def kilo(asked):
    """A gateway that lets in who shows the key."""
    if asked.method == "GET":
        return Answer(404)
    if asked.all("authorization") != [f"Bearer {KEY}"]:
        return Answer(401, b'{"error": {"message": "no key"}}')
    return events(text_chunk("Hello from afar.", "stop"))


async def told_by(conversation, session, text):
    message = UserMessage((TextBlock(text),))
    return [event async for event in conversation.send(session, message)]


async def test_L40_a_daemon_without_an_environment_finds_the_key_in_the_env_file(home):
    async with serving(kilo) as gateway:
        home.configure(base_url=gateway.url)
        home.paths.dotenv.write_text(f"KILOCODE_API_KEY={KEY}\n")
        code, said = await asyncio.to_thread(home.say, "start")
        assert code == 0, said
        assert "Started the daemon" in said
        conversation = await home.attached()
        session = (await conversation.open(None, str(home.folder))).id
        heard = await told_by(conversation, session, "hi")
        assert TextDelta("Hello from afar.") in heard
        assert heard[-1].error is None
        await conversation.aclose()

        # Another start loses no session.
        assert (await asyncio.to_thread(home.say, "stop"))[1] == "Stopped the daemon.\n"
        assert (await asyncio.to_thread(home.say, "start"))[0] == 0
        conversation = await home.attached()
        assert [info.id for info in await conversation.sessions()] == [session]
        view = await conversation.open(session)
        assert [text_of(one) for one in view.messages] == ["hi", "Hello from afar."]
        await conversation.aclose()
        written = b"".join(one.read_bytes() for one in (home.paths.logs.iterdir()) if one.is_file())
        assert KEY.encode() not in written
        assert TOKEN.encode() not in written + process.file_of(home.paths).read_bytes()


async def test_a_daemon_that_is_killed_loses_no_session_and_is_seen_to_be_gone(home):
    async with serving(kilo) as gateway:
        home.configure(base_url=gateway.url)
        home.paths.dotenv.write_text(f"KILOCODE_API_KEY={KEY}\n")
        await asyncio.to_thread(home.say, "start")
        conversation = await home.attached()
        session = (await conversation.open(None, str(home.folder))).id
        await told_by(conversation, session, "hi")
        os.kill(process.running(home.paths).pid, signal.SIGKILL)
        await conversation.aclose()
        code, said = await asyncio.to_thread(home.say, "status")
        assert (code, said) == (1, "The daemon does not run. `genesis gateway start` starts it.\n")
        assert (await asyncio.to_thread(home.say, "start"))[0] == 0
        conversation = await home.attached()
        assert len((await conversation.open(session)).messages) == 2
        await conversation.aclose()


async def test_changed_settings_and_keys_are_in_force_at_once(home):
    async with serving(kilo) as gateway:
        home.configure()
        await asyncio.to_thread(home.say, "start")
        conversation = await home.attached()
        session = (await conversation.open(None, str(home.folder))).id
        port = process.running(home.paths).port
        [*_, ended] = await told_by(conversation, session, "hi")
        assert isinstance(ended, TurnEnded)
        assert ended.stop_reason == "error"
        home.configure(base_url=gateway.url, port=port)
        home.paths.dotenv.write_text(f"KILOCODE_API_KEY={KEY}\n")
        heard = await told_by(conversation, session, "again")
        assert any(isinstance(one, MessageEnded) and not one.message.error for one in heard)
        await conversation.aclose()


async def test_an_openai_client_is_answered(home):
    async with serving(kilo) as gateway:
        home.configure(base_url=gateway.url)
        home.paths.dotenv.write_text(f"KILOCODE_API_KEY={KEY}\n")
        await asyncio.to_thread(home.say, "start")
        import openai

        found = process.running(home.paths)
        async with openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{found.port}/v1", api_key=TOKEN
        ) as client:
            assert "kilocode/kilo/auto" in [one.id async for one in await client.models.list()]
            answer = await client.chat.completions.create(
                model="default", messages=[{"role": "user", "content": "hi"}]
            )
            assert answer.choices[0].message.content == "Hello from afar."
            stream = await client.chat.completions.create(
                model="kilocode/kilo/auto",
                messages=[{"role": "user", "content": "hi"}],
                stream=True,
            )
            texts = [chunk.choices[0].delta.content or "" async for chunk in stream]
            assert "".join(texts) == "Hello from afar."


def test_its_state_is_told(home):
    home.configure()
    assert home.say("status") == (
        1,
        "The daemon does not run. `genesis gateway start` starts it.\n",
    )
    assert home.say("stop") == (0, "The daemon does not run. `genesis gateway start` starts it.\n")
    home.say("start")
    found = process.running(home.paths)
    at = f"(pid {found.pid}) on http://127.0.0.1:{found.port}.\n"
    assert home.say("status") == (0, f"The daemon runs {at}")
    assert home.say("start") == (0, f"The daemon runs already {at}")
    code, said = home.say("status", "--json")
    facts = msgspec.json.decode(said)
    assert code == 0
    assert (facts["running"], facts["usable"], facts["pid"]) == (True, True, found.pid)
    code, said = home.say("run")
    assert code == 1
    assert f"Error: The daemon runs already (pid {found.pid})." in said
    assert "Genesis gateway" in home.say("logs")[1]
    home.configure(port=found.port, auth={"token": "another"})
    code, said = home.say("status")
    assert code == 1
    assert "It has another token than the settings." in said


def test_before_it_is_set_up_it_does_not_start_unless_told_to(home):
    code, said = home.say("start")
    assert code == 1
    assert said.startswith("Error: The daemon does not start before it is set up")
    home.configure(mode=None, auth={})
    code, said = home.say("start", "--allow-unconfigured")
    assert code == 0, said
    found = process.running(home.paths)
    assert len(found.token) == 48
    connection = http.client.HTTPConnection("127.0.0.1", found.port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/sessions")
        assert connection.getresponse().status == 401
    assert home.say("status")[0] == 0


def test_beyond_loopback_it_does_not_listen_without_a_token(home):
    home.configure(bind="lan", auth={})
    code, said = home.say("start")
    assert code == 1
    assert "does not listen on 0.0.0.0 without a token" in said


def test_a_port_that_is_taken_is_told(home):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        home.configure(port=taken.getsockname()[1])
        code, said = home.say("start")
    assert code == 1
    assert "genesis config set gateway.port" in said


def test_in_a_terminal_ctrl_c_ends_it(home):
    home.configure()
    child = subprocess.Popen(
        [sys.executable, "-m", "genesis.main", "gateway", "run"],
        env=home.environ,
        cwd=home.folder,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout.readline().startswith("Genesis gateway")
        begun = time.monotonic()
        child.send_signal(signal.SIGINT)
        assert child.stdout.read() == "Genesis gateway has stopped.\n"
        assert child.wait(20) == 0
    assert time.monotonic() - begun < 5


def test_it_does_not_read_the_env_file_of_the_folder_it_was_started_in(home):
    (home.folder / ".env").write_text(f"KILOCODE_API_KEY={KEY}\n")
    home.configure()
    home.say("start")
    found = process.running(home.paths)
    folder = str(Path(f"/proc/{found.pid}/cwd").readlink()) if sys.platform == "linux" else ""
    assert folder in {"", str(home.paths.state_dir)}


def test_without_a_log_it_is_told(home, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(home.folder))
    assert main(["gateway", "logs"]) == 1
    assert "There is no log" in capsys.readouterr().err


def test_it_is_installed_and_uninstalled(home, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(home.folder))
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    home.configure()
    assert main(["gateway", "install"]) == 0
    told = capsys.readouterr().out
    assert "There is no systemctl here." in told
    unit = home.folder / ".config" / "systemd" / "user" / "genesis-gateway.service"
    assert "genesis.main gateway run" in unit.read_text()
    assert main(["gateway", "uninstall"]) == 0
    assert not unit.exists()
