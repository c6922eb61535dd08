"""Keys while no prompt asks: what means something now is acted on, the rest waits for the next prompt, in order.

A terminal that is in its usual mode between two prompts makes a newline of the Enter that is typed then, and echoes it. So it
stays in raw mode from the chat's beginning to its end, and what is typed meanwhile is kept as keys, not as text: the next
prompt is given them as if they were typed there, and Enter sends.
"""

import contextlib
import os
import signal
import termios
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prompt_toolkit.input import Input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys
from typing_extensions import override

# Called with a key's name ("text" for what can be typed, "enter", else `c-c`, `c-o`…) and its text; True: it was for now.
KeyHandler = Callable[[str, str], bool]

_ENTER, _BREAK = KeyPress(Keys.ControlM, "\r"), KeyPress(Keys.ControlJ, "\n")
_TAKES_BACK = {Keys.ControlH, Keys.Backspace}
# What a terminal says without being asked by a person; and Ctrl-Z, which is meant for now or not at all.
_NOT_TYPED = {
    Keys.CPRResponse,
    Keys.Ignore,
    Keys.Vt100MouseEvent,
    Keys.ScrollUp,
    Keys.ScrollDown,
    Keys.ControlZ,
}


class ChatInput(Vt100Input):
    """The terminal's keys, in raw mode for as long as the chat lasts."""

    _usual_mode: list[Any] | None = None

    @contextlib.contextmanager
    def opened(self) -> Iterator[None]:
        """Raw mode. What was typed before it is kept; the terminal had made newlines of its Enters."""
        self._usual_mode = termios.tcgetattr(self.fileno())
        with self.raw_mode():
            early: list[KeyPress] = []
            while more := self.read_keys():
                early += more
            store_typeahead(self, [_ENTER if key.key == Keys.ControlJ else key for key in early])
            yield

    def suspend(self) -> None:
        """Stop, and give the terminal back, until the shell lets us go on."""
        if self._usual_mode is None:
            return
        ours = termios.tcgetattr(self.fileno())
        termios.tcsetattr(self.fileno(), termios.TCSADRAIN, self._usual_mode)
        os.kill(0, signal.SIGTSTP)  # what runs with us in this terminal stops as well
        termios.tcsetattr(self.fileno(), termios.TCSADRAIN, ours)

    @override
    def cooked_mode(self) -> contextlib.AbstractContextManager[None]:
        """What prompt_toolkit asks for while something prints above a prompt: not needed for that, and it loses Enters."""
        return contextlib.nullcontext()


class WaitingKeys:
    """Listens while no prompt does. `hold_enter` makes line breaks of the Enters that wait: nothing is sent by itself."""

    def __init__(
        self, source: Input, on_key: KeyHandler, on_change: Callable[[], object] = lambda: None
    ) -> None:
        self._source = source
        self._on_key = on_key
        self._on_change = on_change
        self._held: list[KeyPress] = []

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Until the block ends; then what waits is the next prompt's."""
        self._take(get_typeahead(self._source))
        try:
            with self._source.raw_mode(), self._source.attach(self._on_input):
                yield
        finally:
            self.flush()
            store_typeahead(self._source, self._held)
            self._held = []

    def flush(self) -> None:
        """An escape key that nothing followed must not swallow the next key."""
        self._take(self._source.flush_keys())

    def hold_enter(self) -> None:
        """What was to be sent waits in the prompt instead."""
        self._held = _unsent(self._held)

    @property
    def typed(self) -> str:
        """What waits, as text; a line that Enter will send ends with a newline."""
        return "".join(_text(press) for press in self._held)

    def _on_input(self) -> None:
        self._take(self._source.read_keys())
        self._on_change()

    def _take(self, presses: Iterable[KeyPress]) -> None:
        for press in _joined(presses):
            if self._on_key(_name(press), _text(press)):
                continue
            if press.key not in _TAKES_BACK:
                self._held.append(press)
            elif self._held:
                self._held.pop()


def hold_typeahead(source: Input) -> None:
    """Let nothing of what was typed ahead be sent by itself."""
    store_typeahead(source, _unsent(get_typeahead(source)))


def _unsent(presses: list[KeyPress]) -> list[KeyPress]:
    held = [_BREAK if press.key == Keys.ControlM else press for press in presses]
    while held and held[-1].key == Keys.ControlJ:
        held.pop()
    return held


def _joined(presses: Iterable[KeyPress]) -> Iterator[KeyPress]:
    """Typed keys. Alt-Enter is one key here; an escape alone means nothing to a prompt that is not there yet."""
    is_escaped = False
    for press in presses:
        if press.key in _NOT_TYPED:
            continue
        is_break = is_escaped and press.key == Keys.ControlM
        is_escaped = press.key == Keys.Escape
        if not is_escaped:
            yield _BREAK if is_break else press


def _name(press: KeyPress) -> str:
    if press.key in {Keys.ControlM, Keys.ControlJ}:
        return "enter"
    if press.key == Keys.BracketedPaste or not isinstance(press.key, Keys):
        return "text"
    return str(press.key.value)


def _text(press: KeyPress) -> str:
    if press.key == Keys.BracketedPaste:
        return press.data.replace("\r\n", "\n").replace("\r", "\n")
    if press.key in {Keys.ControlM, Keys.ControlJ}:
        return "\n"
    return "" if isinstance(press.key, Keys) or not press.key.isprintable() else press.key
