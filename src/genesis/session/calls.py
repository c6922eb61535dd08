"""The tool calls of one answer: judged, asked about, run (those that only read side by side), their results in order."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec

from genesis.core.events import AgentEvent, ApprovalAsked, ToolEnded, ToolStarted
from genesis.core.message import ImageBlock, TextBlock, ToolCallBlock, ToolResultMessage
from genesis.core.secret import Secret
from genesis.core.text import one_line
from genesis.session.approval import Decision, Policy, Remembered, Wish, judge
from genesis.tools.exec import Exec
from genesis.tools.tool import Prepared, Tool, ToolCall, ToolContext, ToolResult
from genesis.tools.toolbox import TOOLS
from genesis.tools.workspace import ToolError

Approve = Callable[[ApprovalAsked], Awaitable[Decision]]
Emit = Callable[[AgentEvent], None]
DENIED = (
    "The person denied this call. Do not try it again in another way; ask what they want instead."
)
# What a tool may run into: the model reads it and goes on.
_FAILURES = (ToolError, OSError, ValueError)
STOPPED = "Stopped by the person before it ended."
LATE = "Stopped before it ended, because the turn took too long."


@dataclass(frozen=True)
class Desk:
    """What calls need: where they run, what is allowed, who is asked and told. `secrets` never reach a result."""

    context: ToolContext
    policy: Policy
    remembered: Remembered
    approve: Approve
    emit: Emit
    clock: Callable[[], float]
    make_id: Callable[[], str]
    secrets: Callable[[], Sequence[Secret]]


class Calls:
    """The calls of one answer. `results` has one message for each call, also when they were stopped in the middle."""

    def __init__(self, blocks: Sequence[ToolCallBlock], desk: Desk) -> None:
        self._blocks = blocks
        self._desk = desk
        self._done: dict[int, ToolResultMessage] = {}

    def results(self, unfinished: str = STOPPED) -> list[ToolResultMessage]:
        """In the order of the calls; what did not end has that text."""
        return [
            self._done.get(place) or self._message(block, ToolResult.of(unfinished, is_error=True))
            for place, block in enumerate(self._blocks)
        ]

    async def run(self) -> None:
        """Run them all: neighbours that only read at once, the others one after the other."""
        numbered = list(enumerate(self._blocks))
        for only_reads, group in groupby(numbered, key=lambda pair: _only_reads(pair[1])):
            if only_reads:
                async with asyncio.TaskGroup() as tasks:
                    for place, block in group:
                        tasks.create_task(self._one(place, block))
            else:
                for place, block in group:
                    await self._one(place, block)

    async def _one(self, place: int, block: ToolCallBlock) -> None:
        summary, ready = await self._prepared(block)
        self._desk.emit(ToolStarted(block.id, one_line(block.name, 40), summary))
        result = ready if isinstance(ready, ToolResult) else await _ran(ready)
        message = self._message(block, result)
        self._done[place] = message
        self._desk.emit(ToolEnded(message))

    async def _prepared(self, block: ToolCallBlock) -> tuple[str, Prepared | ToolResult]:
        """The call's line for people, and the call ready to run; or the result that stands in for running it."""
        summary = one_line(block.name, 40)
        try:
            tool, call = _parsed(block)
            summary = call.summary()
            prepared = call.prepare(self._desk.context)
        except _FAILURES as error:
            return summary, ToolResult.of(str(error), is_error=True)
        return summary, await self._refusal(tool, call, prepared) or prepared

    async def _refusal(self, tool: Tool, call: ToolCall, prepared: Prepared) -> ToolResult | None:
        """The result of a call that may not run."""
        desk = self._desk
        command = call.command if isinstance(call, Exec) else ""
        wish = Wish(tool.name, tool.effect, command, prepared.target, desk.context.environ)
        verdict = judge(wish, desk.policy, desk.remembered, desk.context.workspace)
        if verdict.outcome == "run":
            return None
        if verdict.outcome == "refuse":
            return ToolResult.of(verdict.why, is_error=True)
        summary = call.summary()
        if verdict.why:
            # In front: a narrow screen cuts the end off, and the detail has the command anyway.
            name, _, rest = summary.partition(": ")
            summary = f"{name}: careful, it {verdict.why} — {rest}"
        asked = ApprovalAsked(desk.make_id(), tool.name, summary, prepared.detail)
        desk.emit(asked)
        decision = await desk.approve(asked)
        if decision == "always":
            desk.remembered.keys.add(wish.key)
        return ToolResult.of(DENIED, is_error=True) if decision == "deny" else None

    def _message(self, block: ToolCallBlock, result: ToolResult) -> ToolResultMessage:
        content = tuple(self._without_secrets(part) for part in result.content)
        name = one_line(block.name, 40)
        return ToolResultMessage(
            block.id, name, content, is_error=result.is_error, at=self._desk.clock()
        )

    def _without_secrets(self, part: TextBlock | ImageBlock) -> TextBlock | ImageBlock:
        if isinstance(part, ImageBlock):
            return part
        text = part.text
        for secret in self._desk.secrets():
            # A short one would be found in words that have nothing to do with it.
            if len(secret.reveal()) >= 8:
                text = text.replace(secret.reveal(), "***")
        return msgspec.structs.replace(part, text=text)


async def _ran(prepared: Prepared) -> ToolResult:
    try:
        return await prepared.run()
    except _FAILURES as error:
        return ToolResult.of(str(error), is_error=True)


def _only_reads(block: ToolCallBlock) -> bool:
    tool = TOOLS.get(block.name)
    return tool is None or tool.effect == "reads"


def _parsed(block: ToolCallBlock) -> tuple[Tool, ToolCall]:
    tool = TOOLS.get(block.name)
    if tool is None:
        raise ToolError(
            f"There is no tool {one_line(block.name, 40)}. The tools are: {', '.join(TOOLS)}."
        )
    return tool, tool.parse(block.arguments)
