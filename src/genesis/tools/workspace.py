"""Workspace: the folder in which the tools work. Every path is resolved, links and all, and must stay inside.

Genesis' own state (keys, sessions, settings) is out of bounds even where the workspace contains it.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from genesis.core.fault import GenesisError
from genesis.core.text import one_line

LARGEST_FILE = 50_000_000


class ToolError(GenesisError):
    """A tool could not do what was asked; the model reads the sentence."""


class Workspace:
    """`protected` are files and folders that no tool touches, `open_inside` the folder inside them that it may."""

    def __init__(
        self,
        root: Path,
        *,
        home: Path,
        protected: Iterable[Path] = (),
        open_inside: Path | None = None,
    ) -> None:
        self.root = root.resolve()
        self.home = home
        self.protected = tuple(path.resolve() for path in protected)
        self.open_inside = open_inside.resolve() if open_inside else None
        if self.is_protected(self.root):
            raise GenesisError(
                f"{one_line(str(root))} holds the keys and sessions of Genesis and cannot be a workspace. "
                "Choose another folder with --workspace."
            )

    def is_protected(self, path: Path) -> bool:
        """Whether the resolved path belongs to the state of Genesis."""
        if self.open_inside is not None and path.is_relative_to(self.open_inside):
            return False
        return any(path.is_relative_to(own) for own in self.protected)

    def resolve(self, text: str) -> Path:
        """The path that a model wrote, absolute and without links; raises if it leaves the workspace."""
        if not text.strip() or "\0" in text:
            raise ToolError("The path is empty or has a NUL character in it. Give a file's path.")
        try:
            path = (self.root / self._expanded(text)).resolve()
        except (OSError, RuntimeError) as error:  # a loop of links
            raise ToolError(f"{one_line(text)} cannot be resolved: {error}.") from error
        if self.is_protected(path):
            raise ToolError(
                f"{one_line(text)} belongs to the private state of Genesis, which tools may not read or change."
            )
        if not path.is_relative_to(self.root):
            raise ToolError(
                f"{one_line(text)} is outside of the workspace ({self.root}). Tools work inside it only."
            )
        return path

    def shown(self, path: Path) -> str:
        """The path from the workspace on, safe to show."""
        if not path.is_relative_to(self.root):
            return one_line(str(path))
        return one_line(str(path.relative_to(self.root)))

    def _expanded(self, text: str) -> Path:
        return self.home / text[2:] if text == "~" or text.startswith("~/") else Path(text)


def read_bytes(path: Path, shown: str, limit: int = LARGEST_FILE) -> bytes:
    """The content of a regular file; the path must be resolved already. Never waits, as a pipe would make it."""
    try:
        # The path was resolved: a link now means that somebody exchanged it meanwhile.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ToolError(f"{shown} does not exist.") from None
    except OSError as error:
        raise ToolError(f"{shown} cannot be read: {error.strerror}.") from error
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise ToolError(f"{shown} is not a regular file.")
        if facts.st_size > limit:
            raise ToolError(
                f"{shown} has {facts.st_size:,} bytes, more than the {limit:,} that this tool takes. "
                "Use exec with head, tail or grep."
            )
        return file.read(limit + 1)


def write_bytes(path: Path, content: bytes, shown: str) -> None:
    """Replace or make the file at once: a reader sees the old or the new one. Keeps the permissions of the old one."""
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o666 & ~_umask()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:50]}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), mode)
        Path(temporary).replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
        raise ToolError(f"{shown} cannot be written: {error.strerror}.") from error


def _umask() -> int:
    # There is no way to read it without setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
