"""One turn driven: events of the conversation to the view, frames to the terminal, keys to decisions.

Frames come at most twelve times a second, and less often where one costs much: never more than a tenth of the time is
spent on drawing. Ctrl-C asks the conversation to stop and waits a little for its own end; again, it ends at once.
"""

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable, Coroutine

from prompt_toolkit.input import Input

from genesis.core.events import AgentEvent
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.screen.display import Display
from genesis.screen.keys import TurnKeys
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
    """`typed` is what was typed meanwhile; `error` the sentence of a turn that failed."""

    typed: str
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
        self._keys = TurnKeys(surface.source, self._on_key)
        self._typed_at = -_TYPING_S
        self._session = ""
        self._group: asyncio.TaskGroup | None = None
        self._turn: asyncio.Task[None] | None = None

    async def run(self, question: Question) -> TurnOutcome:
        """Send and show until the turn is over."""
        self._session = question.session
        self._region.open()
        try:
            with self._keys.listening():
                async with asyncio.TaskGroup() as group:
                    self._group = group
                    ticker = group.create_task(self._tick())
                    self._turn = group.create_task(self._follow(question))
                    await asyncio.wait([self._turn])
                    ticker.cancel()
        finally:
            self._group = None
            self._region.close(self._view.close(self._region.width))
        return TurnOutcome(self._view.typed, self._view.error)

    async def _follow(self, question: Question) -> None:
        events = self._conversation.send(
            question.session, question.message, model=question.model, thinking=question.thinking
        )
        try:
            async with _closing(events):
                async for event in events:
                    self._view.apply(event)
                    self._frames.draw_if_due()
        except GenesisError as error:
            self._view.fail(error.message)
        except asyncio.CancelledError:
            self._view.cut()
            raise

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            self._keys.flush()
            self._frames.draw_if_due()

    def _on_key(self, name: str, text: str) -> None:
        if name == "c-c":
            self._start(self._stop())
        elif name == "c-o":
            self._view.open_last_tool()
        elif name == "c-t":
            self._surface.display.toggle_thinking()
        elif name == "backspace":
            self._view.typed = self._view.typed[:-1]
        elif self._is_answer(name, text):
            self._start(self._decide(_DECISIONS[text.lower()]))
        elif text and not self._view.approvals:
            self._typed_at = self._surface.clock()
            self._view.typed += text
        self._frames.draw_if_due()

    def _is_answer(self, name: str, text: str) -> bool:
        if not self._view.approvals or name != "text" or text.lower() not in _DECISIONS:
            return False
        return self._surface.clock() - self._typed_at >= _TYPING_S

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
