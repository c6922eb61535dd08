"""Freshness: settings that were changed are in force from the next question on, without a restart."""

from collections.abc import Callable, Sequence
from pathlib import Path

from genesis.core.fault import GenesisError


class Freshness:
    """Call it before settings are used. Those that are not usable are told in the log; the last good ones stay in force."""

    def __init__(
        self, files: Sequence[Path], reload: Callable[[], None], log: Callable[[str], object]
    ) -> None:
        self._files = tuple(files)
        self._reload = reload
        self._log = log
        self._seen = self._stamps()

    def __call__(self) -> None:
        """Read the settings anew if a file has changed."""
        if self._stamps() != self._seen:
            self.reload()

    def reload(self) -> None:
        """Read the settings anew."""
        self._seen = self._stamps()
        try:
            self._reload()
        except GenesisError as error:
            self._log(f"The settings could not be read anew, the old ones stay: {error.message}\n")
        else:
            self._log("The settings were read anew.\n")

    def _stamps(self) -> tuple[tuple[int, int] | None, ...]:
        return tuple(map(_stamp, self._files))


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino
