"""The lines at the bottom of the terminal that change, and the lines above them that never do again.

Finished lines go into the scrollback once. The live ones are written over in place: only from the first line that
differs, each cleared to its end, so that nothing flickers. When the window gets narrower, most terminals wrap what is
there anew: the rows that the live lines take then are counted before they are replaced.
"""

from collections.abc import Sequence

from rich.text import Text

from genesis.screen.terminal import Terminal

# Terminals that know it show a frame when it is whole; others ignore it.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_TO_LINE_END, _TO_SCREEN_END = "\x1b[K", "\x1b[J"


class LiveRegion:
    """Owns the bottom of the terminal between `open` and `close`. Live lines are narrower than the terminal."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._shown: list[str] = []
        self._cells: list[int] = []
        self._columns = 0

    @property
    def width(self) -> int:
        """What a line may take: one cell less than the terminal, so that none wraps by itself."""
        return self._terminal.size[0] - 1

    @property
    def rows(self) -> int:
        """How many live lines are good to read: half the terminal, so that what is above stays in sight."""
        return max(3, min(self._terminal.size[1] // 2, 24))

    def open(self) -> None:
        """Begin at the cursor, which is hidden meanwhile."""
        self._columns = self._terminal.size[0]
        self._terminal.write(_HIDE)

    def update(self, finished: Sequence[Text], live: Sequence[Text]) -> None:
        """Put `finished` above for good and show `live` below them."""
        columns = self._terminal.size[0]
        most = self._terminal.size[1] - 1
        lines = [self._fitted(line, columns) for line in live[-most:]]
        shown = [self._terminal.ansi(line) for line in lines]
        is_resized = columns != self._columns
        if not finished and not is_resized and shown == self._shown:
            return
        same = 0
        if not finished and not is_resized:
            same = _common(self._shown, shown)
        out = [_BEGIN, self._back_to(same, columns)]
        out += [self._terminal.ansi(line) + _TO_LINE_END + "\n" for line in finished]
        out.append(f"{_TO_LINE_END}\n".join(shown[same:]))
        out += [_TO_LINE_END if shown[same:] else "", _TO_SCREEN_END, _END]
        self._terminal.write("".join(out))
        self._shown, self._cells, self._columns = shown, [line.cell_len for line in lines], columns

    def close(self, finished: Sequence[Text] = ()) -> None:
        """Take the live lines away, put `finished` above and leave the cursor at the beginning of a line."""
        self.update(finished, [])
        self._terminal.write(_SHOW)

    def _fitted(self, line: Text, columns: int) -> Text:
        line = line.copy()
        line.truncate(columns - 1, overflow="ellipsis")
        line.rstrip()
        return line

    def _back_to(self, line: int, columns: int) -> str:
        """Move from the end of the last live line to the beginning of that one."""
        if not self._shown:
            return "\r"
        rows = self._rows(columns)
        up = sum(rows[line:]) - 1
        return "\r" + (f"\x1b[{up}A" if up else "")

    def _rows(self, columns: int) -> list[int]:
        if columns >= self._columns or not self._terminal.reflows:
            return [1] * len(self._shown)
        return [max(1, -(-cells // columns)) for cells in self._cells]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the front are the same. The last of either is never counted: the cursor must end on it."""
    limit = min(len(old), len(new)) - 1
    return next((i for i in range(max(limit, 0)) if old[i] != new[i]), max(limit, 0))
