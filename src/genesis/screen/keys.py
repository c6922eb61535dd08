"""Keys while a turn runs: the terminal in raw mode, its keys by name, what is typed ahead as text."""

import contextlib
from collections.abc import Callable, Iterator

from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

KeyHandler = Callable[[str, str], None]


class TurnKeys:
    """Calls `on_key(name, text)`: name is "text" for what can be typed, else `c-c`, `c-o`, `enter`, `backspace`…"""

    def __init__(self, source: Input, on_key: KeyHandler) -> None:
        self._source = source
        self._on_key = on_key

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Raw mode and no echo, until the block ends."""
        with self._source.raw_mode(), self._source.attach(self._on_input):
            yield

    def flush(self) -> None:
        """An escape key that nothing followed must not swallow the next key."""
        for press in self._source.flush_keys():
            self._tell(press)

    def _on_input(self) -> None:
        for press in self._source.read_keys():
            self._tell(press)

    def _tell(self, press: KeyPress) -> None:
        key = press.key
        if key == Keys.BracketedPaste:
            self._on_key("text", press.data.replace("\r\n", "\n").replace("\r", "\n"))
        elif key in {Keys.ControlM, Keys.ControlJ}:
            self._on_key("enter", "\n")
        elif key in {Keys.ControlH, Keys.Backspace}:
            self._on_key("backspace", "")
        elif isinstance(key, Keys):
            self._on_key(str(key.value), "")
        elif key.isprintable():
            self._on_key("text", key)
