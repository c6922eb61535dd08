"""One answer of a model: the chain of models is asked until one begins to answer, then its events flow.

Another model may stand in only before the first event: what a person has seen is never silently begun anew.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.message import (
    AssistantMessage,
    StopReason,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
)
from genesis.core.model import Model
from genesis.core.refs import ModelRef
from genesis.core.secret import Secret
from genesis.failover.bench import Bench
from genesis.failover.chain import run
from genesis.providers.provider import ChatRequest, Endpoint, Provider


@dataclass(frozen=True)
class Target:
    """A model that can be asked. `thinking` is the level where the person chose none, `params` the settings' own."""

    ref: ModelRef
    provider: Provider
    endpoint: Endpoint
    model: Model
    thinking: str = "off"
    params: Mapping[str, Any] = field(default_factory=dict)


class Models(Protocol):
    """Where models come from: the settings, keys and catalog joined."""

    @property
    def bench(self) -> Bench | None:
        """What is known of stored keys."""
        ...

    def chain(self, requested: ModelRef | None) -> list[ModelRef]:
        """The models to try, in order."""
        ...

    async def seeing(self, chain: list[ModelRef]) -> list[ModelRef]:
        """The same for a message with pictures: models that take some come first, if the settings name such."""
        ...

    async def target(self, ref: ModelRef, profile: str | None) -> Target:
        """The model with its provider and key. Raises AuthMissingError, GenesisError."""
        ...

    def secrets(self) -> Sequence[Secret]:
        """The keys that are known: they never reach a message."""
        ...


@dataclass
class Opened:
    """An answer that has begun."""

    target: Target
    events: AsyncIterator[StreamEvent]


async def open_answer(
    models: Models,
    chain: Sequence[ModelRef],
    request_for: Callable[[Target], ChatRequest],
    *,
    notice: Callable[[str], None],
    asked: Callable[[Target], None] = lambda _target: None,
) -> Opened:
    """Ask until a model begins to answer. `asked` is told of each one. Raises ProviderError, GenesisError."""

    async def attempt(ref: ModelRef, profile: str | None) -> Opened:
        target = await models.target(ref, profile)
        asked(target)
        events = target.provider.stream(target.endpoint, request_for(target))
        first = None
        try:
            first = await anext(events, None)
        finally:
            if first is None:
                await close(events)
        if first is None:
            raise ProviderError(
                "The stream ended before it began: empty response (timeout).",
                provider=ref.provider,
                model=ref.model,
            )
        return Opened(target, _Begun(first, events))

    return await run(chain, attempt, bench=models.bench, notice=notice)


async def close(events: AsyncIterator[StreamEvent]) -> None:
    """End the request behind the events, if it has not ended."""
    aclose = getattr(events, "aclose", None)
    if aclose is not None:
        await aclose()


class _Begun:
    """The events of an answer whose first one was taken already. A generator would not do: closing one that nobody has
    begun to read ends nothing of what is behind it."""

    def __init__(self, first: StreamEvent, rest: AsyncIterator[StreamEvent]) -> None:
        self._first: StreamEvent | None = first
        self._rest = rest

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        return self

    async def __anext__(self) -> StreamEvent:
        if self._first is None:
            return await anext(self._rest)
        first, self._first = self._first, None
        return first

    async def aclose(self) -> None:
        """End the request."""
        self._first = None
        await close(self._rest)


class Answer:
    """What has come of one answer so far, as a message. `make_id` names calls to which the model gave no id."""

    def __init__(self, target: Target | None, make_id: Callable[[], str]) -> None:
        self._target = target
        self._make_id = make_id
        self._done: list[TextBlock | ThinkingBlock | ToolCallBlock] = []
        # The pieces of the block that still grows: joined once, however many they are.
        self._pieces: list[str] = []
        self._grows: TextDelta | ThinkingDelta | None = None
        self.end = StreamEnd("stop")

    def add(self, event: StreamEvent) -> None:
        """One more event."""
        match event:
            case TextDelta() | ThinkingDelta():
                self._grow(event)
            case ToolCallReady():
                self._finish()
                self._done.append(self._call(event))
            case StreamEnd():
                self.end = event

    def calls(self) -> list[ToolCallBlock]:
        """The tools that the model wants run."""
        return [block for block in self._done if isinstance(block, ToolCallBlock)]

    def message(
        self, at: float, *, stop_reason: StopReason | None = None, error: str | None = None
    ) -> AssistantMessage:
        """All of it; with a `stop_reason` of one that was cut short, without the calls that never ran."""
        self._finish()
        is_cut = stop_reason is not None
        kept = (b for b in self._done if not (is_cut and isinstance(b, ToolCallBlock)))
        ref = self._target.ref if self._target else ModelRef("", "")
        return AssistantMessage(
            content=tuple(kept),
            provider=ref.provider,
            model=ref.model,
            stop_reason=stop_reason or self.end.stop_reason,
            usage=self.end.usage,
            error=error,
            routed_model=self.end.routed_model,
            at=at,
        )

    def _grow(self, delta: TextDelta | ThinkingDelta) -> None:
        if not _is_same_block(self._grows, delta):
            self._finish()
            self._grows = delta
        elif isinstance(delta, ThinkingDelta) and delta.signature:
            self._grows = delta
        self._pieces.append(delta.text)

    def _finish(self) -> None:
        """The block that grew is whole."""
        text, delta = "".join(self._pieces), self._grows
        self._pieces, self._grows = [], None
        if isinstance(delta, TextDelta):
            self._done.append(TextBlock(text))
        elif isinstance(delta, ThinkingDelta):
            self._done.append(ThinkingBlock(text, delta.field, delta.signature))

    def _call(self, event: ToolCallReady) -> ToolCallBlock:
        is_taken = any(block.id == event.id for block in self.calls())
        name = f"call_{self._make_id()}" if is_taken or not event.id else event.id
        return ToolCallBlock(name, event.name, event.arguments, event.thought_signature)


def _is_same_block(
    grows: TextDelta | ThinkingDelta | None, delta: TextDelta | ThinkingDelta
) -> bool:
    if isinstance(grows, ThinkingDelta) and isinstance(delta, ThinkingDelta):
        return grows.field == delta.field
    return isinstance(grows, TextDelta) and isinstance(delta, TextDelta)
