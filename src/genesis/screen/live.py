"""The lines at the bottom of the terminal that change, and the lines above them that never do again.

Finished lines go into the scrollback once. The live ones are written over in place: only from the first line that
differs, each line cleared when it is written, all in one piece, so that nothing flickers.

Resizing. When the window gets narrower, most terminals wrap what is there anew: the rows that the live lines take then are
counted before they are replaced. Of several resizes in a row a multiplexer tells the later ones only a moment after it
wrapped; what is drawn in between must not wrap (autowrap is off), and starts as many rows too low as it will be counted too
high afterwards, which cancels out, unless finished lines come in between. So these are held back while sizes change. If they
cannot be, a stale row may stay: nothing above is ever taken for ours.
"""

from collections.abc import Callable, Sequence

from rich.text import Text

from genesis.screen.terminal import Terminal

# Terminals that know it show a frame when it is whole; others ignore it.
_BEGIN, _END = "\x1b[?2026h", "\x1b[?2026l"
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_CUT, _WRAP = "\x1b[?7l", "\x1b[?7h"
# The whole line, before it is written: what is cleared behind it only, tmux counts as wide when it wraps anew.
_CLEAR_LINE = "\x1b[2K"
_TO_SCREEN_END = "\x1b[J"

# So long after the terminal wrapped anew its size may still be told as it was.
_SIZE_LAG_S = 0.4


class LiveRegion:
    """Owns the bottom of the terminal between `open` and `close`. Live lines are narrower than the terminal."""

    def __init__(self, terminal: Terminal, clock: Callable[[], float]) -> None:
        self._terminal = terminal
        self._clock = clock
        self._finished_at = self._resized_at = -_SIZE_LAG_S
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

    @property
    def is_settling(self) -> bool:
        """True while the size changes: finished lines had better wait."""
        if self._terminal.size[0] != self._columns:
            return True
        return self._clock() - self._resized_at < _SIZE_LAG_S

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
        out += [_CLEAR_LINE + self._terminal.ansi(line) + "\n" for line in finished]
        out += [_CUT, "\n".join(_CLEAR_LINE + line for line in shown[same:])]
        out += [_TO_SCREEN_END, _WRAP, _END]
        self._terminal.write("".join(out))
        if finished:
            self._finished_at = self._clock()
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
        if columns == self._columns:
            return [1] * len(self._shown)
        now = self._clock()
        is_late = now - self._resized_at < _SIZE_LAG_S and self._finished_at > self._resized_at
        self._resized_at = now
        if columns > self._columns or not self._terminal.reflows or is_late:
            return [1] * len(self._shown)
        return [max(1, -(-cells // columns)) for cells in self._cells]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many lines at the front are the same. The last of either is never counted: the cursor must end on it."""
    limit = min(len(old), len(new)) - 1
    return next((i for i in range(max(limit, 0)) if old[i] != new[i]), max(limit, 0))
