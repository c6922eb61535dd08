"""Clients that leave at any time, and clients that read slowly or not at all."""

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from tests.gateways import in_loop
from tests.scripted import (
    Peer,
    ReadRequest,
    Send,
    Set,
    Stall,
    UntilGone,
    serve,
)
from tests.talk import (
    DONE,
    END,
    USAGE,
    Client,
    chat,
    delta,
    event,
    ledger,
    outcomes,
    replying,
    stream_head,
    upstream,
    whole,
)

TALKATIVE = "[server]\ncomment_interval_s = 0.2\n"
COMMENT = b": KILO PROCESSING\n\n"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("leaves", ["in order", "by a reset"])
async def test_a_client_that_leaves_before_the_first_byte_ends_the_attempt(
    tmp_path: Path, stream: bool, leaves: str
) -> None:
    """gateway-cases J26."""
    asked = asyncio.Event()
    async with (
        serve([ReadRequest(), Set(asked), UntilGone()]) as server,
        replying(whole()) as second,
        in_loop(tmp_path, upstream("a", server, 1) + upstream("b", second, 2)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=stream), call="call-1")
        await asyncio.wait_for(asked.wait(), 5)
        if leaves == "in order":
            await client.leave()
        else:
            client.vanish()
        await asyncio.wait_for(server.gone[0].wait(), 5)
        assert not second.requests
        metrics = (await _get(gateway, "/metrics")).body
    assert b"client_disconnect" in metrics
    (row,) = ledger(tmp_path)["call-1"]
    assert (row["outcome"], row["usage_source"]) == ("client_disconnect", "estimated")
    assert (row["output_tokens"], bool(row["has_error"])) == (0, True)
    assert row["input_tokens"] == row["estimated_input_tokens"] > 0


async def test_a_client_that_leaves_in_the_stream_ends_the_attempt(tmp_path: Path) -> None:
    """gateway-cases J27 and L6: what was streamed is estimated and billed."""
    script = [ReadRequest(), Send(stream_head() + delta("Hello") + delta(" world")), UntilGone()]
    prices = '[models."m"]\ninput_price = 1.0\noutput_price = 1.0\n'
    async with (
        serve(script) as server,
        in_loop(tmp_path, prices + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        got = b""
        while b"world" not in got:
            got += await client.piece()
        client.vanish()
        await asyncio.wait_for(server.gone[0].wait(), 5)
    (row,) = ledger(tmp_path)["call-1"]
    assert (row["outcome"], row["usage_source"]) == ("client_disconnect", "estimated")
    assert row["output_tokens"] >= 2
    assert row["cost_nanodollars"] == (row["input_tokens"] + row["output_tokens"]) * 1000


async def test_a_client_that_leaves_during_the_wait_for_a_retry_ends_the_call(
    tmp_path: Path,
) -> None:
    limited = whole({"error": {"message": "later"}}, 429, {"retry-after": "15"})
    replied = asyncio.Event()
    async with (
        serve([ReadRequest(), Send(limited), Set(replied), Stall()]) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
    ):
        async with Client(gateway) as client:
            await client.post(chat(), call="call-1")
            await asyncio.wait_for(replied.wait(), 5)
            while not any("call-1" in line for line in gateway.log):
                await asyncio.sleep(0.01)
        began = monotonic()
        assert gateway.parts is not None
        gateway.parts.stop()
    assert monotonic() - began < 5
    assert outcomes(tmp_path, "call-1") == [("a", "rate_limit_exceeded")]


async def test_the_next_call_of_a_connection_is_also_seen_to_be_left(tmp_path: Path) -> None:
    """The end of the first stream is still being read when the second call of the same connection has begun."""
    second_asked = asyncio.Event()
    no_last_piece = stream_head() + delta("Hello", "stop") + event(b"[DONE]")
    async with (
        serve(
            [ReadRequest(), Send(no_last_piece), Stall()],
            [ReadRequest(), Set(second_asked), UntilGone()],
        ) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        first = await client.ask(chat(stream=True), call="call-1")
        assert first.body.endswith(DONE)
        await client.post(chat(stream=True), call="call-2")
        await asyncio.wait_for(second_asked.wait(), 5)
        async with asyncio.timeout(5):
            while not any("call-1" in line for line in gateway.log):
                await asyncio.sleep(0.01)
        client.vanish()
        await asyncio.wait_for(server.gone[1].wait(), 5)
    assert outcomes(tmp_path, "call-2") == [("a", "client_disconnect")]


@dataclass
class SendUntilBlocked:
    """Send events for ever; `sent_bytes` is how much the socket has taken. Small socket buffers, so that it tells."""

    sent_bytes: int = 0
    limit_bytes: int = 64 * 1024 * 1024

    async def play(self, peer: Peer) -> None:
        sock = peer.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        peer.writer.transport.set_write_buffer_limits(high=65536)
        block = delta("x" * 16_000)
        try:
            while self.sent_bytes < self.limit_bytes:
                peer.writer.write(block)
                await peer.writer.drain()
                self.sent_bytes += len(block)
        except ConnectionError:
            peer.server.gone[peer.number].set()


async def test_a_client_that_reads_slowly_holds_up_the_upstream(tmp_path: Path) -> None:
    flood = SendUntilBlocked()
    async with (
        serve([ReadRequest(), Send(stream_head()), flood, UntilGone()]) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway, receive_buffer_bytes=4096) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        async with asyncio.timeout(10):
            before = -1
            while before != flood.sent_bytes or flood.sent_bytes == 0:
                before = flood.sent_bytes
                await asyncio.sleep(0.2)
        held = flood.sent_bytes
        assert held < 8 * 1024 * 1024  # most of it in the kernel's buffers of three sockets
        for _ in range(20):
            await client.piece()
        async with asyncio.timeout(10):
            while flood.sent_bytes == held:
                await asyncio.sleep(0.01)
                await client.piece()
        client.vanish()
        await asyncio.wait_for(server.gone[0].wait(), 5)
    assert outcomes(tmp_path, "call-1") == [("a", "client_disconnect")]


async def test_a_client_that_stops_reading_is_given_up(tmp_path: Path) -> None:
    """server.client_timeout_s also limits how long a client may take to accept bytes."""
    flood = SendUntilBlocked()
    config = "[server]\nclient_timeout_s = 0.5\n"
    async with (
        serve([ReadRequest(), Send(stream_head()), flood, UntilGone()]) as server,
        in_loop(tmp_path, config + upstream("a", server)) as gateway,
        Client(gateway, receive_buffer_bytes=4096) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        await asyncio.wait_for(server.gone[0].wait(), 8)
    assert outcomes(tmp_path, "call-1") == [("a", "client_disconnect")]


async def test_a_slow_client_and_keep_alive_comments_do_each_other_no_harm(tmp_path: Path) -> None:
    """A comment falls due while the last bytes of the stream wait for the client: the gateway must go on."""
    flood = SendUntilBlocked(limit_bytes=4 * 1024 * 1024)
    async with (
        serve([ReadRequest(), Send(stream_head()), flood, Send(USAGE + END), Stall()]) as server,
        in_loop(tmp_path, TALKATIVE + upstream("a", server)) as gateway,
        Client(gateway, receive_buffer_bytes=4096) as client,
    ):
        await client.post(chat(stream=True), call="call-1")
        await client.head()
        before, since = -1, monotonic()
        async with asyncio.timeout(10):
            while before != flood.sent_bytes or monotonic() - since < 2.5:
                before = flood.sent_bytes
                await asyncio.sleep(0.2)
        got = b""
        async for more in client.pieces():
            got = got[-100:] + more
        assert got.rstrip().endswith(DONE.rstrip())
        assert (await _get(gateway, "/health/ready")).status == 200
    assert outcomes(tmp_path, "call-1") == [("a", "ok")]


async def _get(gateway, path):
    async with Client(gateway) as client:
        return await client.get(path)
