"""Has the configuration file changed? Told by one stat, cheap enough to ask every second."""

from pathlib import Path

_Mark = tuple[int, int, int]


class Watch:
    """Remembers how a file looked. A file that is not there is a look of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = self._look()

    def changed(self) -> bool:
        """Whether the file looks different than at the last call (or at the start)."""
        mark = self._look()
        if mark == self._mark:
            return False
        self._mark = mark
        return True

    def _look(self) -> _Mark | None:
        """Time of change, size and inode: an editor that renames into place changes the last."""
        try:
            state = self._path.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino
