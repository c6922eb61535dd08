"""What was typed at the prompt, kept between runs in a file that only its owner can read."""

import os
from pathlib import Path

from prompt_toolkit.history import FileHistory
from typing_extensions import override

_MAX_BYTES = 1_000_000


class PrivateHistory(FileHistory):
    """A history file of mode 0600. What begins with a space is not kept; an oversized file loses its older half."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        self._make_private()
        self._shorten()
        super().__init__(str(path))

    @override
    def store_string(self, string: str) -> None:
        if string.startswith(" "):
            return
        self._make_private()
        super().store_string(string)

    def _make_private(self) -> None:
        os.close(os.open(self._path, os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600))
        self._path.chmod(0o600)

    def _shorten(self) -> None:
        data = self._path.read_bytes()
        if len(data) <= _MAX_BYTES:
            return
        kept = data[-_MAX_BYTES // 2 :]
        # An entry begins with a comment line after an empty one: never begin in the middle of one.
        self._path.write_bytes(kept[kept.find(b"\n\n# ") + 1 :])
