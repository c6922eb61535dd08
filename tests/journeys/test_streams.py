"""Streams: each event as it comes, comments while the model is silent, and very many of them at once."""

import asyncio
import re
from pathlib import Path
from time import monotonic

import pytest

from tests.gateways import in_loop, process
from tests.scripted import (
    ReadRequest,
    Repeat,
    Reset,
    Send,
    Set,
    Stall,
    Wait,
    serve,
)
from tests.talk import (
    ANSWER,
    DONE,
    END,
    STREAM,
    USAGE,
    Client,
    SendAsAsked,
    ask,
    chat,
    delta,
    event,
    in_thread,
    outcomes,
    piece,
    replying,
    stream_head,
    upstream,
    whole,
)

TALKATIVE = "[server]\ncomment_interval_s = 0.2\n"
COMMENT = b": KILO PROCESSING\n\n"


async def _get(gateway, path):
    async with Client(gateway) as client:
        return await client.get(path)


async def test_the_end_of_a_slow_stream_and_a_comment_do_each_other_no_harm(tmp_path: Path) -> None:
    """A comment falls due between the end of the client's answer and that of the upstream's body."""
    ended = asyncio.Event()
    begun = stream_head() + delta("Hello", "stop")
    finish = [Wait(ended), Send(event(b"[DONE]")), Stall()]
    async with (
        serve([ReadRequest(), Send(begun), *finish], [ReadRequest(), SendAsAsked()]) as server,
        in_loop(tmp_path, TALKATIVE + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = b""
        while COMMENT not in got:
            got += await client.piece()
        # The next sweep comes a second after this one: let the stream end just before it.
        await asyncio.sleep(0.9)
        ended.set()
        async for more in client.pieces():
            got += more
        assert got.endswith(DONE)
        async with asyncio.timeout(5):
            while not any("call-1" in line for line in gateway.log):
                await asyncio.sleep(0.02)
        assert (await client.ask(chat())).status == 200
        assert (await _get(gateway, "/health/ready")).status == 200


async def test_a_silent_stream_is_kept_alive_by_comments(tmp_path: Path) -> None:
    commented = asyncio.Event()
    rest = delta(" world", "stop") + USAGE + END
    script = [ReadRequest(), Send(stream_head() + delta()), Wait(commented), Send(rest), Stall()]
    async with (
        serve(script) as server,
        in_loop(tmp_path, TALKATIVE + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = b""
        while COMMENT not in got:
            got += await client.piece()
        commented.set()
        async for more in client.pieces():
            got += more
    assert re.fullmatch(rb"(data: .*\n\n|: KILO PROCESSING\n\n)+", got)
    assert got.endswith(DONE)
    assert outcomes(tmp_path, "call-1") == [("a", "ok")]


async def test_comments_begin_before_upstream_has_answered_and_another_can_still_take_over(
    tmp_path: Path,
) -> None:
    commented = asyncio.Event()
    async with (
        serve([ReadRequest(), Wait(commented), Reset()]) as first,
        replying(STREAM) as second,
        in_loop(
            tmp_path, TALKATIVE + upstream("a", first, 1) + upstream("b", second, 2)
        ) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        head = await client.head()
        assert await client.piece() == COMMENT
        commented.set()
        got = b""
        async for more in client.pieces():
            got += more
    assert (head.status, head.headers["content-type"][:17]) == (200, "text/event-stream")
    assert got.replace(COMMENT, b"").startswith(b'data: {"id":"chatcmpl-1"')
    assert got.endswith(DONE)
    assert outcomes(tmp_path, "call-1") == [("a", "upstream_disconnect"), ("b", "ok")]


@pytest.mark.parametrize(
    ("reply", "outcome", "status"),
    [
        (whole({"error": {"message": "broken"}}, 500), "upstream_error", 502),
        (whole(), "upstream_invalid_reply", 502),
    ],
    ids=["an error", "a whole answer"],
)
async def test_an_opened_stream_ends_with_an_error_event_when_nobody_streams(
    tmp_path: Path, reply: bytes, outcome: str, status: int
) -> None:
    commented = asyncio.Event()
    limits = "[routing]\nmax_attempts = 1\n"
    async with (
        serve([ReadRequest(), Wait(commented), Send(reply), Stall()]) as server,
        in_loop(tmp_path, limits + TALKATIVE + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        assert await client.piece() == COMMENT
        commented.set()
        got = b""
        async for more in client.pieces():
            got += more
    assert b'"code":%d' % status in got
    assert got.endswith(DONE)
    assert outcomes(tmp_path, "call-1") == [("a", outcome)]


async def test_a_whole_answer_is_never_preceded_by_comments(tmp_path: Path) -> None:
    asked, wait = asyncio.Event(), asyncio.Event()
    async with (
        serve([ReadRequest(), Set(asked), Wait(wait), Send(whole()), Stall()]) as server,
        in_loop(tmp_path, TALKATIVE + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat())
        await asyncio.wait_for(asked.wait(), 5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.6):
                await client.reader.readexactly(1)
        wait.set()
        answer = await client.answer()
    assert answer.json()["id"] == ANSWER["id"]


async def test_a_stream_passes_on_each_event_as_it_comes(tmp_path: Path) -> None:
    steps = [asyncio.Event() for _ in range(3)]
    script = [ReadRequest(), Send(stream_head())]
    for number, step in enumerate(steps):
        script += [Send(delta(f"part {number}")), Wait(step)]
    script += [Send(delta("", "stop") + END), Stall()]
    async with (
        serve(script) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True))
        await client.head()
        for number, step in enumerate(steps):
            assert f"part {number}".encode() in await client.piece()
            step.set()
        async for _ in client.pieces():
            pass


async def test_events_that_come_in_single_bytes_leave_whole(tmp_path: Path) -> None:
    event_bytes = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"\xc3\xa4"}}]}\n\n'
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    script = [ReadRequest(), Send(stream_head())]
    script += [Send(piece(bytes([byte]))) for byte in event_bytes]
    script += [Send(piece(end) + b"0\r\n\r\n"), Stall()]
    async with (
        serve(script) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True))
        await client.head()
        assert await client.piece() == event_bytes
        async for _ in client.pieces():
            pass


STREAMS = 1000


async def test_a_thousand_slow_streams_from_one_upstream_run_side_by_side(tmp_path: Path) -> None:
    """All are open at once before the first one may end."""
    finish = asyncio.Event()
    rest = delta(" world", "stop") + END
    script = [
        Repeat([ReadRequest(), Send(stream_head() + delta()), Wait(finish), Send(rest)]),
    ]
    began = monotonic()
    async with serve(script) as server:
        config = upstream("a", server, max_connections=STREAMS + 10)
        config += "[telemetry]\ncall_log = false\n"
        async with in_thread(process(tmp_path, config)) as gateway:
            assert gateway.process is not None
            await ask(gateway, chat("nothing-of-that-name"))
            before = _memory_kb(gateway.process.pid)
            begun = asyncio.Semaphore(0)

            async def one() -> bytes:
                async with Client(gateway) as client:
                    await client.post(chat(stream=True))
                    await client.head()
                    got = await client.piece()
                    begun.release()
                    async for more in client.pieces():
                        got += more
                    return got

            streams = [asyncio.ensure_future(one()) for _ in range(STREAMS)]
            for _ in range(STREAMS):
                await begun.acquire()
            assert len(server.requests) == STREAMS
            finish.set()
            answers = await asyncio.gather(*streams)
            after = _memory_kb(gateway.process.pid)
    assert all(answer.endswith(DONE) for answer in answers)
    assert after - before < 100 * 1024
    assert monotonic() - began < 60


def _memory_kb(pid: int) -> int:
    """The most memory that a process has had."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1])
