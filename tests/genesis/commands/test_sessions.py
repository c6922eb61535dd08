"""`genesis sessions`."""

import asyncio
import itertools
import os
import stat
from pathlib import Path

import msgspec
import pytest

from genesis.main import main
from genesis.session.local import LocalConversation
from genesis.session.store import SessionStore
from tests.genesis.daemon.running import TOKEN, running
from tests.genesis.session.fakes import FakeProvider, World, answer, said
from tests.genesis.session.test_local import Facts


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionStore:
    for name in ("GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "GENESIS_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.chdir(tmp_path)
    ids = itertools.count(0xA)
    folder = tmp_path / ".genesis" / "agents" / "main" / "sessions"
    return SessionStore(folder, clock=lambda: 0.0, make_id=lambda: f"{next(ids):x}" * 12)


def begin(store: SessionStore, text: str, at: float) -> str:
    session = store.create()
    session.append(said(text))
    os.utime(session.path, (at, at))
    return session.id


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["sessions", *words])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_none(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "list")[1] == "There is no saved session yet. `genesis chat` begins one.\n"


def test_list(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "old", 60.0)
    begin(store, "new \x1b[31m", 120.0)
    lines = run(capsys, "list")[1].splitlines()
    assert lines[0].startswith("bbbbbbbbbbbb  1970-01-01 ")
    assert lines[0].endswith("new ␛[31m")
    assert "   1 message " in lines[1]


def test_list_as_json(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "x", 60.0)
    whole = msgspec.json.decode(run(capsys, "list", "--json")[1])
    assert whole == {
        "count": 1,
        "sessions": [{"id": "a" * 12, "title": "x", "model": None, "updatedAt": 60.0, "messages": 1}],
    }  # fmt: skip


def test_show_is_safe(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "hello \x1b]0;x\x07", 60.0)
    code, out, _ = run(capsys, "show", "a")
    assert code == 0
    assert "## You\n\nhello" in out
    assert "\x1b" not in out


def test_export_to_a_file(
    store: SessionStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begin(store, "hello", 60.0)
    assert run(capsys, "export", "last", "--format", "json", "--output", "x.json")[:2] == (
        0,
        "Written to x.json\n",
    )
    assert msgspec.json.decode((tmp_path / "x.json").read_bytes())["id"] == "a" * 12
    assert stat.S_IMODE((tmp_path / "x.json").stat().st_mode) == 0o600


def test_export_to_stdout(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "hello", 60.0)
    assert run(capsys, "export", "a")[1].startswith("# hello\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "ffff"), "Error: There is no session ffff. `genesis sessions list` shows all.\n"),
        (("export", "a", "--format", "x"), 'Error: Invalid --format. Use "markdown" or "json".\n'),
        (("delete", "a"), "Error: Nobody can be asked here. Add --yes to delete the session.\n"),
    ],
)
def test_mistakes(
    store: SessionStore, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], sentence: str
) -> None:
    begin(store, "hello", 60.0)
    assert run(capsys, *words) == (1, "", sentence)


def test_delete(store: SessionStore, capsys: pytest.CaptureFixture[str]) -> None:
    begin(store, "hello", 60.0)
    assert run(capsys, "delete", "a", "--yes")[:2] == (0, f"Deleted session {'a' * 12}\n")
    assert store.list() == []


class Elsewhere:
    """Another machine's sessions, behind its daemon, and the settings here that lead there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.world = World(folder, FakeProvider(answer("hello")))
        self.conversation = LocalConversation(self.world.store, self.world.agent, Facts())

    async def asked(self, home: Path, *words: str) -> int:
        """`genesis sessions` here; the exit code."""
        async with running(self.conversation) as access:
            remote = {"url": access.url, "token": TOKEN.reveal()}
            config = {"gateway": {"mode": "remote", "remote": remote}}
            (home / ".genesis").mkdir(exist_ok=True)
            (home / ".genesis" / "genesis.json").write_bytes(msgspec.json.encode(config))
            return await asyncio.to_thread(main, ["sessions", *words])


async def test_in_mode_remote_the_sessions_are_those_of_that_daemon(
    store: SessionStore, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    begin(store, "said here", 60.0)
    there = Elsewhere(tmp_path / "there")
    await there.world.turn("said there")
    ident = there.world.session.id
    assert await there.asked(tmp_path, "list") == 0
    told = capsys.readouterr().out
    assert ("said there" in told, "said here" in told) == (True, False)
    assert await there.asked(tmp_path, "list", "--local") == 0
    assert "said here" in capsys.readouterr().out
    assert await there.asked(tmp_path, "show", ident[:11]) == 0
    assert "hello" in capsys.readouterr().out
    assert await there.asked(tmp_path, "export", "last", "--format", "json") == 0
    assert msgspec.json.decode(capsys.readouterr().out)["id"] == ident
    assert await there.asked(tmp_path, "delete", ident, "--yes") == 0
    assert capsys.readouterr().out == f"Deleted session {ident}\n"
    assert (there.world.store.list(), len(store.list())) == ([], 1)
    assert await there.asked(tmp_path, "show", ident) == 1
    assert f"There is no session {ident}" in capsys.readouterr().err
