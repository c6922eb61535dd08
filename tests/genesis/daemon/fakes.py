"""A Conversation that says little, for tests of the daemon."""

import asyncio
from collections.abc import AsyncIterator

from genesis.core.events import AgentEvent, ApprovalAsked, TextDelta, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage, text_of
from genesis.session.conversation import SessionInfo, SessionView


class FakeConversation:
    """One session `s1`; it answers with what was said, and waits where it is asked to."""

    def __init__(self) -> None:
        self.decided: list[tuple[str, str]] = []
        self.cancelled: list[str] = []
        self.deleted: list[str] = []
        self.closed = 0
        self.workspace = ""
        self.go = asyncio.Event()

    async def sessions(self) -> list[SessionInfo]:
        return [SessionInfo("s1", "A talk", "kilocode/kilo/auto", 1.0, 2)]

    async def open(self, session_id: str | None, workspace: str = "") -> SessionView:
        self.workspace = workspace or self.workspace
        if session_id not in {None, "s1"}:
            raise GenesisError(f"There is no session {session_id}.")
        return SessionView("s1", (), "kilocode/kilo/auto", "medium")

    async def send(
        self,
        session_id: str,
        message: UserMessage,
        *,
        model: str | None = None,
        thinking: str | None = None,
    ) -> AsyncIterator[AgentEvent]:
        try:
            text = text_of(message)
            if text == "fail":
                raise GenesisError("It failed, for a test.")
            yield TextDelta(f"{session_id}: {text} ({model}, {thinking})")
            if text == "wait":
                yield ApprovalAsked("a1", "exec", "exec: ls", "ls")
                await self.go.wait()
            yield TurnEnded("stop")
        finally:
            self.closed += 1

    async def decide(self, approval_id: str, decision: str) -> None:
        self.decided.append((approval_id, decision))
        self.go.set()

    async def cancel(self, session_id: str) -> None:
        self.cancelled.append(session_id)
        self.go.set()

    async def compact(self, session_id: str) -> str:
        return f"Shortened {session_id}."

    async def delete(self, session_id: str) -> str:
        self.deleted.append(session_id)
        return session_id

    async def models_text(self, arguments: list[str]) -> str:
        return f"Models: {arguments}"

    async def set_model(self, session_id: str, ref: str) -> str:
        if ref == "nonsense":
            raise GenesisError('Unrecognized model "nonsense".')
        return f"Model: {ref}"

    async def set_thinking(self, session_id: str, level: str) -> str:
        return f"Thinking: {level}"

    async def status(self, session_id: str) -> str:
        return f"Session: {session_id}"

    async def usage(self, session_id: str) -> str:
        return "Tokens: 0"
