"""One turn driven: events of the conversation to the view, frames to the terminal, keys to decisions.

Frames come at most twelve times a second, and less often where one costs much: never more than a tenth of the time is
spent on drawing. Ctrl-C asks the conversation to stop and waits a little for its own end; again, it ends at once.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping

from prompt_toolkit.input import Input

from genesis.core.events import AgentEvent
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.screen.display import Display
from genesis.screen.keys import WaitingKeys
from genesis.screen.live import LiveRegion
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.status import Status
from genesis.screen.terminal import Terminal
from genesis.screen.tool_lines import DECIDED
from genesis.screen.turn_view import TurnView
from genesis.session.approval import Decision
from genesis.session.conversation import Conversation

FRAME_S = 1 / 12
# A frame that took long is followed by a pause of so many times its length.
_PAUSE = 10
_STOP_WAIT_S = 3.0
# A turn that was stopped as soon as it was asked for may not be there yet.
_BEGIN_WAIT_S = 0.5
# Keys that answer a question count only so long after the last typed key: what is typed ahead must allow nothing.
_TYPING_S = 0.8
_DECISIONS: dict[str, Decision] = {"y": "once", "a": "always", "n": "deny"}


@dataclasses.dataclass(frozen=True)
class Surface:
    """What a turn is shown on and read from."""

    terminal: Terminal
    renderer: MarkdownRenderer
    source: Input
    display: Display
    status: Status
    clock: Callable[[], float]


@dataclasses.dataclass(frozen=True)
class Question:
    """What is sent: the message, and what the person chose for it."""

    session: str
    message: UserMessage
    model: str | None = None
    thinking: str | None = None


@dataclasses.dataclass(frozen=True)
class TurnOutcome:
    """`error` is the sentence of a turn that failed."""

    error: str | None


class Frames:
    """Draws a view into a live region when a frame is due."""

    def __init__(self, view: TurnView, region: LiveRegion, clock: Callable[[], float]) -> None:
        self._view = view
        self._region = region
        self._clock = clock
        self._next = 0.0

    def draw_if_due(self) -> None:
        """Draw, unless the last frame is too fresh."""
        began = self._clock()
        if began < self._next:
            return
        self.draw()
        cost = self._clock() - began
        self._next = began + max(FRAME_S, cost * _PAUSE)

    def draw(self) -> None:
        """Draw now."""
        width, rows = self._region.width, self._region.rows
        finished = [] if self._region.is_settling else self._view.finished(width)
        self._region.update(finished, self._view.live(width, rows))


class TurnRunner:
    """Runs one turn on a surface."""

    def __init__(self, conversation: Conversation, surface: Surface) -> None:
        self._conversation = conversation
        self._surface = surface
        self._view = TurnView(surface.renderer, surface.display, surface.status, surface.clock)
        self._region = LiveRegion(surface.terminal, surface.clock)
        self._frames = Frames(self._view, self._region, surface.clock)
        self._keys = WaitingKeys(surface.source, self._on_key, self._draw)
        self._actions: Mapping[str, Callable[[], object]] = {
            "c-c": self._interrupt,
            "c-o": self._view.open_last_tool,
            "c-t": surface.display.toggle_thinking,
        }
        self._typed_at = -_TYPING_S
        self._session = ""
        self._group: asyncio.TaskGroup | None = None
        self._turn: asyncio.Task[None] | None = None
        self._has_begun = asyncio.Event()

    async def run(self, question: Question) -> TurnOutcome:
        """Send and show until the turn is over."""
        self._session = question.session
        self._region.open()
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                ticker = group.create_task(self._tick())
                self._turn = group.create_task(self._follow(question))
                with self._keys.listening():  # what was typed before may be a Ctrl-C for this turn
                    await asyncio.wait([self._turn])
                ticker.cancel()
        finally:
            self._group = None
            self._region.close(self._view.close(self._region.width))
        return TurnOutcome(self._view.error)

    async def _follow(self, question: Question) -> None:
        events = self._conversation.send(
            question.session, question.message, model=question.model, thinking=question.thinking
        )
        try:
            async with _closing(events):
                async for event in events:
                    self._has_begun.set()
                    self._view.apply(event)
                    self._draw()
        except GenesisError as error:
            self._view.fail(error.message)
        except asyncio.CancelledError:
            self._view.cut()
            raise

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            self._keys.flush()
            self._draw()

    def _draw(self) -> None:
        self._view.typed = self._keys.typed
        self._frames.draw_if_due()

    def _on_key(self, name: str, text: str) -> bool:
        act = self._actions.get(name)
        if act is not None:
            act()
            return True
        now = self._surface.clock()
        if not self._view.approvals or now - self._typed_at < _TYPING_S:
            self._typed_at = now if text else self._typed_at
            return False
        if name == "text" and text.lower() in _DECISIONS:
            self._start(self._decide(_DECISIONS[text.lower()]))
        return True

    def _interrupt(self) -> None:
        self._keys.hold_enter()  # who stops wants nothing sent that was typed before
        self._start(self._stop())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        if self._group is not None:
            self._group.create_task(work)

    async def _decide(self, decision: Decision) -> None:
        if not self._view.approvals:
            return
        asked = self._view.approvals[0]
        self._view.decided(DECIDED[decision])
        try:
            await self._conversation.decide(asked.id, decision)
        except GenesisError as error:
            self._view.note(error.message, "error")

    async def _stop(self) -> None:
        turn = self._turn
        if turn is None:
            return
        if self._view.is_stopping:
            turn.cancel()
            return
        self._view.is_stopping = True
        while self._view.approvals:
            await self._decide("deny")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_BEGIN_WAIT_S):
                await self._has_begun.wait()
        try:
            await self._conversation.cancel(self._session)
        except GenesisError as error:
            self._view.note(error.message, "error")
        await asyncio.wait([turn], timeout=_STOP_WAIT_S)
        if not turn.done():
            turn.cancel()


@contextlib.asynccontextmanager
async def _closing(events: AsyncIterator[AgentEvent]) -> AsyncIterator[None]:
    """Close the iterator at the end, if it can be closed: that ends the request behind it."""
    try:
        yield
    finally:
        close = getattr(events, "aclose", None)
        if close is not None:
            await close()
