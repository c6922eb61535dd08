"""SessionStore: all sessions of one folder, a file for each."""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec

from genesis.core.fault import GenesisError
from genesis.core.text import one_line
from genesis.session.conversation import SessionInfo
from genesis.session.export import Exported, Form, as_title, title_of
from genesis.session.transcript import Head, Session

_NAME = re.compile(r"[0-9a-f]{12}")
_PREFIX = re.compile(r"[0-9a-f]{1,12}")


class _Block(msgspec.Struct, frozen=True):
    type: str = ""
    text: str = ""


class _Said(msgspec.Struct, frozen=True):
    role: str = ""
    content: list[_Block] = []
    provider: str = ""
    model: str = ""


class _Line(msgspec.Struct, frozen=True):
    """What a list needs of a line; the rest is skipped over, which is quick."""

    type: str = ""
    model: str | None = None
    message: _Said = _Said()


class SessionStore:
    """`clock` gives seconds since the epoch, `make_id` twelve hexadecimal digits."""

    def __init__(
        self, folder: Path, *, clock: Callable[[], float], make_id: Callable[[], str]
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._make_id = make_id

    def create(self, workspace: str = "") -> Session:
        """A new session; its file appears with its first message."""
        head = Head(self._make_id(), self._clock(), workspace)
        return Session(self._path(head.id), head)

    def open(self, session_id: str) -> Session:
        """The session by its id, a beginning of it that no other has, or "last"."""
        session = Session.opened(self._path(self.find(session_id)))
        if session is None:
            raise _unknown(session_id)
        return session

    def find(self, session_id: str) -> str:
        """The whole id that a text means."""
        text = session_id.strip().lower()
        if text == "last":
            newest = max(self._files(), key=_changed_at, default=None)
            if newest is None:
                raise GenesisError("There is no saved session yet. `genesis chat` begins one.")
            return newest.stem
        if not _PREFIX.fullmatch(text):
            raise _unknown(session_id)
        found = [file.stem for file in self._files() if file.stem.startswith(text)]
        if not found:
            raise _unknown(session_id)
        if len(found) > 1:
            raise GenesisError(
                f"{len(found)} sessions begin with {text}: {', '.join(sorted(found)[:5])}. Give more of the id."
            )
        return found[0]

    def list(self) -> list[SessionInfo]:
        """All of them, the newest first."""
        infos = [info for file in self._files() if (info := _info(file)) is not None]
        return sorted(infos, key=lambda info: info.updated_at, reverse=True)

    def delete(self, session_id: str) -> str:
        """Delete a session for good; gives its whole id."""
        found = self.find(session_id)
        self._path(found).unlink(missing_ok=True)
        self._path(found).with_suffix(".lock").unlink(missing_ok=True)
        return found

    def export(self, session_id: str, form: Form) -> str:
        """A session as a text."""
        session = self.open(session_id)
        title = title_of(session.messages)
        began, model = session.head.created_at, session.chosen.model
        return Exported(session.id, title, began, model, session.messages).written(form)

    def _path(self, session_id: str) -> Path:
        return self._folder / f"{session_id}.jsonl"

    def _files(self) -> tuple[Path, ...]:
        if not self._folder.is_dir():
            return ()
        files = self._folder.glob("*.jsonl")
        return tuple(file for file in files if _NAME.fullmatch(file.stem))


def _unknown(session_id: str) -> GenesisError:
    shown = one_line(session_id, 40) or "(empty)"
    return GenesisError(f"There is no session {shown}. `genesis sessions list` shows all.")


def _changed_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:  # deleted a moment ago
        return 0.0


def _info(file: Path) -> SessionInfo | None:
    title, model, answered_by, count = "", None, None, 0
    decoder = msgspec.json.Decoder(_Line)
    try:
        lines = file.read_bytes().splitlines()
    except FileNotFoundError:
        return None
    for line in lines:
        try:
            entry = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if entry.type == "choice":
            model = entry.model
        elif entry.type == "message":
            count += 1
            said = entry.message
            title = title or _title(said)
            if said.role == "assistant" and said.model:
                answered_by = f"{said.provider}/{said.model}"
    return SessionInfo(file.stem, title, model or answered_by, _changed_at(file), count)


def _title(said: _Said) -> str:
    """Made of the first thing the person said."""
    if said.role != "user":
        return ""
    text = " ".join(block.text for block in said.content if block.type == "text")
    return as_title(text)
