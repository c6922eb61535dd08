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
from genesis.core.message import TextBlock, UserMessage
from genesis.core.text import one_line
from genesis.screen.commands import is_command, run_command
from genesis.screen.desk import Desk
from genesis.screen.pipe import Pipe


class PlainChat:
    """Answers texts one by one. `@file` attaches nothing here: a pipe's text may be anybody's."""

    def __init__(self, desk: Desk, out: TextIO, err: TextIO, now: Callable[[], float]) -> None:
        self._desk = desk
        self._pipe = Pipe(out, err)
        self._now = now
        self._failed = False

    async def answer(self, text: str) -> int:
        """Answer one text; the exit code."""
        if not text.strip():
            self._pipe.tell("Error: nothing to answer: the input is empty.")
            return 1
        try:
            if is_command(text):
                self._pipe.write(await run_command(self._desk, text))
                self._pipe.end_line()
                return 0
            return await self._turn(text)
        except GenesisError as error:
            self._pipe.tell(f"Error: {error.message}")
            return error.exit_code

    async def _turn(self, text: str) -> int:
        self._failed = False
        message = UserMessage((TextBlock(text.strip("\n")),), at=self._now())
        async for event in self._desk.conversation.send(
            self._desk.session, message, model=None, thinking=None
        ):
            await self._show(event)
        self._pipe.end_line()
        return 1 if self._failed else 0

    async def _show(self, event: AgentEvent) -> None:
        match event:
            case TextDelta(text=text):
                self._pipe.write_delta(text)
            case MessageEnded(message=message):
                self._pipe.end_message(message)
            case ToolStarted(summary=summary) | Notice(text=summary):
                self._pipe.tell(one_line(summary, 1000))
            case ToolEnded(result=result) if result.is_error:
                self._pipe.tell(f"{result.tool_name} failed")
            case ApprovalAsked():
                await self._refuse(event)
            case TurnEnded(error=str(error)):
                self._failed = True
                self._pipe.tell(error)
            case _:
                pass

    async def _refuse(self, asked: ApprovalAsked) -> None:
        self._pipe.tell(
            f"Refused, because nobody can be asked without a terminal: {one_line(asked.summary)}. "
            "Allow it in the settings (tools.allow), or run `genesis chat` in a terminal."
        )
        await self._desk.conversation.decide(asked.id, "deny")
