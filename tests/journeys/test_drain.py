"""The end of a gateway: running calls finish, new ones are sent elsewhere, what is left is told the truth."""

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from time import monotonic

from tests.gateways import in_loop, process
from tests.scripted import ReadRequest, Send, Set, Stall, UntilGone, Wait, serve
from tests.talk import (
    CHAT,
    DONE,
    END,
    Client,
    ask,
    chat,
    delta,
    healthy,
    in_thread,
    outcomes,
    request,
    stream_head,
    upstream,
    whole,
)

BEGUN = stream_head() + delta("Hello")
SHORT = "[server]\ndrain_s = 0.3\n"


async def test_sigterm_lets_a_stream_finish_and_sends_new_calls_elsewhere(tmp_path: Path) -> None:
    finish = asyncio.Event()
    script = [ReadRequest(), Send(BEGUN), Wait(finish), Send(delta("", "stop") + END), Stall()]
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serve(script))
        gateway = await stack.enter_async_context(
            in_thread(process(tmp_path, upstream("a", server)))
        )
        client = await stack.enter_async_context(Client(gateway))
        kept = await stack.enter_async_context(Client(gateway))
        assert (await kept.get("/health/ready")).status == 200
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = await client.piece()
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            while (await kept.get("/health/ready")).status == 200:
                await asyncio.sleep(0.01)
        not_ready = await kept.get("/health/ready")
        assert (not_ready.status, not_ready.json()["parts"]["server"]) == (503, "draining")
        assert (await kept.get("/health/live")).status == 200
        for refused in (await kept.ask(chat()), await ask(gateway, chat())):
            assert (refused.status, refused.error_type) == (503, "draining")
            assert refused.headers["retry-after"] == "1"
        assert len(server.requests) == 1
        finish.set()
        async for more in client.pieces():
            got += more
        assert got.endswith(DONE)
        assert await asyncio.to_thread(gateway.process.wait, 10) == 0
    assert outcomes(tmp_path, "call-1") == [("a", "ok")]


async def test_the_end_of_the_drain_ends_a_stream_with_an_error_event(tmp_path: Path) -> None:
    async with (
        serve([ReadRequest(), Send(BEGUN), UntilGone()]) as server,
        in_thread(process(tmp_path, SHORT + upstream("a", server))) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = await client.piece()
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        async for more in client.pieces():
            got += more
        assert b'"error_type":"draining"' in got
        assert got.endswith(DONE)
        await asyncio.wait_for(server.gone[0].wait(), 5)
        assert await asyncio.to_thread(gateway.process.wait, 10) == 0
    assert outcomes(tmp_path, "call-1") == [("a", "draining")]


async def test_the_end_of_the_drain_answers_a_call_that_had_no_byte_yet(tmp_path: Path) -> None:
    asked = asyncio.Event()
    async with (
        serve([ReadRequest(), Set(asked), UntilGone()]) as server,
        in_loop(tmp_path, SHORT + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(), call="call-1")
        await asyncio.wait_for(asked.wait(), 5)
        assert gateway.parts is not None
        gateway.parts.stop()
        answer = await client.answer()
    assert (answer.status, answer.error_type) == (503, "draining")
    assert answer.headers["retry-after"] == "1"
    assert outcomes(tmp_path, "call-1") == [("a", "draining")]


async def test_the_end_of_the_drain_ends_a_wait_for_a_retry(tmp_path: Path) -> None:
    limited = whole({"error": {"message": "later"}}, 429, {"retry-after": "15"})
    async with (
        serve([ReadRequest(), Send(limited), Stall()]) as server,
        in_loop(tmp_path, SHORT + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(), call="call-1")
        while not any("call-1" in line for line in gateway.log):
            await asyncio.sleep(0.01)
        assert gateway.parts is not None
        gateway.parts.stop()
        answer = await client.answer()
    assert (answer.status, answer.error_type) == (503, "draining")


async def test_a_second_signal_ends_calls_at_once(tmp_path: Path) -> None:
    async with (
        serve([ReadRequest(), Send(BEGUN), UntilGone()]) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = await client.piece()
        assert gateway.parts is not None
        gateway.parts.stop()
        await asyncio.sleep(0)
        gateway.parts.stop()
        async for more in client.pieces():
            got += more
        assert got.endswith(DONE)


async def test_idle_connections_do_not_hold_up_the_end(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as used,
        Client(gateway) as silent,
    ):
        assert (await used.ask(chat())).status == 200
        began = monotonic()
        assert gateway.parts is not None
        gateway.parts.stop()
        assert await used.until_closed() == b""
        assert await silent.until_closed() == b""
        assert monotonic() - began < 3


async def test_a_client_that_never_sends_its_body_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_thread(process(tmp_path, SHORT + upstream("a", server))) as gateway,
        Client(gateway) as client,
    ):
        headers = gateway.headers | {"content-length": "100"}
        await client.send(request("POST", CHAT, headers, b""))
        assert (await ask(gateway, chat())).status == 200
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.process.wait, 10) == 0


async def test_a_client_that_never_reads_does_not_hold_up_the_end(tmp_path: Path) -> None:
    flood = [Send(delta("x" * 16_000) * 200)] * 4
    async with (
        serve([ReadRequest(), Send(stream_head()), *flood, UntilGone()]) as server,
        in_thread(process(tmp_path, SHORT + upstream("a", server))) as gateway,
        Client(gateway, receive_buffer_bytes=4096) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(gateway.process.wait, 14) == 0
    assert outcomes(tmp_path, "call-1") == [("a", "draining")]


async def test_upstream_connections_are_closed_at_the_end(tmp_path: Path) -> None:
    script = [ReadRequest(), Send(whole()), UntilGone()]
    async with serve(script) as server:
        async with in_loop(tmp_path, upstream("a", server)) as gateway:
            assert (await ask(gateway, chat())).status == 200
        await asyncio.wait_for(server.gone[0].wait(), 5)
