"""Agent: runs turns of sessions and tells of them as events. Closing the events stops the turn; it is saved all the same."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace

from genesis.core.events import AgentEvent, ApprovalAsked, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.session.approval import Decision, Policy, Remembered
from genesis.session.calls import Approve, Desk
from genesis.session.request import Models
from genesis.session.transcript import Session
from genesis.session.turn import Choice, Turn
from genesis.tools.tool import ToolContext
from genesis.tools.toolbox import Profile


@dataclass(frozen=True)
class Means:
    """What an agent works with. `place` opens the folder that a session was begun in ("": the usual one), `clock` gives
    seconds since the epoch, `make_id` unguessable names. `limit_s`: how long a turn may take."""

    models: Models
    place: Callable[[str], ToolContext]
    policy: Policy
    clock: Callable[[], float]
    make_id: Callable[[], str]
    profile: Profile = "coding"
    limit_s: float | None = None


class Agent:
    """`remembered` by session: what the person allowed for the rest of it."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._remembered: dict[str, Remembered] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def is_running(self, session_id: str) -> bool:
        """Whether a turn of the session runs."""
        return session_id in self._running

    def stop(self, session_id: str) -> None:
        """Let the session's turn end as "aborted"; nothing happens if none runs."""
        task = self._running.get(session_id)
        if task is not None:
            task.cancel()

    def forget(self, session_id: str) -> None:
        """What the person allowed in the session is asked about again."""
        self._remembered.pop(session_id, None)

    async def run_turn(
        self,
        session: Session,
        message: UserMessage,
        *,
        approve: Approve,
        choice: Choice | None = None,
    ) -> AsyncGenerator[AgentEvent, None]:
        """One turn; the last event is its TurnEnded, also after an error or when it was stopped."""
        if self.is_running(session.id):
            raise GenesisError(
                f"Session {session.id} is still answering. Wait until it has ended, or stop it."
            )
        events: asyncio.Queue[AgentEvent | None] = asyncio.Queue()
        limited = replace(choice or Choice(), limit_s=self.means.limit_s)
        turn = self._turn(session, events.put_nowait, approve, limited)
        task = asyncio.get_running_loop().create_task(turn.run(message))
        task.add_done_callback(lambda _task: events.put_nowait(None))
        self._running[session.id] = task
        try:
            while (event := await events.get()) is not None:
                yield event
            if task.cancelled():  # it was stopped before it began
                yield TurnEnded("aborted")
            else:
                task.result()
        finally:
            await _stopped(task)
            self._running.pop(session.id, None)

    async def compact(self, session: Session, choice: Choice) -> str:
        """Shorten what the model reads, in no more time than a turn has; gives a sentence about it."""
        limited = replace(choice, limit_s=self.means.limit_s)
        return await self._turn(session, lambda _event: None, _nobody, limited).compact()

    def _turn(
        self,
        session: Session,
        emit: Callable[[AgentEvent], None],
        approve: Approve,
        choice: Choice,
    ) -> Turn:
        means = self.means
        desk = Desk(
            context=means.place(session.head.workspace),
            policy=means.policy,
            remembered=self._remembered.setdefault(session.id, Remembered()),
            approve=approve,
            emit=emit,
            clock=means.clock,
            make_id=means.make_id,
            secrets=means.models.secrets,
        )
        return Turn(session, means.models, desk, choice, means.profile)

    async def aclose(self) -> None:
        """Stop all turns and wait until they are saved."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _stopped(task: asyncio.Task[None]) -> None:
    """Stop a turn that nobody listens to any more, and wait until it is saved."""
    if task.done():
        return
    task.cancel()
    await asyncio.wait([task])


async def _nobody(_asked: ApprovalAsked) -> Decision:
    return "deny"
