"""The turns that run in the daemon. A turn belongs to its session, not to the connection that asked for it.

A terminal that is lost (a closed lid, a broken ssh) ends no turn; the one who asked and those who watch are listeners
alike. Only where nobody listens any more there is nobody to decide: then what needs an approval is denied.
"""

import asyncio
import sys
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Any

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
MOST_WAITING = 2048
STOP_S = 2.0
DROPPED = Notice(
    "This terminal was too slow to watch along. Open the session again to see what it missed."
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
    """One who hears a session's events. The one who asked hears all of its turn, however slow; a watcher may be dropped."""

    def __init__(self, leave: Callable[["Listener"], None], most: int | None) -> None:
        self._leave = leave
        self._most = most
        self._events: asyncio.Queue[AgentEvent | None] = asyncio.Queue()

    def tell(self, event: AgentEvent) -> None:
        """Pass an event on."""
        if self._most is None or self._events.qsize() < self._most:
            self._events.put_nowait(event)
        else:
            self._leave(self)
            self._events.put_nowait(DROPPED)
            self.end()

    def end(self) -> None:
        """There will be no more events."""
        self._events.put_nowait(None)

    async def next(self) -> AgentEvent | None:
        """The next event, None at the end."""
        return await self._events.get()

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
        asked = Listener(lambda one: self._left(turn, one), None)
        turn.listeners.add(asked)
        turn.listeners |= self._watchers.get(session, set())
        turn.task = asyncio.get_running_loop().create_task(self._run(turn, events))
        return asked

    def watch(self, session: str) -> Listener:
        """The session's events from now on, and those of a running turn that are not saved yet."""
        watcher = Listener(lambda one: self._unwatch(session, one), MOST_WAITING)
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


async def close(events: AsyncIterator[Any]) -> None:
    """End what gives the events, if it has not ended."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


async def _wait(tasks: list[asyncio.Task[None]], limit_s: float) -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=limit_s)
