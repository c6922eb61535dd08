"""The conversation where there is no terminal: plain text in, plain text out, what is beside the answer on stderr."""

from collections.abc import Callable
from typing import TextIO

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
)
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage, text_of
from genesis.screen.commands import is_command, run_command
from genesis.screen.desk import Desk
from genesis.screen.sanitise import one_line, visible


class PlainChat:
    """Answers texts one by one. `@file` attaches nothing here: a pipe's text may be anybody's."""

    def __init__(self, desk: Desk, out: TextIO, err: TextIO, now: Callable[[], float]) -> None:
        self._desk = desk
        self._out = out
        self._err = err
        self._now = now
        self._has_text = False
        self._ends_line = True
        self._failed = False

    async def answer(self, text: str) -> int:
        """Answer one text; the exit code."""
        if not text.strip():
            self._tell("Error: nothing to answer: the input is empty.")
            return 1
        try:
            if is_command(text):
                self._write(await run_command(self._desk, text))
                self._end_line()
                return 0
            return await self._turn(text)
        except GenesisError as error:
            self._end_line()
            self._tell(f"Error: {error.message}")
            return error.exit_code

    async def _turn(self, text: str) -> int:
        self._failed = self._has_text = False
        message = UserMessage((TextBlock(text.strip("\n")),), at=self._now())
        async for event in self._desk.conversation.send(
            self._desk.session, message, model=None, thinking=None
        ):
            await self._show(event)
        self._end_line()
        return 1 if self._failed else 0

    async def _show(self, event: AgentEvent) -> None:
        match event:
            case TextDelta(text=text):
                self._has_text = True
                self._write(text)
            case MessageEnded(message=message):
                if not self._has_text:
                    self._write(text_of(message))
                self._end_line()
                self._has_text = False
            case ToolStarted(summary=summary) | Notice(text=summary):
                self._end_line()
                self._tell(one_line(summary, 1000))
            case ToolEnded(result=result) if result.is_error:
                self._tell(f"{result.tool_name} failed")
            case ApprovalAsked():
                await self._refuse(event)
            case TurnEnded(error=str(error)):
                self._failed = True
                self._end_line()
                self._tell(error)
            case _:
                pass

    async def _refuse(self, asked: ApprovalAsked) -> None:
        self._end_line()
        self._tell(
            f"Refused, because nobody can be asked without a terminal: {one_line(asked.summary)}. "
            "Allow it in the settings (tools.allow), or run `genesis chat` in a terminal."
        )
        await self._desk.conversation.decide(asked.id, "deny")

    def _write(self, text: str) -> None:
        if text:
            self._out.write(visible(text))
            self._out.flush()
            self._ends_line = text.endswith("\n")

    def _end_line(self) -> None:
        if not self._ends_line:
            self._write("\n")

    def _tell(self, text: str) -> None:
        self._err.write(visible(text) + "\n")
        self._err.flush()
