"""The conversation in a terminal: prompt, turn, prompt; slash commands between."""

import asyncio
import contextlib
import dataclasses
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from genesis.core.fault import INTERRUPTED, GenesisError
from genesis.core.message import UserMessage
from genesis.core.text import visible
from genesis.screen.attachments import message_blocks
from genesis.screen.commands import is_command, run_command
from genesis.screen.desk import Desk
from genesis.screen.input import Prompt
from genesis.screen.keys import WaitingKeys, hold_typeahead
from genesis.screen.past import past_lines
from genesis.screen.thinking import thinking_lines
from genesis.screen.tool_lines import output_lines
from genesis.screen.turn import Question, Surface, TurnRunner

T = TypeVar("T")
# A second column with fewer cells is harder to read than none.
_SECOND_COLUMN = 16
_ROW = re.compile(r"( *\S.*?\s{2,})(\S.*)$")


class StoppedError(Exception):
    """Ctrl-C."""


@dataclasses.dataclass(frozen=True)
class Start:
    """How the chat begins: which session (None: a new one, "last": the newest), and what was chosen for it."""

    version: str
    session: str | None = None
    model: str | None = None
    thinking: str | None = None


class Chat:
    """One chat on one terminal. `now` gives seconds since the epoch, for messages."""

    def __init__(
        self,
        desk: Desk,
        surface: Surface,
        make_prompt: Callable[["Chat"], Prompt],
        now: Callable[[], float],
    ) -> None:
        self._desk = desk
        self._surface = surface
        self._now = now
        self._prompt = make_prompt(self)

    async def run(self, start: Start) -> int:
        """Talk until the person leaves; the exit code."""
        try:
            begun = self._desk.begin(start.session, start.model, start.thinking)
            await self._unless_stopped(begun)
        except StoppedError:
            return INTERRUPTED
        except GenesisError as error:
            self._say(error.message, "error")
            return error.exit_code
        self._show_head(start.version)
        self._show_history()
        typed = ""
        while not self._desk.is_over:
            text = await self._prompt.ask(typed)
            if text is None:
                break
            typed = await self._answer(text) if text.strip() else ""
        self._say_goodbye()
        return 0

    def open_last_tool(self) -> None:
        """Print the last tool's full output."""
        last = self._desk.display.last_tool
        if last is None:
            self._say("No tool has run yet.", "quiet")
        else:
            self._print(output_lines(self._surface.terminal.console, *last, self._width))

    def toggle_thinking(self) -> None:
        """Fold or unfold thinking; unfolded, the last one is printed."""
        if self._desk.display.toggle_thinking() == "folded":
            self._say("Thinking is folded to one line.", "quiet")
            return
        self._say("Thinking is shown.", "quiet")
        last = self._desk.display.last_thinking
        if last.strip():
            self._print(thinking_lines(self._surface.terminal.console, last, self._width))

    @property
    def _width(self) -> int:
        return self._surface.terminal.size[0] - 1

    async def _answer(self, text: str) -> str:
        """Answer what was typed; gives what the next prompt begins with."""
        if is_command(text):
            await self._command(text)
            return ""
        try:
            content = message_blocks(text.strip(), self._desk.folder)
        except GenesisError as error:
            self._say(error.message, "error")
            hold_typeahead(self._surface.source)
            return text
        question = Question(self._desk.session, UserMessage(content, at=self._now()))
        await TurnRunner(self._desk.conversation, self._surface).run(question)
        self._surface.terminal.write("\n")
        return ""

    async def _command(self, text: str) -> None:
        before = self._desk.session
        try:
            told = await self._unless_stopped(run_command(self._desk, text))
        except StoppedError:
            self._say("stopped", "quiet")
            return
        except GenesisError as error:
            self._say(error.message, "error")
            return
        if told:
            self._say(told, "")
        if self._desk.session != before:
            self._show_history()

    async def _unless_stopped(self, work: Awaitable[T]) -> T:
        """Wait for it; raises StoppedError on Ctrl-C. Other keys wait for the next prompt."""
        task = asyncio.ensure_future(work)

        def on_key(name: str, _text: str) -> bool:
            if name == "c-c":
                task.cancel()
            return name == "c-c"

        try:
            with WaitingKeys(self._surface.source, on_key).listening():
                await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():
            raise StoppedError
        return task.result()

    def _say(self, text: str, style: str) -> None:
        """A text of ours or of the conversation's, line by line, with a blank line after it."""
        lines = [
            Text.assemble("  ", part)
            for line in visible(text).split("\n")
            for part in in_columns(line, style, self._surface.terminal.console, self._width - 2)
        ]
        self._print([*lines, Text("")])

    def _print(self, lines: list[Text]) -> None:
        self._surface.terminal.print_lines(lines)

    def _show_head(self, version: str) -> None:
        status = self._desk.status
        model = f" · {status.model}" if status.model else ""
        parts = [f"session {self._desk.session}", status.where, _short(self._desk.workspace)]
        where = " · ".join(part for part in parts if part)
        lines = [
            Text(""),
            Text.assemble("  ", ("genesis", "brand"), (f" {version}", "quiet"), model),
            Text.assemble("  ", (where, "quiet")),
            Text(""),
        ]
        for line in lines:
            line.truncate(self._width, overflow="ellipsis")
        self._print(lines)

    def _show_history(self) -> None:
        """The last messages of a session that was opened again."""
        messages, self._desk.history = self._desk.history, ()
        surface = self._surface
        self._print(past_lines(surface.renderer, surface.display, messages, self._width))

    def _say_goodbye(self) -> None:
        if self._desk.status.usage.total:
            self._say(f"Saved: genesis chat --session {self._desk.session}", "quiet")


def in_columns(line: str, style: str, console: Console, width: int) -> list[Text]:
    """A line that fits; of a row with two columns the second one goes on below itself, if there is room for it."""
    found = _ROW.match(line)
    first, second = found.groups() if found is not None else ("", line)
    if width - cell_len(first) < _SECOND_COLUMN:
        first, second = "", line
    room = width - cell_len(first)
    parts = list(Text(second, style).wrap(console, room, overflow="fold")) or [Text("")]
    front = [first, *[" " * cell_len(first)] * (len(parts) - 1)]
    return [Text.assemble((before, style), part) for before, part in zip(front, parts, strict=True)]


def _short(folder: Path | None) -> str:
    if folder is None:
        return ""
    with contextlib.suppress(ValueError, RuntimeError):  # not under home, or there is none
        return str("~" / folder.relative_to(Path.home()))
    return str(folder)
