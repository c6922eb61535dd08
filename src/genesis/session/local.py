"""LocalConversation: the Conversation whose sessions live in this process."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Protocol

from genesis.core.events import AgentEvent, ApprovalAsked, Notice
from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, UserMessage
from genesis.core.refs import ModelRef, key, parse
from genesis.core.text import one_line
from genesis.core.usage import Usage
from genesis.providers.kilocode.levels import read_level
from genesis.session.agent import Agent
from genesis.session.approval import Decision
from genesis.session.conversation import SessionInfo, SessionView
from genesis.session.store import SessionStore
from genesis.session.transcript import Session
from genesis.session.turn import Choice

# The word that takes a choice back.
DEFAULT = "default"
# A daemon lives for weeks: what has not been used for long is read from its file again.
MOST_OPEN = 256
# A question that nobody answers is answered with no after a day.
DECIDE_S = 24 * 3600.0


class Facts(Protocol):
    """What the conversation tells of models, besides asking them."""

    def resolve(self, text: str) -> ModelRef:
        """The model that a person's words mean. Raises GenesisError if it is none, or not allowed."""
        ...

    def default(self) -> ModelRef | None:
        """The model that answers where a session chose none."""
        ...

    def level(self, ref: ModelRef | None) -> str:
        """How much the model thinks where a session chose nothing."""
        ...

    async def models_text(self, arguments: list[str]) -> str:
        """The `/models` listing."""
        ...

    def status_lines(self, ref: ModelRef | None) -> list[str]:
        """Lines about the model's provider and key."""
        ...

    def warnings(self) -> list[str]:
        """What has been found since the last time and is worth a notice."""
        ...


class LocalConversation:
    """Sessions that are open stay open, the most recently used ones: an approval or a stop finds its turn here."""

    def __init__(
        self, store: SessionStore, agent: Agent, facts: Facts, decide_s: float = DECIDE_S
    ) -> None:
        self._decide_s = decide_s
        self.store = store
        self.agent = agent
        self.facts = facts
        self._sessions: dict[str, Session] = {}
        self._waiting: dict[str, asyncio.Future[Decision]] = {}

    async def sessions(self) -> list[SessionInfo]:
        """All saved sessions, the newest first."""
        return await asyncio.to_thread(self.store.list)

    async def open(self, session_id: str | None, workspace: str = "") -> SessionView:
        """A session by its id, a beginning of it, or "last"; None begins a new one, in that workspace."""
        if session_id is None:
            place = self.agent.means.place(workspace)
            session = self.store.create(str(place.workspace.root))
            self._keep(session)
        else:
            session = self._session(session_id)
        ref = self._ref(session)
        return SessionView(
            session.id,
            tuple(session.messages),
            key(ref) if ref else None,
            session.chosen.thinking or self.facts.level(ref),
            session.head.created_at,
        )

    async def send(
        self,
        session_id: str,
        message: UserMessage,
        *,
        model: str | None = None,
        thinking: str | None = None,
    ) -> AsyncGenerator[AgentEvent, None]:
        """One turn; closing the iterator stops it."""
        session = self._session(session_id)
        ref = self.facts.resolve(model) if model else self._chosen(session)
        level = _level(thinking) if thinking else session.chosen.thinking
        for warning in self.facts.warnings():
            yield Notice(warning)
        turn = self.agent.run_turn(
            session, message, approve=self._approve, choice=Choice(ref, level)
        )
        async with aclosing(turn):
            async for event in turn:
                yield event

    async def decide(self, approval_id: str, decision: Decision) -> None:
        """Answer a question."""
        waiting = self._waiting.get(approval_id)
        if waiting is not None and not waiting.done():
            waiting.set_result(decision)

    async def cancel(self, session_id: str) -> None:
        """Stop the session's turn."""
        self.agent.stop(session_id)

    async def compact(self, session_id: str) -> str:
        """Shorten what the model reads."""
        session = self._session(session_id)
        return await self.agent.compact(session, Choice(self._chosen(session)))

    async def delete(self, session_id: str) -> str:
        """Delete a session; not one that answers."""
        found = self.store.find(session_id)
        if self.agent.is_running(found):
            raise GenesisError(
                f"Session {found} is still answering. Wait until it has ended, or stop it."
            )
        self._sessions.pop(found, None)
        self.agent.forget(found)
        return self.store.delete(found)

    async def models_text(self, arguments: list[str]) -> str:
        """The `/models` listing."""
        return await self.facts.models_text(arguments)

    async def set_model(self, session_id: str, ref: str) -> str:
        """Choose the session's model; "default" is the settings' own."""
        session = self._session(session_id)
        chosen = None if ref.strip().lower() == DEFAULT else _whole(self.facts.resolve(ref))
        session.choose(model=chosen, thinking=session.chosen.thinking)
        used = self._ref(session)
        return f"Model: {key(used) if used else 'none'}"

    async def set_thinking(self, session_id: str, level: str) -> str:
        """Choose how much the session's model thinks; "default" is the settings' own choice."""
        session = self._session(session_id)
        chosen = None if level.strip().lower() == DEFAULT else _level(level)
        session.choose(model=session.chosen.model, thinking=chosen)
        return f"Thinking: {chosen or self.facts.level(self._ref(session))}"

    async def status(self, session_id: str) -> str:
        """Lines about the session, its model, its provider and its key's source."""
        session = self._session(session_id)
        ref = self._ref(session)
        means = self.agent.means
        lines = [
            f"Session: {session.id} ({len(session.messages)} messages)",
            f"Model: {key(ref) if ref else 'none'}",
            f"Thinking: {session.chosen.thinking or self.facts.level(ref)}",
            *self.facts.status_lines(ref),
            f"Workspace: {session.head.workspace}",
            f"Tools: {means.profile}, approval {means.policy.mode}",
        ]
        return "\n".join(lines)

    async def usage(self, session_id: str) -> str:
        """Lines about the tokens and the cost of the session."""
        answers = [m for m in self._session(session_id).messages if isinstance(m, AssistantMessage)]
        total = Usage()
        for answer in answers:
            total += answer.usage
        rows = [
            ("Answers", str(len(answers))),
            ("Input", _count(total.input)),
            ("Output", _count(total.output)),
            ("Cache read", _count(total.cache_read)),
            ("Cache write", _count(total.cache_write)),
            ("Cost", "unknown" if total.cost_usd is None else f"${total.cost_usd:.4f}"),
        ]
        return "\n".join(f"{name}: {text}" for name, text in rows)

    def _session(self, session_id: str) -> Session:
        opened = self._sessions.get(session_id)
        if opened is None:
            whole = self.store.find(session_id)
            opened = self._sessions.get(whole) or self.store.open(whole)
        elif not self.agent.is_running(opened.id):
            opened.refresh()
        self._keep(opened)
        return opened

    def _keep(self, session: Session) -> None:
        """Keep it open as the last one used; the one that was not used for longest, and does not answer, is closed."""
        self._sessions.pop(session.id, None)
        idle = (name for name in self._sessions if not self.agent.is_running(name))
        if len(self._sessions) >= MOST_OPEN and (oldest := next(idle, None)) is not None:
            del self._sessions[oldest]
            self.agent.forget(oldest)
        self._sessions[session.id] = session

    def _chosen(self, session: Session) -> ModelRef | None:
        return parse(session.chosen.model) if session.chosen.model else None

    def _ref(self, session: Session) -> ModelRef | None:
        return self._chosen(session) or self.facts.default()

    async def _approve(self, asked: ApprovalAsked) -> Decision:
        waiting: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[asked.id] = waiting
        try:
            async with asyncio.timeout(self._decide_s):
                return await waiting
        except TimeoutError:
            return "deny"
        finally:
            del self._waiting[asked.id]


def _level(text: str) -> str:
    level = read_level(text)
    if level is None:
        raise GenesisError(
            f'"{one_line(text, 40)}" is no thinking level. Use off, minimal, low, medium or high.'
        )
    return level


def _whole(ref: ModelRef) -> str:
    """The reference with its provider in front in any case, so that it is read back as the same."""
    profile = f"@{ref.profile}" if ref.profile else ""
    return f"{ref.provider}/{ref.model}{profile}"


def _count(tokens: float | None) -> str:
    return "unknown" if tokens is None else f"{tokens:,.0f} tokens"
