"""The turns that run in the daemon. A turn belongs to its session, not to the connection that asked for it.

A terminal that is lost (a closed lid, a broken ssh) ends no turn; the one who asked and those who watch are listeners
alike. Only where nobody listens any more there is nobody to decide: then what needs an approval is denied.
"""

import asyncio
import sys
import traceback
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnStarted,
)
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.failover.redact import redacted
from genesis.session.conversation import Conversation

MOST_TURNS = 16
# What waits for one listener that reads more slowly than a model writes: all of a long turn.
MOST_WAITING_BYTES = 4 * 1024 * 1024
# Deltas that wait become one, up to this size.
_JOINED_CHARS = 16 * 1024
# What an event weighs besides its text.
_EVENT_BYTES = 200
STOP_S = 2.0
DROPPED = Notice(
    "This terminal was too slow to follow. The turn goes on: open the session again to see what it missed."
)
STOPPING = "The daemon is stopping. Try again when it runs again: what was said is saved."


class RefusedError(GenesisError):
    """A turn that may not begin; `status` is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Places:
    """How many answers are made at the same time, in sessions and through the OpenAI-compatible door."""

    def __init__(self, most: int = MOST_TURNS) -> None:
        self._most = most
        self.taken = 0

    def take(self) -> None:
        """Take one. Raises RefusedError."""
        if self.taken >= self._most:
            raise RefusedError(
                429, f"{self._most} answers are being made already. Try again when one has ended."
            )
        self.taken += 1

    def give_back(self) -> None:
        """An answer has ended."""
        self.taken -= 1


class Listener:
    """One who hears a session's events. What waits for it is bounded: deltas are joined, and who is slower still is
    dropped with a word; its last word is then `last`."""

    def __init__(
        self,
        leave: Callable[["Listener"], None],
        last: AgentEvent | None = None,
        most_bytes: int = MOST_WAITING_BYTES,
    ) -> None:
        self._leave = leave
        self._last = last
        self._most_bytes = most_bytes
        self._events: deque[tuple[AgentEvent, int]] = deque()
        self._bytes = 0
        self._has_ended = False
        self._has_news = asyncio.Event()

    def tell(self, event: AgentEvent) -> None:
        """Pass an event on."""
        if self._has_ended:
            return
        self._add(event)
        if self._bytes > self._most_bytes and len(self._events) > 1:
            self._leave(self)
            self._add(DROPPED)
            if self._last is not None:
                self._add(self._last)
            self.end()

    def end(self) -> None:
        """There will be no more events."""
        self._has_ended = True
        self._has_news.set()

    async def next(self) -> AgentEvent | None:
        """The next event, None at the end."""
        while not self._events and not self._has_ended:
            self._has_news.clear()
            await self._has_news.wait()
        if not self._events:
            return None
        event, weight = self._events.popleft()
        self._bytes -= weight
        return event

    def _add(self, event: AgentEvent) -> None:
        weight = _weight(event)
        joined = _joined(self._events[-1][0], event) if self._events else None
        if joined is None:
            weight += _EVENT_BYTES
            self._events.append((event, weight))
        else:
            _, before = self._events.pop()
            self._events.append((joined, before + weight))
        self._bytes += weight
        self._has_news.set()

    def close(self) -> None:
        """Whoever listened is gone."""
        self._leave(self)


class Turns:
    """One turn a session at a time. One event loop uses it; `log` writes a line for the operator."""

    def __init__(
        self,
        conversation: Conversation,
        places: Places,
        log: Callable[[str], object] = sys.stderr.write,
    ) -> None:
        self._conversation = conversation
        self._places = places
        self._log = log
        self._turns: dict[str, _Turn] = {}
        self._watchers: defaultdict[str, set[Listener]] = defaultdict(set)
        self._is_stopping = False

    def is_running(self, session: str) -> bool:
        """Whether a turn of the session runs."""
        return session in self._turns

    def start(
        self, session: str, message: UserMessage, *, model: str | None, thinking: str | None
    ) -> Listener:
        """Begin a turn; its events. Raises RefusedError."""
        if self._is_stopping:
            raise RefusedError(503, STOPPING)
        if session in self._turns:
            raise RefusedError(
                409, f"Session {session} is still answering. Wait until it has ended, or stop it."
            )
        self._places.take()
        events = self._conversation.send(session, message, model=model, thinking=thinking)
        turn = self._turns[session] = _Turn(session)
        asked = Listener(lambda one: self._left(turn, one), TurnEnded("error", error=DROPPED.text))
        turn.listeners.add(asked)
        turn.listeners |= self._watchers.get(session, set())
        turn.task = asyncio.get_running_loop().create_task(self._run(turn, events))
        return asked

    def watch(self, session: str) -> Listener:
        """The session's events from now on, and those of a running turn that are not saved yet."""
        watcher = Listener(lambda one: self._unwatch(session, one))
        self._watchers[session].add(watcher)
        turn = self._turns.get(session)
        if turn is not None:
            turn.listeners.add(watcher)
            for event in turn.unsaved:
                watcher.tell(event)
        if self._is_stopping:
            watcher.end()
        return watcher

    async def drain(self, limit_s: float) -> None:
        """Begin nothing new, let what runs end, stop what does not end in time, and send those who watch away."""
        self._is_stopping = True
        await _wait(self._tasks(), limit_s)
        for session in tuple(self._turns):
            await self._conversation.cancel(session)
        await _wait(self._tasks(), STOP_S)
        for task in self._tasks():
            task.cancel()
        await _wait(self._tasks(), STOP_S)
        for watcher in [one for those in self._watchers.values() for one in those]:
            watcher.tell(Notice("The daemon has stopped."))
            watcher.end()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [turn.task for turn in self._turns.values() if turn.task is not None]

    async def _run(self, turn: "_Turn", events: AsyncIterator[AgentEvent]) -> None:
        last: AgentEvent | None = None
        try:
            async for event in events:
                last = event
                await self._tell(turn, event)
        except GenesisError as error:
            last = await self._tell(turn, TurnEnded("error", error=error.message))
        except Exception as error:  # noqa: BLE001 - one turn that breaks must not take the daemon along
            self._log(redacted("".join(traceback.format_exception(error))))
            told = f"The turn broke ({type(error).__name__}). `genesis gateway logs` has more."
            last = await self._tell(turn, TurnEnded("error", error=told))
        finally:
            await close(events)
            del self._turns[turn.session]
            self._places.give_back()
            if not isinstance(last, TurnEnded):
                turn.tell(TurnEnded("aborted"))
            for listener in turn.listeners - self._watchers.get(turn.session, set()):
                listener.end()

    async def _tell(self, turn: "_Turn", event: AgentEvent) -> AgentEvent:
        turn.tell(event)
        if isinstance(event, ApprovalAsked) and not turn.listeners:
            await self._conversation.decide(event.id, "deny")
        return event

    def _left(self, turn: "_Turn", listener: Listener) -> None:
        turn.listeners.discard(listener)
        if not turn.listeners and turn.asked and self._turns.get(turn.session) is turn:
            loop = asyncio.get_running_loop()
            turn.denial = loop.create_task(self._deny(tuple(turn.asked)))

    async def _deny(self, approvals: tuple[str, ...]) -> None:
        for approval in approvals:  # one that was decided already is ignored
            await self._conversation.decide(approval, "deny")

    def _unwatch(self, session: str, listener: Listener) -> None:
        self._watchers[session].discard(listener)
        if not self._watchers[session]:
            del self._watchers[session]
        turn = self._turns.get(session)
        if turn is not None and listener in turn.listeners:
            self._left(turn, listener)


class _Turn:
    """One that runs. `unsaved` are the events that nobody can read in the session yet, `asked` its approvals."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.listeners: set[Listener] = set()
        self.unsaved: list[AgentEvent] = []
        self.asked: list[str] = []
        self.task: asyncio.Task[None] | None = None
        self.denial: asyncio.Task[None] | None = None

    def tell(self, event: AgentEvent) -> None:
        self._keep(event)
        for listener in tuple(self.listeners):
            listener.tell(event)

    def _keep(self, event: AgentEvent) -> None:
        if isinstance(event, ApprovalAsked):
            self.asked.append(event.id)
        if isinstance(event, TurnStarted):  # all before it is in the session
            self.unsaved = []
        elif isinstance(event, MessageEnded):
            self.unsaved = [e for e in self.unsaved if not isinstance(e, TextDelta | ThinkingDelta)]
            return
        self.unsaved.append(event)


def _weight(event: AgentEvent) -> int:
    if isinstance(event, TextDelta | ThinkingDelta):
        return len(event.text)
    return len(msgspec.json.encode(event))


def _joined(one: AgentEvent, other: AgentEvent) -> AgentEvent | None:
    """Two deltas as one, where a reader would not see the difference."""
    if isinstance(one, TextDelta) and isinstance(other, TextDelta):
        return TextDelta(one.text + other.text) if len(one.text) < _JOINED_CHARS else None
    if isinstance(one, ThinkingDelta) and isinstance(other, ThinkingDelta):
        is_same = one.field == other.field and one.signature is None
        text = one.text + other.text
        return replace(other, text=text) if is_same and len(one.text) < _JOINED_CHARS else None
    return None


async def close(events: AsyncIterator[Any]) -> None:
    """End what gives the events, if it has not ended."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


async def _wait(tasks: list[asyncio.Task[None]], limit_s: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=limit_s)
