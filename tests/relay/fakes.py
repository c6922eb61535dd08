"""Upstreams and clients that follow a script, for tests of the relay: no sockets, and every wait is a point to stop at.

A `Stage` counts points: each time an upstream or the client is waited for. At the point that a test names, something
happens: the client leaves, or a drain ends.
"""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.ledger.entry import Entry
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.relay.relay import Relay
from kilo_gateway.relay.run import Run
from kilo_gateway.relay.settle import Books
from kilo_gateway.relay.view import Terms, View
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.telemetry.log import Log
from kilo_gateway.telemetry.metrics import Metrics

DONE = b"data: [DONE]\n\n"
JSON = {b"content-type": b"application/json"}
EVENTS = {b"content-type": b"text/event-stream"}
GRANT = Grant("key_1", "ann")
# Long enough for a test to be exact about, short enough to wait for.
STALL_S = 0.03
# A key that no pattern knows: only its upstream can strike it.
OWN_KEY = b"zzQ7plainKEYwithoutSHAPE"


def error(code: int) -> bytes:
    return msgspec.json.encode({"error": {"message": "broken", "code": code}})


def event(who: str, finish_reason: str | None = None) -> bytes:
    """One event that names its sender."""
    choice = {"index": 0, "delta": {"content": who}, "finish_reason": finish_reason}
    return b"data: " + msgspec.json.encode({"id": who, "choices": [choice]}) + b"\n\n"


def whole(who: str) -> bytes:
    usage = {"prompt_tokens": 3, "completion_tokens": 2}
    choice = {"index": 0, "message": {"content": who}, "finish_reason": "stop"}
    return msgspec.json.encode({"id": who, "choices": [choice], "usage": usage})


class Cut(Exception):
    """A piece of a script: the connection is cut here."""


class Stall(Exception):
    """A piece of a script: nothing comes any more."""


@dataclass
class Stage:
    """Everything that is under way in one example."""

    happens_at: int = -1
    happening: Callable[[], object] = lambda: None
    points: int = 0
    sent: list[str] = field(default_factory=list)
    exchanges: list["FakeExchange"] = field(default_factory=list)

    async def point(self) -> None:
        """A place where the world may change."""
        if self.points == self.happens_at:
            self.happening()
        self.points += 1
        await asyncio.sleep(0)


Piece = bytes | type[Cut] | type[Stall]


class FakeExchange:
    """A reply that gives its pieces one after the other."""

    def __init__(
        self, stage: Stage, status: int, headers: dict[bytes, bytes], pieces: Sequence[Piece]
    ) -> None:
        self.status = status
        self.headers = headers
        self._stage = stage
        self._pieces = list(pieces)
        self.closed = 0
        stage.exchanges.append(self)

    def whole(self, limit_bytes: int) -> bytes | None:
        return None

    async def read(self, deadline: float) -> bytes | None:
        await self._stage.point()
        piece = self._pieces.pop(0) if self._pieces else b""
        if isinstance(piece, bytes):
            return piece
        self._pieces.insert(0, piece)
        if piece is Cut:
            raise Fault(Kind.UPSTREAM_DISCONNECT, "The upstream closed the connection.")
        await asyncio.sleep(max(0.0, deadline - SystemClock.monotonic()))
        return None

    async def read_all(
        self, limit_bytes: int, deadline: float, silence_s: float | None = None
    ) -> bytes:
        body = b""
        while True:
            data = await self.read(deadline)
            if data is None:
                raise Fault(Kind.UPSTREAM_TIMEOUT, "The upstream did not answer in time.")
            if not data:
                return body
            body += data

    def close(self) -> None:
        self.closed += 1


# What an upstream may do, streamed and whole: status, content type and pieces; a Fault is raised instead of a reply.
Reply = tuple[int, dict[bytes, bytes], Sequence[Piece]]


def reply_of(behaviour: str, who: str, *, stream: bool) -> Reply | Fault:
    """What the upstream of that name does."""
    good: Sequence[Piece] = (
        [event(who), event(who, "stop"), DONE] if stream else [whole(who)[:9], whole(who)[9:]]
    )
    begun = good[0]
    kind = EVENTS if stream else JSON
    table: dict[str, Reply | Fault] = {
        "ok": (200, kind, good),
        "429": (429, JSON, [error(429)]),
        "500": (500, JSON, [error(500)]),
        "refuse": Fault(Kind.UPSTREAM_CONNECT, "No connection."),
        "late": Fault(Kind.UPSTREAM_TIMEOUT, "No head."),
        "cut before": (200, kind, [Cut]),
        "cut after": (200, kind, [begun, Cut]),
        "cut in event": (200, kind, [begun, b"data: {", Cut]),
        "stall before": (200, kind, [Stall]),
        "stall after": (200, kind, [begun, Stall]),
        "end early": (200, kind, [begun]),
        "error in 200": (200, JSON, [error(500)]),
        "error first": (200, kind, [b"data: " + error(500) + b"\n\n"] if stream else [error(503)]),
        "error later": (200, kind, [begun, b"data: " + error(500) + b"\n\n", event(who)]),
        "garbage": (200, kind, [b"<html>"]),
        "rejects": (400, JSON, [error(400)]),
    }
    return table[behaviour]


BEHAVIOURS = (
    "ok", "429", "500", "refuse", "late", "cut before", "cut after", "cut in event", "stall before", "stall after",
    "end early", "error in 200", "error first", "error later", "garbage", "rejects",
)  # fmt: skip


class FakeUpstream:
    """Does one behaviour after the other, the last one again and again. What it sends names the attempt."""

    quirks: frozenset[str] = frozenset()
    first_byte_s = 5.0
    silence_s = STALL_S

    def __init__(self, stage: Stage, name: str, behaviours: Sequence[str]) -> None:
        self._stage = stage
        self._name = name
        self._behaviours = list(behaviours)
        if any("stall before" in behaviour for behaviour in behaviours):
            self.first_byte_s = STALL_S

    def redact(self, body: bytes) -> bytes:
        """Has no secrets of its own, but for the one that tests use."""
        return body.replace(OWN_KEY, b"***")

    async def send(
        self,
        call: Call,
        deployment: Deployment,
        body: bytes,
        lane: str,
        deadline: float,
        on_sent: Callable[[], object],
        dialect: str,
    ) -> FakeExchange:
        several = len(self._behaviours) > 1
        behaviour = self._behaviours.pop(0) if several else self._behaviours[0]
        who = f"{self._name}{len(self._stage.sent)}"
        self._stage.sent.append(who)
        on_sent()
        await self._stage.point()
        reply = reply_of(behaviour, who, stream=call.stream)
        if isinstance(reply, Fault):
            raise reply
        return FakeExchange(self._stage, *reply)


def lines_of(headers: bytes) -> dict[bytes, bytes]:
    """Header lines as a table; each name stands there once, each line ends as it must."""
    lines = headers.split(b"\r\n")
    assert lines.pop() == b""
    rows = [line.split(b": ", 1) for line in lines]
    assert len({row[0] for row in rows}) == len(rows)
    return dict(rows)


class FakeReply:
    """A client that keeps what it gets, and insists on the order that `relay.Reply` promises."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.task: asyncio.Task[None] | None = None
        self.status: int | None = None
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.is_stream = False
        self.has_ended = False

    async def whole(self, status: int, headers: bytes, body: bytes) -> None:
        assert self.status is None
        self.status, self.headers = status, lines_of(headers)
        await self._stage.point()
        self.body, self.has_ended = body, True

    async def open(self, status: int, headers: bytes) -> None:
        assert self.status is None
        self.status, self.headers, self.is_stream = status, lines_of(headers), True
        await self._stage.point()

    async def write(self, data: bytes) -> None:
        assert self.is_stream
        assert not self.has_ended
        assert data
        self.body += data
        await self._stage.point()

    async def end(self, data: bytes = b"") -> None:
        assert self.is_stream
        assert not self.has_ended
        await self._stage.point()  # as a slow client: nothing is taken before there is room
        self.body += data
        self.has_ended = True

    def cut(self) -> None:
        assert self.task is not None
        self.task.cancel()


@dataclass
class Names:
    """A catalog of one model."""

    deployments: tuple[Deployment, ...]

    def candidates(self, name: str) -> tuple[Deployment, ...]:
        return self.deployments if name == "m" else ()

    def auto_candidates(self) -> tuple[tuple[Deployment, ...], ...]:
        return (self.deployments,)

    def is_ours(self, name: str) -> bool:
        return True

    def nearest(self, name: str) -> tuple[str, ...]:
        return ()


def make_call(*, stream: bool, **changes: Any) -> Call:
    """A call for the model `m` that has just arrived."""
    clock = SystemClock()
    fields = {"model": msgspec.Raw(b'"m"'), "messages": msgspec.Raw(b"[]")}
    call = Call(
        "call-1", "openai_chat", "chat", "m", fields, 400, stream, clock.monotonic(), clock.wall()
    )
    return msgspec.structs.replace(call, **changes)


@dataclass
class Theatre:
    """A relay with real books and upstreams that follow scripts, the first one tried first."""

    stage: Stage
    books: Books
    journal: Journal
    relay: Relay
    view: View
    log: list[str]
    opened: list[str]

    async def play(self, call: Call, reply: FakeReply) -> Fault | None:
        """Run one call to its end; gives the fault with which it ended, if nothing was sent."""
        task = asyncio.ensure_future(self._run(call, reply))
        reply.task = task
        try:
            await task
        except Fault as fault:
            return fault
        except asyncio.CancelledError:
            return None
        return None

    async def _run(self, call: Call, reply: FakeReply) -> None:
        run: Run | None = None
        self.relay.let_in()
        try:
            run = self.relay.begin(call, GRANT, reply, self.view)
            await run.go()
        finally:
            self.relay.let_out(run)

    def entries(self) -> list[Entry]:
        return self.journal.read_closed(1000)


def make_theatre(
    home: Path,
    stage: Stage,
    scripts: Sequence[Sequence[str]],
    tasks: asyncio.TaskGroup,
    *,
    max_attempts: int = 4,
) -> Theatre:
    """`scripts` are the behaviours of each upstream, in the order of their priority. Shut its journal at the end."""
    names = [chr(ord("a") + number) for number in range(len(scripts))]
    clock, log, opened = SystemClock(), list[str](), list[str]()
    numbers = itertools.count(1)

    def new_id() -> str:
        opened.append(f"{next(numbers):026d}")
        return opened[-1]

    journal = Journal(home, clock=clock, segment_bytes=65_536, max_bytes=1 << 20)
    books = Books(
        journal=journal,
        health=Health(BreakerRule(failures=1000)),
        metrics=Metrics(),
        log=Log(log.append, clock),
        clock=clock,
        new_id=new_id,
    )
    upstreams: Any = MappingProxyType(
        {
            name: FakeUpstream(stage, name, script)
            for name, script in zip(names, scripts, strict=True)
        }
    )
    deployments = tuple(
        Deployment(name, "m", "m", "openai_chat", priority=number)
        for number, name in enumerate(names)
    )
    view = View(Names(deployments), upstreams, Terms(max_attempts=max_attempts))
    relay = Relay(books, lambda: 0.5, tasks)
    return Theatre(stage, books, journal, relay, view, log, opened)
