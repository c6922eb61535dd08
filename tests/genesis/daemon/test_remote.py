"""The daemon elsewhere: which address and token are taken, why it cannot be used, and the commands that use it."""

import asyncio
import os
import socket
import subprocess
import sys

import msgspec
import pytest

from genesis import __version__
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.events import TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.core.secret import Secret
from genesis.daemon.remote import Remote, connected, problem_of, remote_of
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.daemon.running import TOKEN, running
from tests.genesis.servers import Answer, serving


class Home:
    """A person's home with settings for a daemon elsewhere."""

    def __init__(self, folder, **remote):
        self.work = folder / "work"
        self.work.mkdir()
        self.environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
        self.paths = Paths.of(self.environ)
        self.paths.state_dir.mkdir(mode=0o700)
        settings = {"gateway": {"mode": "remote", "remote": remote}}
        self.paths.config_path.write_bytes(msgspec.json.encode(settings))

    def remote(self):
        loaded = load(self.paths, self.environ, folder=self.work)
        return remote_of(loaded, self.environ)

    async def genesis(self, *words, said=""):
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "genesis.main", *words],
            input=said,
            capture_output=True,
            text=True,
            cwd=self.work,
            env=self.environ,
            timeout=30,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


def nobody():
    """An address where nothing listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


ADDRESSES = {
    "ws://host:18789": "http://host:18789",
    "wss://host": "https://host",
    "https://host/genesis/": "https://host/genesis",
    " http://[::1]:1 ": "http://[::1]:1",
}


@pytest.mark.parametrize("url", ADDRESSES)
def test_an_address_is_understood(url, tmp_path):
    assert Home(tmp_path, url=url).remote().url == ADDRESSES[url]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "does not say where the daemon is"),
        ("host:18789", "no address of a daemon"),
        ("ftp://host", "no address of a daemon"),
        ("http://host:port", "no address of a daemon"),
        ("wss://me:secret@host", r"the token belongs into gateway\.remote\.token"),
        ("wss://host?token=secret", r"the token belongs into gateway\.remote\.token"),
        ("${NOWHERE}", "no value outside of this folder"),
    ],
)
def test_an_address_that_cannot_be_is_told(url, words, tmp_path):
    with pytest.raises(GenesisError, match=words) as caught:
        Home(tmp_path, url=url).remote()
    assert "secret" not in str(caught.value)


def test_the_token_is_the_settings_or_the_environments(tmp_path):
    home = Home(tmp_path, url="wss://host", token={"source": "env", "id": "MINE"})
    assert home.remote().secret is None
    home.environ["MINE"] = "a"
    assert home.remote().secret.reveal() == "a"


@pytest.mark.parametrize("name", ["GENESIS_GATEWAY_TOKEN", "GENESIS_GATEWAY_PASSWORD"])
def test_without_a_setting_the_environments_token_is_taken(name, tmp_path):
    home = Home(tmp_path, url="wss://host")
    home.environ[name] = "b"
    assert home.remote().secret.reveal() == "b"


@pytest.mark.parametrize("setting", ["url", "token"])
def test_a_folder_does_not_choose_where_the_token_goes(setting, tmp_path):
    home = Home(tmp_path, **({"url": "wss://host", "token": "mine"} | {setting: "${THEIRS}"}))
    (home.work / ".env").write_text("THEIRS=wss://evil.example\n")
    with pytest.raises(GenesisError, match="no value outside of this folder"):
        home.remote()
    home.environ["THEIRS"] = "wss://good.example"
    assert "good" in f"{home.remote().url} {home.remote().secret.reveal()}"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://203.0.113.7", False),
        ("http://8.8.8.8", True),
        ("http://host.example", True),
        ("https://host.example", False),
        ("http://localhost:1", False),
        ("http://192.168.1.2", False),
    ],
)
def test_what_strangers_can_read_is_known(url, expected):
    assert Remote(url, None).is_readable is expected


async def test_a_daemon_that_can_be_used():
    async with running(FakeConversation()) as access:
        assert await problem_of(Remote(access.url, TOKEN)) == ""


@pytest.mark.parametrize(
    ("secret", "words"),
    [(None, "wants a token: set gateway.remote.token"), (Secret("x"), "refuses the token")],
)
async def test_a_token_that_is_missing_or_wrong_is_told(secret, words):
    async with running(FakeConversation()) as access:
        with pytest.raises(GenesisError, match=words):
            await connected(Remote(access.url, secret))


ANSWERS = {
    "other-program": (Answer(200, b"<html>"), "HTTP 200) is no daemon of Genesis. --local"),
    "refusal": (
        Answer(403, b'{"error": {"message": "This Host is not the daemon\'s."}}'),
        "HTTP 403) is no daemon of Genesis: This Host is not the daemon's. --local",
    ),
    "other-version": (
        Answer(200, b'{"service": "genesis", "version": "9\\u001b[2J", "pid": 1}'),
        f"is of version 9␛[2J, this is {__version__}",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_answers_there_is_told(name):
    answer, words = ANSWERS[name]
    async with serving(lambda _asked: answer) as server:
        assert words in await problem_of(Remote(server.url, TOKEN))


async def test_a_turn_that_takes_too_long_is_stopped():
    conversation = FakeConversation()
    async with running(conversation) as access:
        there = await connected(Remote(access.url, TOKEN), limit_s=0.05)
        message = UserMessage((TextBlock("wait"),))
        events = [event async for event in there.send("s1", message)]
        await there.aclose()
    assert conversation.cancelled == ["s1"]
    assert events[-1] == TurnEnded(
        "error", error="The turn took longer than 0.05 s and was stopped.", is_late=True
    )


async def test_commands_use_it(tmp_path):
    conversation = FakeConversation()
    async with running(conversation) as access:
        home = Home(tmp_path, url=access.url.replace("http", "ws"), token=TOKEN.reveal())
        code, out, err = await home.genesis("chat", said="from a pipe")
        assert (code, out, err) == (0, "s1: from a pipe (None, None)\n", "")
        assert conversation.workspace == ""
        words = ["agent", "--message", "hi", "--model", "a/b", "--workspace", "/srv/x"]
        code, out, err = await home.genesis(*words)
        assert (code, out, err) == (0, "s1: hi (a/b, None)\n", "")
        assert conversation.workspace == "/srv/x"
        assert (await home.genesis("gateway", "status"))[0] == 0
        code, out, _ = await home.genesis("gateway", "status", "--json")
        assert (code, msgspec.json.decode(out)["usable"]) == (0, True)
        code, _, err = await home.genesis("agent", "--message", "hi", "--approve", "all")
        assert (code, "--approve needs --local" in err) == (1, True)
        code, _, err = await home.genesis("gateway", "start")
        assert (code, "it is elsewhere" in err) == (1, True)


async def test_commands_tell_that_it_is_not_there(tmp_path):
    url = nobody()
    home = Home(tmp_path, url=url, token=TOKEN.reveal())
    for words in (["chat"], ["agent", "--message", "hi"]):
        code, out, err = await home.genesis(*words, said="hi")
        assert (code, out) == (1, "")
        assert err.startswith(f"Error: The daemon at {url} (gateway.remote.url) cannot be reached:")
        assert "--local does without it." in err
    code, out, _ = await home.genesis("gateway", "status")
    assert (code, "cannot be reached" in out) == (1, True)
    code, _, err = await home.genesis("agent", "--local", "--message", "hi")
    assert (code, "daemon" in err) == (1, False)
