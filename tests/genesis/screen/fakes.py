"""A conversation that plays a script, and a clock that only tests move."""

import asyncio
import dataclasses

from genesis.core.events import (
    ApprovalAsked,
    MessageEnded,
    TextDelta,
    ThinkingDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, TextBlock, ToolResultMessage
from genesis.core.usage import Usage
from genesis.session.conversation import SessionInfo, SessionView

USAGE = Usage(input=200, output=50, cache_read=800, cost_usd=0.0042)


@dataclasses.dataclass
class FakeClock:
    now: float = 100.0

    def __call__(self):
        return self.now


def answer(text, *, routed=None, why=None):
    """The events of one whole answer."""
    message = AssistantMessage(
        (TextBlock(text),), "kilocode", "kilo/auto", usage=USAGE, routed_model=routed
    )
    return [
        TurnStarted("kilocode", "kilo/auto"),
        *[TextDelta(text[i : i + 5]) for i in range(0, len(text), 5)],
        MessageEnded(message, why=why),
        TurnEnded("stop", USAGE),
    ]


def thought(text):
    return [ThinkingDelta(text[i : i + 5]) for i in range(0, len(text), 5)]


def tool_ended(call, text="", *, name="exec", is_error=False):
    return ToolEnded(ToolResultMessage(call, name, (TextBlock(text),), is_error=is_error))


def tool(call, summary, text="", *, is_error=False):
    return [ToolStarted(call, "exec", summary), tool_ended(call, text, is_error=is_error)]


def ask(call, detail, *, name="exec"):
    return ApprovalAsked(call, name, f"{name}: {detail[:20]}", detail)


class FakeConversation:
    """`turns` are lists of events; an ApprovalAsked waits for a decision, None for a cancel, a number is a pause."""

    def __init__(self, *turns):
        self.turns = list(turns)
        self.sent = []
        self.told = []
        self.decided = []
        self.infos = [
            SessionInfo("abc123", "First talk", "m", 1.0, 2),
            SessionInfo("abd456", "Second", "m", 2.0, 1),
        ]
        self.messages = []
        self.model, self.thinking = "kilocode/kilo/auto", "medium"
        self._decision = asyncio.Event()
        self._cancelled = asyncio.Event()

    async def sessions(self):
        return self.infos

    async def open(self, session_id, workspace=""):
        return SessionView(
            session_id or "new999",
            tuple(self.messages) if session_id else (),
            self.model,
            self.thinking,
        )

    async def send(self, session_id, message, *, model=None, thinking=None):
        self.sent.append(message)
        for event in self.turns.pop(0):
            if event is None:
                await self._cancelled.wait()
                yield TurnEnded("aborted")
                return
            if isinstance(event, GenesisError):
                raise event
            if isinstance(event, int | float):
                await asyncio.sleep(event)
                continue
            self._decision.clear()
            yield event
            if isinstance(event, ApprovalAsked):
                await self._decision.wait()
            await asyncio.sleep(0)

    async def decide(self, approval_id, decision):
        self.decided.append((approval_id, decision))
        self._decision.set()

    async def cancel(self, session_id):
        self.told.append(("cancel", session_id))
        self._cancelled.set()

    async def compact(self, session_id):
        return "Compacted: 12 messages became 3."

    async def models_text(self, arguments):
        if arguments:
            return (
                f"Models ({arguments[0]}) — showing 1-2 of 2 (page 1/1)\n- kilocode/kilo/auto\n"
                "- kilocode/x-ai/grok-4\n\nSwitch: /model <provider/model>"
            )
        return (
            "Providers:\n- kilocode (2)\n\nUse: /models <provider>\nSwitch: /model <provider/model>"
        )

    async def set_model(self, session_id, ref):
        if ref == "a/b":
            raise GenesisError(
                'Model "a/b" is not allowed. Use /models to list providers, or /models <provider> to list models.'
            )
        self.model = ref
        return f"Model: {ref}"

    async def set_thinking(self, session_id, level):
        self.thinking = level
        return f"Thinking: {level}"

    async def status(self, session_id):
        return f"Session: {session_id}\nModel: {self.model}"

    async def usage(self, session_id):
        return "Tokens: 1050"
