"""The prompt: lines and many-line texts with history, completion, paste and the keys of the chat.

Enter sends; Alt-Enter, Ctrl-J or a backslash at the end of the line begins another line. A paste is kept as it is, however many
lines it has. Ctrl-C clears what is typed; on an empty prompt, twice leaves, as Ctrl-D does.
"""

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import Completer
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, to_filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.output import Output
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style
from typing_extensions import override

from genesis.screen.attachments import reference_for_paste
from genesis.screen.completion import wants_completion
from genesis.screen.theme import SIGN

_LEAVE_WITHIN_S = 2.0
_LEAVE_HINT = "ctrl-c again leaves"
_STYLE = Style.from_dict(
    {
        "sign": "ansicyan bold",
        "more": "dim",
        "placeholder": "dim",
        "bottom-toolbar": "noreverse dim",
        "bottom-toolbar.text": "noreverse dim",
        "auto-suggestion": "dim",
        "completion-menu": "bg:default fg:default noreverse",
        "completion-menu.completion": "bg:default fg:default",
        "completion-menu.completion.current": "bg:default ansicyan bold noreverse",
        "completion-menu.meta.completion": "bg:default dim",
        "completion-menu.meta.completion.current": "bg:default dim noreverse",
        "completion-menu.multi-column-meta": "bg:default dim",
        "scrollbar.background": "bg:default",
        "scrollbar.button": "bg:default",
    }
)


@dataclasses.dataclass(frozen=True)
class PromptParts:
    """What a prompt is made of. `open_tool` and `toggle_thinking` print above the prompt; `suspend` is Ctrl-Z."""

    source: Input
    output: Output
    history: History
    completer: Completer
    folder: Path
    status: Callable[[int], str]
    open_tool: Callable[[], None]
    toggle_thinking: Callable[[], None]
    clock: Callable[[], float]
    editing_mode: Literal["emacs", "vi"] = "emacs"
    suspend: Callable[[], None] = lambda: None


class ChatOutput(Vt100_Output):
    """The terminal. One that is gone is told of by SIGHUP and by the end of its keys, not where something is written."""

    @override
    def flush(self) -> None:
        with contextlib.suppress(OSError):
            super().flush()


class Prompt:
    """Asks for one message at a time."""

    def __init__(self, parts: PromptParts) -> None:
        self._parts = parts
        self._asked_to_leave_at: float | None = None
        mode = EditingMode.VI if parts.editing_mode == "vi" else EditingMode.EMACS
        self._session: PromptSession[str] = PromptSession(
            [("class:sign", SIGN)],
            multiline=True,
            editing_mode=mode,
            history=parts.history,
            auto_suggest=AutoSuggestFromHistory(),
            completer=parts.completer,
            complete_while_typing=Condition(_is_completing),
            reserve_space_for_menu=8,
            key_bindings=self._bindings(),
            bottom_toolbar=self._toolbar,
            prompt_continuation=_continuation,
            placeholder=[("class:placeholder", "Ask anything, or / for commands")],
            style=_STYLE,
            input=parts.source,
            output=parts.output,
        )
        self._session.app.ttimeoutlen = 0.1
        # Else the status line would stand at the terminal's bottom, far from a prompt that stands high.
        self._session.layout.current_window.dont_extend_height = to_filter(True)

    async def ask(self, typed: str = "") -> str | None:
        """The next message, beginning with what was typed already; None to leave."""
        self._asked_to_leave_at = None
        try:
            return await self._session.prompt_async(default=typed)
        except EOFError:
            return None

    def _toolbar(self) -> StyleAndTextTuples:
        if self._is_leaving():
            return [("class:bottom-toolbar.text", f"  {_LEAVE_HINT}")]
        columns = self._parts.output.get_size().columns
        return [("class:bottom-toolbar.text", f"  {self._parts.status(columns - 3)}")]

    def _is_leaving(self) -> bool:
        at = self._asked_to_leave_at
        return at is not None and self._parts.clock() - at < _LEAVE_WITHIN_S

    def _bindings(self) -> KeyBindings:
        bindings = KeyBindings()
        bindings.add("enter")(_send_or_break)
        bindings.add("escape", "enter")(_break_line)
        bindings.add("c-j")(_break_line)
        bindings.add("c-c")(self._interrupt)
        bindings.add("c-o")(self._printing(self._parts.open_tool))
        bindings.add("c-t")(self._printing(self._parts.toggle_thinking))
        bindings.add("c-z")(self._printing(self._parts.suspend))
        bindings.add(Keys.BracketedPaste)(self._paste)
        return bindings

    def _interrupt(self, event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.text:
            buffer.reset()
            self._asked_to_leave_at = None
        elif self._is_leaving():
            event.app.exit(exception=EOFError())
        else:
            self._asked_to_leave_at = self._parts.clock()

    def _paste(self, event: KeyPressEvent) -> None:
        text = event.data.replace("\r\n", "\n").replace("\r", "\n")
        event.current_buffer.insert_text(reference_for_paste(text, self._parts.folder) or text)

    @staticmethod
    def _printing(action: Callable[[], None]) -> Callable[[KeyPressEvent], None]:
        """The action with the prompt out of its way."""

        async def print_above() -> None:
            async with in_terminal():
                action()

        def bound(event: KeyPressEvent) -> None:
            _task = event.app.create_background_task(print_above())  # the app keeps it

        return bound


def _send_or_break(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    chosen = buffer.complete_state
    if chosen is not None and chosen.current_completion is not None:
        buffer.complete_state = None  # the first Enter takes what was chosen in the menu
    elif buffer.document.current_line_before_cursor.endswith("\\"):
        buffer.delete_before_cursor()
        buffer.insert_text("\n")
    else:
        buffer.validate_and_handle()


def _break_line(event: KeyPressEvent) -> None:
    event.current_buffer.insert_text("\n")


def _continuation(_width: int, _line: int, wrapped: int) -> StyleAndTextTuples:
    """In front of further lines; the rest of a line that did not fit has nothing in front."""
    return [("class:more", "  " if wrapped else "· ")]


def _is_completing() -> bool:
    return wants_completion(get_app().current_buffer.document.text_before_cursor)
