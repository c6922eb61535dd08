"""Our own hot path step by step, in microseconds (best of several; one thread, no sockets).

    .venv/bin/python benchmarks/micro.py [PART OF A NAME]

The last lines run whole calls through the server's protocol, the edge, the relay and the ledger, with a client and an
upstream in memory: what `run.py` measures beside them is the upstream connection, the event loop and the kernel.
"""

import asyncio
import hashlib
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from kilo_gateway.app.gateway import Gateway, Start
from kilo_gateway.app.home import Home
from kilo_gateway.config.load import load
from kilo_gateway.core.call import Call
from kilo_gateway.core.grant import Grant
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.edge.app import EdgeApp
from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.hints import read_hints
from kilo_gateway.edge.listener import ClientConnection
from kilo_gateway.keys.grants import Grants
from kilo_gateway.keys.secret import mint
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.pricing import cost
from kilo_gateway.relay.heads import whole_headers
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.health import Health
from kilo_gateway.router.planner import sole
from kilo_gateway.telemetry.log import Log, strike
from kilo_gateway.telemetry.metrics import Metrics
from kilo_gateway.upstreams.outbox import Outbox
from memory import (
    DEPLOYMENT,
    EVENT,
    LAST_EVENTS,
    NO_QUIRKS,
    REPLY,
    Clock,
    MemoryClient,
    MemoryUpstream,
    OneModel,
    http_request,
    request,
)

_REPEATS = 5
_REPEAT_S = 0.05


def best_us(step: Callable[[], object]) -> float:
    """The least time of one step, in microseconds."""
    began = time.perf_counter()
    for _ in range(20):
        step()
    count = max(1, int(_REPEAT_S / max(1e-7, (time.perf_counter() - began) / 20)))
    least = float("inf")
    for _ in range(_REPEATS):
        began = time.perf_counter()
        for _ in range(count):
            step()
        least = min(least, (time.perf_counter() - began) / count)
    return least * 1e6


async def best_us_async(step: Callable[[], Awaitable[object]], count: int = 300) -> float:
    """The same for a coroutine function."""
    least = float("inf")
    for _ in range(_REPEATS):
        began = time.perf_counter()
        for _ in range(count):
            await step()
        least = min(least, (time.perf_counter() - began) / count)
    return least * 1e6


def steps(directory: Path) -> dict[str, Callable[[], object]]:
    """Each step of a call, ready to run."""
    dialect = DIALECTS["openai_chat"]
    small, large = request(200), request(100_000)
    clock, key = Clock(), mint()
    grant = Grant("key_1", "owner_1")
    grants = Grants(clock, [(key.digest, grant)])
    health = Health()
    journal = Journal(directory, clock=clock)
    lines: list[str] = []
    books = Books(
        journal=journal,
        health=health,
        metrics=Metrics(),
        log=Log(lines.append, clock, form="json"),
        clock=clock,
        new_id=iter_ids().__next__,
    )
    quiet = Books(
        journal=journal,
        health=health,
        metrics=Metrics(),
        log=books.log,
        clock=clock,
        new_id=books.new_id,
        logs_calls=False,
    )
    headers = {b"user-agent": b"OpenAI/Python 2.0.0", b"x-stainless-lang": b"python"}
    call = Call(
        id="req_0123456789",
        dialect="openai_chat",
        operation="chat",
        model="mock",
        fields=read_fields(small),
        body_bytes=len(small),
        stream=False,
        arrived=clock.monotonic(),
        received_at=clock.wall(),
        max_tokens=256,
        hints=read_hints(headers),
        headers=headers,
    )
    large_call = msgspec.structs.replace(call, fields=read_fields(large))
    facts = dialect.read_reply(REPLY, "chat")
    if facts is None or not facts.usage.is_known:
        raise SystemExit("the usage of the reply is not read: something is broken")
    usage = facts.usage
    attempt = books.open(call, grant, 1, DEPLOYMENT)
    attempt.status, attempt.first_byte = 200, clock.monotonic()
    books.settle(call, attempt)
    books.log.flush()
    log_line = lines[0]
    stream = dialect.stream("chat", wants_usage=True)
    block = EVENT * 16

    def attempt_with(ledger: Books) -> None:
        made = ledger.open(call, grant, 1, DEPLOYMENT)
        made.status, made.first_byte, made.usage = 200, made.started, usage
        ledger.settle(call, made)
        if len(lines) > 1000 or journal.waiting > 1000:
            ledger.log.flush()
            lines.clear()
            journal.read_closed(2000)
            journal.acknowledge()

    def last_block() -> bytes:
        reader = dialect.stream("chat", wants_usage=True)
        return reader.feed(EVENT * 14 + LAST_EVENTS)

    now, names = clock.monotonic(), OneModel()
    spent = cost(facts.usage, DEPLOYMENT.price)
    return {
        "pass: the cost of timing itself": lambda: None,
        "sha256 of the key": lambda: hashlib.sha256(b"k" * 57).digest(),
        "grants.find": lambda: grants.find(key.key.encode()),
        "read_fields 450 B": lambda: read_fields(small),
        "read_fields 100 kB": lambda: read_fields(large),
        "peek": lambda: dialect.peek("chat", call.fields),
        "read_hints": lambda: read_hints(headers),
        "plan": lambda: sole("mock", "chat", grant, names, health, now),
        "outbound 450 B": lambda: dialect.outbound(call, DEPLOYMENT, NO_QUIRKS),
        "outbound 100 kB": lambda: dialect.outbound(large_call, DEPLOYMENT, NO_QUIRKS),
        "read_reply 0.9 kB": lambda: dialect.read_reply(REPLY, "chat"),
        "cost": lambda: cost(facts.usage, DEPLOYMENT.price),
        "with_cost 0.9 kB": lambda: dialect.with_cost(REPLY, 225_000),
        "whole_headers": lambda: whole_headers(call, attempt, {}, spent, attempt.started),
        "Books.open + settle (journal, health, metrics)": lambda: attempt_with(quiet),
        "Books.open + settle with the call log": lambda: attempt_with(books),
        "strike of a log line": lambda: strike(log_line),
        "Stream.feed, one event": lambda: stream.feed(EVENT),
        "Stream.feed, block of 16 events": lambda: stream.feed(block),
        "Stream, last block of 17 events": last_block,
    }


def iter_ids() -> Any:
    """Entry ids, cheap ones."""
    number = 0
    while True:
        number += 1
        yield f"{number:026d}"


async def show_asyncio(wanted: str) -> None:
    """What asyncio's own parts cost."""
    loop = asyncio.get_running_loop()

    async def nothing() -> None:
        return

    async def task() -> None:
        await loop.create_task(nothing())

    async def future() -> None:
        waiter = loop.create_future()
        loop.call_soon(waiter.set_result, None)
        await waiter

    async def current() -> None:
        asyncio.current_task()

    for name, step in {
        "asyncio: a task": task,
        "asyncio: a future": future,
        "asyncio: current_task": current,
    }.items():
        if wanted in name:
            show(name, await best_us_async(step, 3000))


async def show_calls(wanted: str) -> None:
    """Whole calls through the real gateway, with an upstream in memory and a client in memory."""
    with tempfile.TemporaryDirectory(prefix="kilo-micro-") as directory:
        conf = Path(directory) / "kilo.toml"
        conf.write_text(
            '[server]\nport = 0\n[[upstreams]]\nname = "mock"\nbase_url = "http://127.0.0.1:9/v1"\nprefix = ""\n'
            'models = ["mock"]\n[models.mock]\ninput_price = 1.0\noutput_price = 2.0\n'
        )
        home = Home(Path(directory) / "home")
        home.root.mkdir()
        loaded = load(conf, {})
        start = Start(
            loaded=loaded,
            reload=lambda: loaded,
            environ={},
            home=home,
            database_url="",
            finds_upstreams=False,
            mints_first_key=True,
            has_local_model=False,
            has_simulator=False,
            host="127.0.0.1",
            port=0,
        )
        gateway = Gateway(start, lambda _text: None)
        ready: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        running = asyncio.ensure_future(gateway.run(ready.set_result))
        await asyncio.wait({ready, running}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
        # Its parts, to be called without a socket; no other way is wanted by anybody else.
        service = gateway._service  # noqa: SLF001
        if service is None:
            raise SystemExit("the gateway did not start")
        await until_quiet()
        await _show_calls(service, ready.result().first_key.key, wanted)
        gateway.stop()
        with suppress(asyncio.CancelledError):
            await running
        gateway.close()


async def until_quiet() -> None:
    """The gateway opens its database and reads prices behind its first calls: wait for the end of that."""
    for _ in range(40):
        before = time.process_time()
        await asyncio.sleep(0.25)
        if time.process_time() - before < 0.01:
            return


async def _show_calls(service: Any, key: str, wanted: str) -> None:
    upstream = MemoryUpstream()
    upstreams = {"mock": upstream}
    guard = Guard(EdgeApp(service), time.monotonic, outbox=Outbox())
    protocol = ClientConnection(guard, asyncio.get_running_loop())
    client: Any = MemoryClient()
    protocol.connection_made(client)
    wire = b""

    async def call() -> None:
        if service.world.view.upstreams is not upstreams:  # it is renewed when prices are read
            view = msgspec.structs.replace(service.world.view, upstreams=upstreams, approaches={})
            service.world = msgspec.structs.replace(service.world, view=view)
        client.done = asyncio.get_running_loop().create_future()
        protocol.data_received(wire)
        await client.done

    events = [EVENT] * 101
    for name, sent, chunks in (
        ("whole call 450 B", request(200), [REPLY]),
        ("whole call 100 kB", request(100_000), [REPLY]),
        ("stream of 104 events, a read each", request(200, stream=True), [*events, LAST_EVENTS]),
        (
            "stream of 104 events, one read",
            request(200, stream=True),
            [b"".join(events) + LAST_EVENTS],
        ),
    ):
        if wanted not in name:
            continue
        upstream.chunks = chunks
        upstream.content_type = b"text/event-stream" if b'"stream"' in sent else b"application/json"
        wire = http_request(key, sent)
        show(name, await best_us_async(call, 200))
        if client.problem:
            raise SystemExit(f"{name} answered {client.problem!r}")
    protocol.connection_lost(None)


def show(name: str, microseconds: float) -> None:
    """One line."""
    print(f"{microseconds:10.2f}  {name}", flush=True)


async def main_async(wanted: str) -> None:
    """The parts that need an event loop."""
    await show_asyncio(wanted)
    await show_calls(wanted)


def main() -> None:
    """Time everything whose name holds the argument."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    print("microseconds, best of several")
    with tempfile.TemporaryDirectory(prefix="kilo-micro-") as directory:
        for name, step in steps(Path(directory)).items():
            if wanted in name:
                show(name, best_us(step))
    try:
        import uvloop  # noqa: PLC0415 - asyncio serves as well
    except ImportError:
        asyncio.run(main_async(wanted))
    else:
        uvloop.run(main_async(wanted))


if __name__ == "__main__":
    main()
