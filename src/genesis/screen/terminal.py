"""Where lines go: an output stream with a size, and the colours that it can show."""

import contextlib
import os
from collections.abc import Iterable, Mapping
from typing import Literal, TextIO

from rich.color import ColorSystem
from rich.console import Console
from rich.text import Text

from genesis.screen.theme import Background, background_of, styles_for

MIN_COLUMNS = 20
# Terminals that cut lines when they get narrower, where others wrap them anew.
_NEVER_REFLOW = {"linux", "vt100", "vt220", "cons25"}

ColorMode = Literal["auto", "always", "never"]
_NO_COLOR = {"auto": None, "always": False, "never": True}
_SYSTEMS = {
    "standard": ColorSystem.STANDARD,
    "256": ColorSystem.EIGHT_BIT,
    "truecolor": ColorSystem.TRUECOLOR,
}


class Terminal:
    """A terminal's output side. `environ` decides on colours (NO_COLOR, TERM, COLORTERM) unless `color` does; `size` may be fixed."""

    def __init__(
        self,
        stream: TextIO,
        environ: Mapping[str, str],
        *,
        size: tuple[int, int] | None = None,
        color: ColorMode = "auto",
    ) -> None:
        self._stream = stream
        self._fixed = size
        self.reflows = not (
            environ.get("XTERM_VERSION")
            or environ.get("STY")
            or environ.get("TERM") in _NEVER_REFLOW
        )
        self.background: Background = background_of(environ)
        self.console = Console(
            file=stream,
            force_terminal=True,
            theme=styles_for(self.background),
            highlight=False,
            emoji=False,
            markup=False,
            legacy_windows=False,
            no_color=_NO_COLOR[color],
            _environ=dict(environ),
        )
        self._colours = _SYSTEMS.get(self.console.color_system or "")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows, as they are now."""
        if self._fixed is not None:
            return self._fixed
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except (OSError, ValueError):
            columns, rows = 80, 24
        return max(columns or 80, MIN_COLUMNS), max(rows or 24, 6)

    def resize(self, columns: int, rows: int) -> None:
        """Fix the size (tests, recordings)."""
        self._fixed = (columns, rows)

    def ansi(self, line: Text) -> str:
        """One line with its colours as the terminal wants them, without a newline."""
        colours = None if self.console.no_color else self._colours
        # A text without spans is rendered by rich as if it had no style of its own either.
        plain = self.console.get_style(line.style) if line.style else None
        parts: list[str] = []
        for segment in line.render(self.console):
            style = segment.style or plain
            text = segment.text
            parts.append(text if style is None else style.render(text, color_system=colours))
        return "".join(parts)

    def write(self, text: str) -> None:
        """Write and flush: half a frame must not stay in a buffer. A terminal that is gone is told of by SIGHUP, not here."""
        with contextlib.suppress(OSError):
            self._stream.write(text)
            self._stream.flush()

    def print_lines(self, lines: Iterable[Text]) -> None:
        """Lines into the scrollback, where no live region is up."""
        self.write("".join(self.ansi(line) + "\n" for line in lines))
