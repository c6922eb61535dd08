"""The pool: reuse, staleness, the cap and who is served next, and that nothing leaks."""

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.connection import Connection
from kilo_gateway.upstreams.exchange import Exchange, Timeouts, send
from kilo_gateway.upstreams.pool import Pool
from tests.scripted import Close, ReadRequest, Repeat, Send, Set, Stall, UntilGone, Wait, serve

BOTH_LOOPS = True

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
HEAD = b"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWERING = [Repeat([ReadRequest(), Send(HELLO)])]


class HandClock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> float:
        return self.now


def soon(seconds: float = 2.0) -> float:
    return monotonic() + seconds


async def ask(pool: Pool, lane: str = "key") -> Exchange:
    return await send(pool, HEAD, b"", lane, soon())


async def whole(pool: Pool, lane: str = "key") -> bytes:
    exchange = await send(pool, HEAD, b"", lane, None)
    try:
        return await exchange.read_all(1 << 20, pool.monotonic() + 2)
    finally:
        exchange.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():
            await asyncio.sleep(0)


async def test_the_connection_used_last_is_used_next(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port)
        first, second = await ask(pool), await ask(pool)
        first.close()
        second.close()
        assert pool.idle_count == 2
        await whole(pool)
        assert server.requests[-1].connection == 1


async def test_an_idle_connection_that_the_server_closes_leaves_the_pool_at_once(make_pool):
    leave = asyncio.Event()
    async with serve([ReadRequest(), Send(HELLO), Wait(leave), Close()], ANSWERING) as server:
        pool = make_pool(server.port)
        await whole(pool)
        assert pool.idle_count == 1
        leave.set()
        await until(lambda: pool.idle_count == 0)
        assert pool.open_count == 0
        assert await whole(pool) == b"hello"
        assert server.requests[-1].connection == 1


@pytest.mark.parametrize(
    "surprise", [b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n", b"\r\n", b"x"]
)
async def test_an_idle_connection_on_which_anything_comes_leaves_the_pool_at_once(
    make_pool, surprise
):
    speak = asyncio.Event()
    async with serve(
        [ReadRequest(), Send(HELLO), Wait(speak), Send(surprise), UntilGone()], ANSWERING
    ) as server:
        pool = make_pool(server.port)
        await whole(pool)
        speak.set()
        await until(lambda: pool.idle_count == 0)
        assert await whole(pool) == b"hello"
        assert server.requests[-1].connection == 1
        await asyncio.wait_for(server.gone[0].wait(), 2)


async def test_idle_connections_expire(make_pool):
    clock = HandClock()
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, clock=clock, idle_s=60.0)
        await whole(pool)
        clock.now += 59
        await whole(pool)
        assert server.accepted == 1
        clock.now += 60
        await whole(pool)
        assert server.accepted == 2


async def test_expired_connections_are_closed_even_if_nobody_calls(make_pool):
    async with serve([ReadRequest(), Send(HELLO), UntilGone()]) as server:
        pool = make_pool(server.port, idle_s=0.03)
        await whole(pool)
        assert pool.open_count == 1
        await asyncio.wait_for(server.gone[0].wait(), 2)
        assert pool.open_count == 0


@pytest.mark.parametrize(
    ("header", "usable_s"),
    [
        (b"timeout=5", 3.9),
        (b"max=100, Timeout=5", 3.9),
        (b"timeout=5000", 59.9),
        (b"timeout=x", 59.9),
    ],
)
async def test_a_second_less_than_the_server_announces_is_used(make_pool, header, usable_s):
    clock = HandClock()
    reply = OK + b"Keep-Alive: " + header + b"\r\nContent-Length: 0\r\n\r\n"
    async with serve([Repeat([ReadRequest(), Send(reply)])]) as server:
        pool = make_pool(server.port, clock=clock)
        await whole(pool)
        clock.now += usable_s
        await whole(pool)
        assert server.accepted == 1
        clock.now += usable_s + 0.2
        await whole(pool)
        assert server.accepted == 2


async def test_a_connection_that_would_expire_at_once_is_not_kept(make_pool):
    reply = OK + b"Keep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n"
    async with serve([ReadRequest(), Send(reply), UntilGone()]) as server:
        pool = make_pool(server.port)
        await whole(pool)
        assert pool.open_count == 0


async def test_at_the_cap_calls_wait_for_a_connection(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=2)
        assert await asyncio.gather(*(whole(pool) for _ in range(20))) == [b"hello"] * 20
        assert (server.accepted, pool.idle_count, pool.waiting_count) == (2, 2, 0)


async def queued(pool: Pool, lanes: str, served: list[str]) -> list[asyncio.Future[None]]:
    """Start one call per letter, which wait in this order; each notes its letter when it is served."""

    async def call(name: str) -> None:
        exchange = await ask(pool, name)
        served.append(name)
        exchange.close()

    tasks = []
    for count, name in enumerate(lanes, 1):
        tasks.append(asyncio.ensure_future(call(name)))
        await until(lambda count=count: pool.waiting_count == count)
    return tasks


async def test_waiting_keys_take_turns(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=1)
        served: list[str] = []
        first = await ask(pool)
        tasks = await queued(pool, "aaaabbc", served)
        first.close()
        await asyncio.gather(*tasks)
        assert "".join(served) == "abcabaa"
        assert server.accepted == 1


async def test_a_connection_that_ends_gives_its_slot_to_the_next(make_pool):
    closing = [
        ReadRequest(),
        Send(OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n"),
        UntilGone(),
    ]
    async with serve(closing) as server:
        pool = make_pool(server.port, max_connections=1)
        served: list[str] = []
        first = await ask(pool)
        tasks = await queued(pool, "ab", served)
        first.close()
        await asyncio.gather(*tasks)
        assert (served, server.accepted, pool.open_count) == (["a", "b"], 3, 0)


async def test_a_full_queue_is_overload_and_says_when_to_come_back(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=1, max_waiting=1)
        first = await ask(pool)
        tasks = await queued(pool, "a", [])
        with pytest.raises(Fault) as caught:
            await ask(pool)
        assert caught.value.kind == Kind.OVERLOADED
        assert caught.value.retry_after
        first.close()
        await asyncio.gather(*tasks)


async def test_a_waiter_leaves_at_its_deadline(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=1)
        first = await ask(pool)
        with pytest.raises(Fault) as caught:
            await send(pool, HEAD, b"", "key", soon(0.03))
        assert (caught.value.kind, pool.waiting_count) == (Kind.OVERLOADED, 0)
        first.close()
        assert pool.idle_count == 1


async def test_a_cancelled_waiter_leaves_and_the_next_is_served(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=1)
        served: list[str] = []
        first = await ask(pool)
        tasks = await queued(pool, "ab", served)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        assert pool.waiting_count == 1
        first.close()
        await tasks[1]
        assert (served, pool.idle_count) == (["b"], 1)


@pytest.mark.parametrize("keeps", [True, False], ids=["connection", "slot"])
async def test_what_is_granted_to_a_waiter_cancelled_at_that_moment_is_not_lost(make_pool, keeps):
    reply = HELLO if keeps else OK + b"Connection: close\r\nContent-Length: 0\r\n\r\n"
    async with serve([Repeat([ReadRequest(), Send(reply)])]) as server:
        pool = make_pool(server.port, max_connections=1)
        served: list[str] = []
        first = await ask(pool)
        tasks = await queued(pool, "ab", served)
        first.close()  # grants to a ...
        tasks[0].cancel()  # ... which is cancelled before it runs
        await asyncio.wait(tasks)
        assert served == ["b"]
        assert pool.open_count == (1 if keeps else 0)


async def test_a_waiter_cancelled_just_before_a_grant_is_passed_over(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=1)
        served: list[str] = []
        first = await ask(pool)
        tasks = await queued(pool, "ab", served)
        tasks[0].cancel()  # its future is cancelled now, it leaves its lane later
        first.close()
        await asyncio.wait(tasks)
        assert (served, pool.idle_count) == (["b"], 1)


async def test_a_cancelled_connect_gives_its_slot_back(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port)
        task = asyncio.ensure_future(ask(pool))
        await asyncio.sleep(0)
        assert pool.open_count == 1
        task.cancel()
        await asyncio.wait([task])
        assert pool.open_count == 0


async def test_cancelling_a_call_at_any_step_leaves_the_counts_right(make_pool):
    async with serve(ANSWERING) as server:
        pool = make_pool(server.port, max_connections=2)
        for steps in range(40):
            calls = [asyncio.ensure_future(whole(pool, lane)) for lane in "abcabc"]
            for _ in range(steps):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert results[1::2] == [b"hello"] * 3
            assert pool.waiting_count == 0
            assert pool.open_count == pool.idle_count <= 2


async def test_a_failed_connect_gives_its_slot_to_the_next(make_pool):
    async with serve([Stall()]) as server:
        pass
    pool = make_pool(server.port, max_connections=1)
    results = await asyncio.gather(*(ask(pool) for _ in range(5)), return_exceptions=True)
    assert [result.kind for result in results] == [Kind.UPSTREAM_CONNECT] * 5
    assert pool.open_count == 0


class StuckDialer:
    """A dialer whose connections are never made."""

    def proxy_of(self, target: object) -> None:
        return None

    async def dial(self, target: object, protocol: object) -> None:
        await asyncio.Event().wait()


@pytest.mark.parametrize(("connect_s", "deadline_s"), [(0.02, 2.0), (2.0, 0.02)])
async def test_a_connect_is_given_up_at_its_limit_or_the_deadline(make_pool, connect_s, deadline_s):
    pool = make_pool(1, dialer=StuckDialer(), timeouts=Timeouts(connect_s=connect_s))
    started = monotonic()
    with pytest.raises(Fault) as caught:
        await send(pool, HEAD, b"", "key", soon(deadline_s))
    assert caught.value.kind == Kind.UPSTREAM_CONNECT
    assert monotonic() - started < 1
    assert pool.open_count == 0


async def test_a_retired_pool_closes_idle_connections_now_and_the_rest_when_they_are_free(
    make_pool,
):
    async with serve([ReadRequest(), Send(HELLO), UntilGone()]) as server:
        pool = make_pool(server.port)
        busy, idle = await ask(pool), await ask(pool)
        idle.close()
        pool.retire()
        assert (pool.open_count, pool.idle_count) == (1, 0)
        assert await busy.read_all(100, soon()) == b"hello"
        busy.close()
        assert pool.open_count == 0
        assert await whole(pool) == b"hello"
        assert pool.open_count == 0


async def test_closing_fails_those_who_wait_and_those_who_come(make_pool):
    async with serve([ReadRequest(), UntilGone()]) as server:
        pool = make_pool(server.port, max_connections=1)
        first = asyncio.ensure_future(ask(pool))
        await until(lambda: len(server.requests) == 1)
        tasks = await queued(pool, "a", [])
        await pool.close()
        results = await asyncio.gather(first, *tasks, return_exceptions=True)
        assert [result.kind for result in results] == [Kind.UPSTREAM_DISCONNECT, Kind.DRAINING]
        with pytest.raises(Fault) as caught:
            await ask(pool)
        assert caught.value.kind == Kind.DRAINING


async def test_closing_while_connecting_leaves_nothing(make_pool):
    async with serve([UntilGone()]) as server:
        pool = make_pool(server.port)
        task = asyncio.ensure_future(ask(pool))
        await asyncio.sleep(0)
        await pool.close()
        with pytest.raises(Fault):
            await task
        assert pool.open_count == 0


async def test_the_timer_runs_only_while_somebody_waits_or_something_may_expire(make_pool):
    go = asyncio.Event()
    async with serve(
        [ReadRequest(), Wait(go), Send(OK + b"Connection: close\r\n\r\n"), Close()]
    ) as server:
        pool = make_pool(server.port, sweep_s=0.001)
        assert pool._timer is None
        task = asyncio.ensure_future(ask(pool))
        await until(lambda: len(server.requests) == 1)
        assert pool._timer is not None
        go.set()
        (await task).close()
        await until(lambda: pool._timer is None)


async def test_a_connection_that_ends_between_grant_and_use_is_replaced(make_pool):
    reached = asyncio.Event()
    async with serve(ANSWERING, [Set(reached), *ANSWERING]) as server:
        pool = make_pool(server.port, max_connections=1)
        first = await ask(pool)
        connection: Connection = first.connection
        served: list[str] = []
        tasks = await queued(pool, "a", served)
        first.close()
        connection.abort()
        await asyncio.gather(*tasks)
        assert served == ["a"]
        assert reached.is_set()
