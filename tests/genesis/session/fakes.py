"""A provider that plays scripts, and the desk that a session's parts stand on."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    StreamEnd,
    StreamEvent,
    TextDelta,
    ToolCallReady,
    TurnEnded,
)
from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Model
from genesis.core.refs import ModelRef
from genesis.core.secret import Secret
from genesis.core.usage import Usage
from genesis.failover.chain import candidates
from genesis.providers.provider import ChatRequest, Endpoint, Warn
from genesis.session.agent import Agent, Means
from genesis.session.approval import Decision, Policy
from genesis.session.request import Target
from genesis.session.store import SessionStore
from genesis.tools.tool import ToolContext
from genesis.tools.workspace import Workspace

KEY = "kg_live_canary_0123456789"
Step = StreamEvent | Exception | asyncio.Event


def said(text: str) -> UserMessage:
    return UserMessage((TextBlock(text),), at=1.0)


def answer(text: str) -> list[Step]:
    return [TextDelta(text), StreamEnd("stop", Usage(input=10, output=2))]


def calls(*pairs: tuple[str, str]) -> list[Step]:
    """An answer that calls tools: (name, arguments as JSON)."""
    ready = [ToolCallReady(f"call_{i}", name, text) for i, (name, text) in enumerate(pairs)]
    return [*ready, StreamEnd("tool_use", Usage(input=10, output=2))]


class FakeProvider:
    """Plays one script for each request, and keeps the requests."""

    def __init__(self, *scripts: Sequence[Step]) -> None:
        self.scripts = list(scripts)
        self.requests: list[ChatRequest] = []
        self.closed = 0

    async def discover(self, endpoint: Endpoint, *, timeout_s: float, warn: Warn) -> list[Model]:
        return []

    async def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        self.requests.append(request)
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        try:
            for step in script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    yield step
        finally:
            self.closed += 1


class FakeModels:
    """Every model is the fake provider's."""

    bench = None

    def __init__(self, provider: FakeProvider, model: Model, fallbacks: Sequence[str] = ()) -> None:
        self.provider = provider
        self.model = model
        self.fallbacks = [ModelRef("fake", one) for one in fallbacks]
        self.seers: list[ModelRef] = []
        self.missing_key: Exception | None = None

    def chain(self, requested: ModelRef | None) -> list[ModelRef]:
        return candidates(requested, ModelRef("fake", self.model.id), self.fallbacks)

    async def seeing(self, chain: list[ModelRef]) -> list[ModelRef]:
        return [*self.seers, *chain] if "image" not in self.model.input else chain

    async def target(self, ref: ModelRef, profile: str | None) -> Target:
        if self.missing_key is not None:
            raise self.missing_key
        return Target(ref, self.provider, Endpoint("http://127.0.0.1"), self.model, "low")

    def secrets(self) -> Sequence[Secret]:
        return [Secret(KEY)]


class World:
    """An agent on a temporary folder."""

    def __init__(
        self, folder: Path, provider: FakeProvider, policy: Policy | None = None, **model: Any
    ) -> None:
        self.root = folder / "work"
        self.state = folder / "home" / ".genesis"
        self.root.mkdir(exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        self.ids = itertools.count()
        fallbacks = model.pop("fallbacks", ())
        self.models = FakeModels(provider, Model("m", "M", **model), fallbacks)
        self.workspace = Workspace(self.root, home=folder / "home", protected=[self.state])
        self.context = ToolContext(self.workspace, {"PATH": "/usr/bin:/bin"}, 20.0)
        self.store = SessionStore(
            self.state / "sessions", clock=lambda: 5.0, make_id=lambda: f"{next(self.ids):012x}"
        )
        self.agent = Agent(
            Means(
                models=self.models,
                place=lambda _folder: self.context,
                policy=policy or Policy(),
                clock=lambda: 7.0,
                make_id=lambda: f"id{next(self.ids)}",
            )
        )
        self.session = self.store.create()
        self.asked: list[ApprovalAsked] = []
        self.decision: Decision = "once"

    async def approve(self, asked: ApprovalAsked) -> Decision:
        self.asked.append(asked)
        return self.decision

    async def turn(self, text: str = "hi") -> list[AgentEvent]:
        events = self.agent.run_turn(self.session, said(text), approve=self.approve)
        return [event async for event in events]


def kinds(events: Sequence[AgentEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


def ended(events: Sequence[AgentEvent]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


async def until(condition: Callable[[], bool]) -> None:
    """Let other tasks run until it is so."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came about")
