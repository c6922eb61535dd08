"""Conversation: what a screen or a script may ask of sessions, whether they live in this process or in the daemon."""

from collections.abc import AsyncIterator
from typing import Protocol

import msgspec

from genesis.core.events import AgentEvent
from genesis.core.message import Message, UserMessage
from genesis.session.approval import Decision


class SessionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """One line of a list of sessions. `updated_at` is seconds since the epoch, `messages` their number."""

    id: str
    title: str = ""
    model: str | None = None
    updated_at: float = 0.0
    messages: int = 0


class SessionView(msgspec.Struct, frozen=True, rename="camel"):
    """A session that is open. `model` (`provider/model`) and `thinking` are what its next answer uses, `created_at` is
    seconds since the epoch."""

    id: str
    messages: tuple[Message, ...] = ()
    model: str | None = None
    thinking: str | None = None
    created_at: float | None = None


class Conversation(Protocol):
    """Every method raises GenesisError with a sentence for people; texts are ready to show, without a last newline."""

    async def sessions(self) -> list[SessionInfo]:
        """All saved sessions, the newest first."""
        ...

    async def open(self, session_id: str | None, workspace: str = "") -> SessionView:
        """A session by its id, a beginning of it that no other has, or "last"; None begins a new one.

        A new session works in the `workspace`, a folder; "" is the usual one of whoever runs the sessions.
        """
        ...

    def send(
        self,
        session_id: str,
        message: UserMessage,
        *,
        model: str | None = None,
        thinking: str | None = None,
    ) -> AsyncIterator[AgentEvent]:
        """One turn. Ends with a TurnEnded, also after an error; closing the iterator stops the turn."""
        ...

    async def decide(self, approval_id: str, decision: Decision) -> None:
        """Answer an ApprovalAsked by its id. An id that waits no more is ignored."""
        ...

    async def cancel(self, session_id: str) -> None:
        """Stop the session's running turn, which then ends as "aborted"; nothing happens if none runs."""
        ...

    async def compact(self, session_id: str) -> str:
        """Shorten what the model has to read. Gives a sentence about it."""
        ...

    async def delete(self, session_id: str) -> str:
        """Delete a session for good, by its id or a beginning of it; gives its whole id."""
        ...

    async def models_text(self, arguments: list[str]) -> str:
        """The `/models` listing (genesis.md 12)."""
        ...

    async def set_model(self, session_id: str, ref: str) -> str:
        """Choose the session's model by reference or alias. Gives a sentence about it."""
        ...

    async def set_thinking(self, session_id: str, level: str) -> str:
        """Choose how much the session's model thinks. Gives a sentence about it."""
        ...

    async def status(self, session_id: str) -> str:
        """Lines about the session, its model, its provider and its key's source."""
        ...

    async def usage(self, session_id: str) -> str:
        """Lines about the tokens and the cost of the session."""
        ...
