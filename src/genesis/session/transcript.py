"""Session: one conversation and its file. A line of JSON for each thing that happened, only ever appended to.

A crash in mid-write leaves a torn last line, which is dropped when the file is opened again. Several processes may
have the same session open; one at a time may run a turn in it (`turn_lock`), after it has read what others appended.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from genesis.config.files import PRIVATE_FILE, make_private_dir
from genesis.core.fault import GenesisError
from genesis.core.message import Message, TextBlock, UserMessage

SUMMARY_HEAD = "[Summary of the conversation so far; its older messages were left out]\n\n"


class Head(msgspec.Struct, frozen=True, tag="session", rename="camel"):
    """The first line."""

    id: str
    created_at: float
    workspace: str = ""
    version: int = 1


class Said(msgspec.Struct, frozen=True, tag="message", rename="camel"):
    """A message."""

    message: Message


class Chosen(msgspec.Struct, frozen=True, tag="choice", rename="camel"):
    """From here on the session uses this model and level of thinking; None is the settings' choice."""

    model: str | None = None
    thinking: str | None = None


class Compacted(msgspec.Struct, frozen=True, tag="compaction", rename="camel"):
    """From here on the model reads the summary instead of the first `replaced` messages."""

    summary: str
    replaced: int
    at: float = 0.0


Entry = Head | Said | Chosen | Compacted


class Session:
    """What was said in one session. Its file appears with the first message."""

    def __init__(self, path: Path, head: Head) -> None:
        self.path = path
        self.head = head
        self.messages: list[Message] = []
        self.chosen = Chosen()
        self.compacted: Compacted | None = None
        self._read_to = 0

    @classmethod
    def opened(cls, path: Path) -> "Session | None":
        """The session of a file; None if there is none, or not even its first line is whole."""
        try:
            with path.open("rb") as file:
                head = _decoded(file.readline())
        except FileNotFoundError:
            return None
        if not isinstance(head, Head):
            return None
        session = cls(path, head)
        session.refresh()
        return session

    @property
    def id(self) -> str:
        """Its name."""
        return self.head.id

    def context(self) -> tuple[Message, ...]:
        """What the model reads: all messages, or the summary and those after it."""
        if self.compacted is None:
            return tuple(self.messages)
        text = SUMMARY_HEAD + self.compacted.summary
        summary = UserMessage((TextBlock(text),), at=self.compacted.at)
        return (summary, *self.messages[self.compacted.replaced :])

    def append(self, message: Message) -> None:
        """Save a message."""
        if not self.path.exists():
            self._write(self.head)
            if self.chosen != Chosen():
                self._write(self.chosen)
        self._write(Said(message))
        self.messages.append(message)

    def choose(self, *, model: str | None, thinking: str | None) -> None:
        """Save which model and level the session uses."""
        self.chosen = Chosen(model, thinking)
        if self.path.exists():
            self._write(self.chosen)

    def compact(self, entry: Compacted) -> None:
        """Save a summary of the older messages."""
        self._write(entry)
        self.compacted = entry

    def refresh(self) -> None:
        """Read what other processes have appended; a torn last line is cut off."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read_to)
                new = file.read()
        except FileNotFoundError:
            return
        whole = new[: new.rfind(b"\n") + 1]
        for line in whole.splitlines():
            self._take(_decoded(line))
        self._read_to += len(whole)

    @contextmanager
    def turn_lock(self) -> Iterator[None]:
        """Run a turn as the only one, on all that was said. Raises GenesisError if another process runs one."""
        make_private_dir(self.path.parent)
        handle = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.refresh()
            yield
        except BlockingIOError:
            raise GenesisError(
                f"Session {self.id} is answering in another process. Wait until it has ended, or use /new."
            ) from None
        finally:
            os.close(handle)

    def _take(self, entry: Entry | None) -> None:
        match entry:
            case Said(message=message):
                self.messages.append(message)
            case Chosen():
                self.chosen = entry
            case Compacted():
                self.compacted = entry
            case _:  # the head, or a line that is damaged or of a later version
                pass

    def _write(self, entry: Entry) -> None:
        make_private_dir(self.path.parent)
        # What others wrote comes first; then what is read is all but this line.
        self.refresh()
        line = msgspec.json.encode(entry) + b"\n"
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, PRIVATE_FILE)
        try:
            end = _whole_end(handle)
            os.ftruncate(handle, end)
            if os.write(handle, line) < len(
                line
            ):  # the disk is full: what came is cut off next time
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise GenesisError(
                f"The session could not be saved to {self.path}: {error.strerror}. "
                "Make room there, or see to its permissions; then say it again."
            ) from error
        finally:
            os.close(handle)
        self._read_to = end + len(line)


def _decoded(line: bytes) -> Entry | None:
    try:
        entry: Entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return entry


def _whole_end(handle: int) -> int:
    """Where the last whole line of the file ends."""
    size = end = os.fstat(handle).st_size
    while end > 0:
        start = max(0, end - 4096)
        at = os.pread(handle, end - start, start).rfind(b"\n")
        if at >= 0:
            return start + at + 1
        end = start
    return 0 if size else size
