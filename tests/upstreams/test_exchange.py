"""One request and its reply over real sockets: every way in which an upstream may behave."""

import asyncio
import gzip
from time import monotonic

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.exchange import Exchange, Timeouts, send
from kilo_gateway.upstreams.pool import Pool
from tests.scripted import (
    Close,
    HalfClose,
    ReadHead,
    ReadRequest,
    Repeat,
    Reset,
    Send,
    Stall,
    UntilGone,
    Wait,
    serve,
)

BOTH_LOOPS = True

OK = b"HTTP/1.1 200 OK\r\n"
HELLO = OK + b"Content-Length: 5\r\n\r\nhello"
EVENTS = b"".join(b'data: {"n":%d}\n\n' % n for n in range(5)) + b"data: [DONE]\n\n"
WITH_LENGTH = OK + b"Content-Length: %d\r\n\r\n%s" % (len(EVENTS), EVENTS)
IN_CHUNKS = OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
    b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (EVENTS[:7], EVENTS[7:30], EVENTS[30:])
) + b"0\r\n\r\n"  # fmt: skip


def soon(seconds: float = 2.0) -> float:
    return monotonic() + seconds


def head(body: bytes = b"") -> bytes:
    return b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(
        body
    )


async def ask(
    pool: Pool, body: bytes = b"{}", *, lane: str = "key", deadline: float | None = None
) -> Exchange:
    return await send(pool, head(body), body, lane, deadline or soon())


async def whole(pool: Pool, body: bytes = b"{}") -> bytes:
    exchange = await ask(pool, body)
    try:
        return await exchange.read_all(1 << 20, soon())
    finally:
        exchange.close()


async def fault_of(pool: Pool, *, deadline: float | None = None) -> tuple[Fault, bytes]:
    """The fault of a call and the body bytes that came before it."""
    came: list[bytes] = []
    with pytest.raises(Fault) as caught:
        await collect(pool, came, deadline)
    return caught.value, b"".join(came)


async def collect(pool: Pool, came: list[bytes], deadline: float | None) -> None:
    exchange = await ask(pool, deadline=deadline)
    try:
        while data := await exchange.read(soon()):
            came.append(data)
    finally:
        exchange.close()


async def test_a_call_sends_its_head_and_body_and_gets_status_headers_and_body(make_pool):
    async with serve(
        [ReadRequest(), Send(b"HTTP/1.1 201 Made\r\nX-A: b\r\n" + HELLO[17:]), Stall()]
    ) as server:
        exchange = await ask(make_pool(server.port), b'{"a":1}')
        assert (exchange.status, exchange.headers[b"x-a"]) == (201, b"b")
        assert await exchange.read_all(100, soon()) == b"hello"
        exchange.close()
    assert server.requests[0].line == b"POST /v1/chat/completions HTTP/1.1"
    assert server.requests[0].body == b'{"a":1}'


async def test_a_connection_is_used_again_after_a_complete_reply(make_pool):
    async with serve([Repeat([ReadRequest(), Send(HELLO)])]) as server:
        pool = make_pool(server.port)
        for _ in range(3):
            assert await whole(pool) == b"hello"
        assert (pool.open_count, pool.idle_count, server.accepted) == (1, 1, 1)


async def test_a_stream_is_read_as_it_comes(make_pool):
    more = asyncio.Event()
    script = [ReadRequest(), Send(IN_CHUNKS[:60]), Wait(more), Send(IN_CHUNKS[60:]), Stall()]
    async with serve(script) as server:
        exchange = await ask(make_pool(server.port))
        first = await exchange.read(soon())
        assert first
        assert EVENTS.startswith(first)
        more.set()
        rest = b""
        while data := await exchange.read(soon()):
            rest += data
        assert first + rest == EVENTS
        assert await exchange.read(soon()) == b""
        exchange.close()


async def test_read_gives_none_at_its_deadline_and_may_be_called_again(make_pool):
    more = asyncio.Event()
    async with serve([ReadRequest(), Send(HELLO[:-2]), Wait(more), Send(b"lo"), Stall()]) as server:
        exchange = await ask(make_pool(server.port))
        assert await exchange.read(soon()) == b"hel"
        assert await exchange.read(soon(0.02)) is None
        assert await exchange.read(monotonic() - 1) is None
        more.set()
        assert await exchange.read(soon()) == b"lo"
        assert await exchange.read(soon()) == b""
        exchange.close()


async def test_refused(make_pool):
    async with serve([Stall()]) as server:
        pass
    fault, _ = await fault_of(make_pool(server.port))
    assert fault.kind == Kind.UPSTREAM_CONNECT
    assert "acme" in fault.message
    assert "127.0.0.1" not in fault.message


async def test_a_reset_before_the_reply(make_pool):
    async with serve([ReadRequest(), Reset()]) as server:
        fault, _ = await fault_of(make_pool(server.port))
    assert fault.kind == Kind.UPSTREAM_DISCONNECT
    assert "fresh connection, no byte" in fault.detail


async def test_a_close_without_reading_the_request(make_pool):
    async with serve([Close()]) as server:
        fault, _ = await fault_of(make_pool(server.port))
    assert fault.kind in {Kind.UPSTREAM_DISCONNECT, Kind.UPSTREAM_CONNECT}


async def test_the_detail_of_a_cut_on_a_reused_connection_says_so(make_pool):
    async with serve([ReadRequest(), Send(HELLO), ReadRequest(), Close()]) as server:
        pool = make_pool(server.port)
        await whole(pool)
        fault, _ = await fault_of(pool)
    assert fault.kind == Kind.UPSTREAM_DISCONNECT
    assert "reused connection, no byte" in fault.detail
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "ending", [Close(), Reset(), HalfClose()], ids=["close", "reset", "half-close"]
)
async def test_a_cut_in_the_head(make_pool, ending):
    async with serve([ReadRequest(), Send(HELLO[:20]), ending, UntilGone()]) as server:
        fault, _ = await fault_of(make_pool(server.port))
    assert fault.kind == Kind.UPSTREAM_DISCONNECT
    if not isinstance(ending, Reset):
        assert "some bytes" in fault.detail


async def test_a_cut_in_mid_chunk_gives_what_came_and_then_the_fault(make_pool):
    async with serve([ReadRequest(), Send(IN_CHUNKS[:60]), Close()]) as server:
        fault, came = await fault_of(make_pool(server.port))
    assert fault.kind == Kind.UPSTREAM_DISCONNECT
    assert came
    assert EVENTS.startswith(came)


async def test_garbage(make_pool):
    async with serve([ReadRequest(), Send(b"<html>no</html>"), UntilGone()]) as server:
        pool = make_pool(server.port)
        fault, _ = await fault_of(pool)
        assert fault.kind == Kind.UPSTREAM_GARBAGE
        await asyncio.wait_for(server.gone[0].wait(), 2)
        assert pool.open_count == 0


async def test_garbage_in_the_body_comes_after_what_was_good(make_pool):
    data = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"
    async with serve([ReadRequest(), Send(data), UntilGone()]) as server:
        fault, came = await fault_of(make_pool(server.port))
    assert (fault.kind, came) == (Kind.UPSTREAM_GARBAGE, b"ok")


async def test_a_stall_before_the_head_ends_at_the_deadline(make_pool):
    async with serve([ReadRequest(), UntilGone()]) as server:
        pool = make_pool(server.port)
        fault, _ = await fault_of(pool, deadline=soon(0.03))
        assert fault.kind == Kind.UPSTREAM_TIMEOUT
        await asyncio.wait_for(server.gone[0].wait(), 2)


async def test_without_a_deadline_the_time_to_the_first_byte_is_limited(make_pool):
    async with serve([ReadRequest(), UntilGone()]) as server:
        pool = make_pool(server.port, timeouts=Timeouts(first_byte_s=0.03))
        with pytest.raises(Fault) as caught:
            await send(pool, head(), b"", "key", None)
    assert caught.value.kind == Kind.UPSTREAM_TIMEOUT


async def test_read_all_ends_at_its_deadline(make_pool):
    async with serve([ReadRequest(), Send(HELLO[:-1]), UntilGone()]) as server:
        exchange = await ask(make_pool(server.port))
        with pytest.raises(Fault) as caught:
            await exchange.read_all(100, soon(0.03))
        exchange.close()
    assert caught.value.kind == Kind.UPSTREAM_TIMEOUT


async def test_read_all_refuses_more_than_its_limit(make_pool):
    async with serve([ReadRequest(), Send(HELLO), Stall()]) as server:
        exchange = await ask(make_pool(server.port))
        with pytest.raises(Fault) as caught:
            await exchange.read_all(4, soon())
        exchange.close()
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


async def test_a_body_may_end_with_the_connection(make_pool):
    async with serve([ReadRequest(), Send(OK + b"\r\n" + EVENTS), Close()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool) == EVENTS
        assert pool.open_count == 0


async def test_a_reset_does_not_end_such_a_body(make_pool):
    arrived = asyncio.Event()
    async with serve([ReadRequest(), Send(OK + b"\r\nhello"), Wait(arrived), Reset()]) as server:
        exchange = await ask(make_pool(server.port))
        assert await exchange.read(soon()) == b"hello"
        arrived.set()
        with pytest.raises(Fault) as caught:
            await exchange.read(soon())
        exchange.close()
    assert caught.value.kind == Kind.UPSTREAM_DISCONNECT


async def test_closing_the_pool_does_not_end_such_a_body_either(make_pool):
    async with serve([ReadRequest(), Send(OK + b"\r\nhello"), UntilGone()]) as server:
        pool = make_pool(server.port)
        exchange = await ask(pool)
        assert await exchange.read(soon()) == b"hello"
        await pool.close()
        with pytest.raises(Fault) as caught:
            await exchange.read(soon())
        exchange.close()
    assert caught.value.kind == Kind.UPSTREAM_DISCONNECT


async def test_informational_replies_are_skipped(make_pool):
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with serve([ReadRequest(), Send(hints + HELLO, every=7), Stall()]) as server:
        assert await whole(make_pool(server.port)) == b"hello"


async def test_an_empty_reply(make_pool):
    async with serve([ReadRequest(), Send(b"HTTP/1.1 204 No Content\r\n\r\n"), Stall()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool) == b""
        assert pool.idle_count == 1


async def test_bytes_after_the_end_leave_the_reply_but_not_the_connection(make_pool):
    async with serve([ReadRequest(), Send(HELLO + b"HTTP/1.1 200 evil"), UntilGone()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool) == b"hello"
        assert pool.open_count == 0


async def test_connection_close_is_respected(make_pool):
    reply = OK + b"Connection: close\r\nContent-Length: 5\r\n\r\nhello"
    async with serve([ReadRequest(), Send(reply), UntilGone()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool) == b"hello"
        assert pool.open_count == 0


async def test_an_early_reply_is_seen_while_the_body_is_still_being_written(make_pool):
    reply = b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"
    async with serve([ReadHead(), Send(reply), Stall()]) as server:
        pool = make_pool(server.port)
        exchange = await ask(pool, b"x" * 30_000_000)
        assert exchange.status == 413
        assert await exchange.read_all(100, soon()) == b"big"
        exchange.close()
        assert pool.open_count == 0


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 262_144, 262_145, 5_000_000])
async def test_bodies_of_all_sizes_arrive_whole(make_pool, size):
    body = bytes(range(256)) * (size // 256 + 1)
    body = body[:size]
    async with serve([ReadRequest(), Send(HELLO), Stall()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool, body) == b"hello"
        assert pool.idle_count == 1
    assert server.requests[0].body == body


async def test_a_reader_that_waits_holds_the_upstream_back(make_pool):
    size = 40_000_000
    async with serve(
        [ReadRequest(), Send(OK + b"Content-Length: %d\r\n\r\n" % size), Send(b"x" * size), Stall()]
    ) as server:
        exchange = await ask(make_pool(server.port))
        connection = exchange.connection
        while not connection._is_reading_paused:
            await asyncio.sleep(0)
        for _ in range(50):
            await asyncio.sleep(0)
        assert connection.reply.buffered_bytes < 2_000_000
        got = 0
        while data := await exchange.read(soon()):
            got += len(data)
        exchange.close()
    assert got == size


async def test_an_encoded_stream_is_decoded_as_it_comes(make_pool):
    packed = gzip.compress(EVENTS)
    reply = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with serve([ReadRequest(), Send(reply, every=11), Stall()]) as server:
        pool = make_pool(server.port)
        assert await whole(pool) == EVENTS
        assert pool.idle_count == 1


async def test_a_truncated_encoding_is_garbage_after_what_was_good(make_pool):
    packed = gzip.compress(EVENTS)[:-4]
    reply = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with serve([ReadRequest(), Send(reply), Stall()]) as server:
        fault, came = await fault_of(make_pool(server.port))
    assert (fault.kind, came) == (Kind.UPSTREAM_GARBAGE, EVENTS)


async def test_an_unknown_encoding_is_garbage_and_leaks_no_connection(make_pool):
    async with serve(
        [ReadRequest(), Send(OK + b"Content-Encoding: lzma\r\n" + HELLO[17:]), UntilGone()]
    ) as server:
        pool = make_pool(server.port)
        fault, _ = await fault_of(pool)
        assert fault.kind == Kind.UPSTREAM_GARBAGE
        assert pool.open_count == 0


async def test_a_bomb_is_stopped_by_the_limit(make_pool):
    packed = gzip.compress(bytes(50_000_000))
    reply = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    async with serve([ReadRequest(), Send(reply), UntilGone()]) as server:
        exchange = await ask(make_pool(server.port))
        with pytest.raises(Fault) as caught:
            await exchange.read_all(1_000_000, soon())
        exchange.close()
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


async def test_closing_early_aborts_the_connection_and_closing_twice_is_harmless(make_pool):
    async with serve([ReadRequest(), Send(HELLO[:-1]), UntilGone()]) as server:
        pool = make_pool(server.port)
        exchange = await ask(pool)
        exchange.close()
        exchange.close()
        assert pool.open_count == 0
        await asyncio.wait_for(server.gone[0].wait(), 2)


async def test_a_complete_reply_that_nobody_read_still_gives_its_connection_back(make_pool):
    async with serve([Repeat([ReadRequest(), Send(HELLO)])]) as server:
        pool = make_pool(server.port)
        (await ask(pool)).close()
        assert pool.idle_count == 1
        assert await whole(pool) == b"hello"
        assert server.accepted == 1


async def test_reading_after_close_is_an_error_of_the_caller(make_pool):
    async with serve([ReadRequest(), Send(HELLO), Stall()]) as server:
        exchange = await ask(make_pool(server.port))
        exchange.close()
        with pytest.raises(RuntimeError):
            await exchange.read(soon())


async def test_a_cancelled_send_aborts_its_connection(make_pool):
    async with serve([ReadRequest(), UntilGone()]) as server:
        pool = make_pool(server.port)
        task = asyncio.ensure_future(ask(pool))
        while not server.requests:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert pool.open_count == 0
        await asyncio.wait_for(server.gone[0].wait(), 2)


async def test_a_cancelled_read_may_be_followed_by_another(make_pool):
    more = asyncio.Event()
    async with serve([ReadRequest(), Send(HELLO[:-2]), Wait(more), Send(b"lo"), Stall()]) as server:
        pool = make_pool(server.port)
        exchange = await ask(pool)
        assert await exchange.read(soon()) == b"hel"
        task = asyncio.ensure_future(exchange.read(soon()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        more.set()
        assert await exchange.read(soon()) == b"lo"
        assert await exchange.read(soon()) == b""
        exchange.close()
        assert pool.idle_count == 1


@pytest.mark.parametrize("recorded", [WITH_LENGTH, IN_CHUNKS], ids=["content-length", "chunked"])
async def test_a_reply_cut_at_any_byte_gives_a_prefix_and_the_right_fault(make_pool, recorded):
    scripts = [[ReadRequest(), Send(recorded[:cut]), Close()] for cut in range(len(recorded))]
    async with serve(*scripts) as server:
        pool = make_pool(server.port)
        for cut in range(len(recorded)):
            fault, came = await fault_of(pool)
            assert fault.kind == Kind.UPSTREAM_DISCONNECT, cut
            assert EVENTS.startswith(came), cut
            assert ("no byte" in fault.detail) == (cut == 0), cut
        assert pool.open_count == 0
    async with serve([ReadRequest(), Send(recorded, every=1), Stall()]) as server:
        assert await whole(make_pool(server.port)) == EVENTS
