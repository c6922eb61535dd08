"""What a client sends: the credential from every usual header; a body piece by piece, bounded before and after decompression."""

import asyncio
import gzip
from contextlib import suppress

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.request import ClientGoneError, Inbound, credential, decompress, read_body

LIMIT = 10_000
BODY = b'{"model":"small"}'


def messages(*pieces, gone=False):
    """What the listener hands over: the pieces of a body, then its end, or the end of the connection if it is gone."""
    waiting = iter([piece for piece in pieces if piece])

    async def next_piece():
        for piece in waiting:
            return piece
        if gone:
            raise ClientGoneError
        return b""

    return next_piece


async def refused(receive, headers=None, limit=LIMIT):
    with pytest.raises(Fault) as caught:
        await read_body(receive, headers or {}, limit)
    return caught.value


def undo(body, encoding, limit=LIMIT):
    with pytest.raises(Fault) as caught:
        decompress(body, encoding, limit)
    return caught.value


def zstd(*pieces):
    """A frame that does not declare its size, as a streaming client makes it."""
    compressor = zstandard.ZstdCompressor().compressobj()
    return b"".join(compressor.compress(piece) for piece in pieces) + compressor.flush()


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({}, None),
        ({b"authorization": b"Bearer k1"}, b"k1"),
        ({b"authorization": b"bEARER   k1  "}, b"k1"),
        ({b"x-api-key": b"k1"}, b"k1"),
        ({b"x-goog-api-key": b"k1"}, b"k1"),
        ({b"api-key": b" k1 "}, b"k1"),
        ({b"authorization": b"Bearer k1", b"x-api-key": b"k2"}, b"k1"),
        ({b"authorization": b"Bearer anonymous"}, None),
        ({b"authorization": b"Bearer anonymous", b"x-api-key": b"k2"}, b"k2"),
        ({b"authorization": b"Bearer "}, None),
        ({b"authorization": b"Bearer"}, None),
        ({b"authorization": b"Basic YW5uOnB3"}, None),
        ({b"authorization": b"k1"}, None),
        ({b"x-api-key": b"   "}, None),
        ({b"authorization": b"Bearer \xff\xfe"}, b"\xff\xfe"),
    ],
)
def test_the_key_is_found_where_clients_put_it(headers, key):
    assert credential(headers) == key


async def test_a_body_in_one_piece_is_that_piece():
    assert await read_body(messages(BODY), {}, LIMIT) is BODY


@given(st.lists(st.binary(max_size=50), min_size=1))
async def test_a_body_in_pieces_is_put_together(pieces):
    assert await read_body(messages(*pieces), {}, LIMIT) == b"".join(pieces)


async def test_no_body_is_an_empty_one():
    assert await read_body(messages(b""), {}, LIMIT) == b""


async def test_a_body_of_exactly_the_limit_is_taken():
    assert len(await read_body(messages(b"x" * LIMIT), {}, LIMIT)) == LIMIT


@pytest.mark.parametrize(
    "pieces",
    [(b"x" * (LIMIT + 1),), (b"x" * LIMIT, b"x"), (b"x", b"x" * LIMIT), (b"x",) * (LIMIT + 1)],
)
async def test_one_byte_more_is_a_413_that_names_the_setting(pieces):
    fault = await refused(messages(*pieces))
    assert (fault.kind, fault.status) == (Kind.BODY_TOO_LARGE, 413)
    assert "10,000" in fault.message
    assert "server.max_body_bytes" in fault.message


async def test_a_declared_size_over_the_limit_is_refused_before_anything_is_read():
    async def receive():
        raise AssertionError("the body was read")

    fault = await refused(receive, {b"content-length": b"10001"})
    assert fault.kind is Kind.BODY_TOO_LARGE


async def test_an_endless_body_is_cut_off_at_the_limit():
    read = 0

    async def receive():
        nonlocal read
        read += 1000
        return b"x" * 1000

    assert (await refused(receive)).kind is Kind.BODY_TOO_LARGE
    assert read <= LIMIT + 1000


@pytest.mark.parametrize("pieces", [(), (b"{",), (b"{", b'"a"')])
async def test_a_client_that_leaves_while_it_sends_is_nobody_to_answer(pieces):
    with pytest.raises(ClientGoneError):
        await read_body(messages(*pieces, gone=True), {}, LIMIT)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (b"gzip", gzip.compress(BODY)),
        (b" GZip ", gzip.compress(BODY)),
        (b"x-gzip", gzip.compress(BODY)),
        (b"zstd", zstandard.ZstdCompressor().compress(BODY)),
        (b"zstd", zstd(BODY)),
        (b"identity", BODY),
        (b"", BODY),
    ],
)
async def test_a_compressed_body_is_decompressed(encoding, body):
    assert (
        await read_body(messages(body[:5], body[5:]), {b"content-encoding": encoding}, LIMIT)
        == BODY
    )


@given(st.binary(max_size=LIMIT))
def test_what_was_compressed_comes_back(body):
    assert decompress(gzip.compress(body), b"gzip", LIMIT) == body
    assert decompress(zstd(body), b"zstd", LIMIT) == body


@pytest.mark.parametrize("encoding", [b"br", b"deflate", b"gzip, zstd", b"\xff", b"compress"])
def test_another_encoding_is_a_415_that_names_the_known_ones(encoding):
    fault = undo(BODY, encoding)
    assert (fault.kind, fault.status) == (Kind.UNSUPPORTED_ENCODING, 415)
    assert "gzip" in fault.message
    assert "zstd" in fault.message


BOMBS = {b"gzip": gzip.compress(bytes(50_000_000), 9), b"zstd": zstd(*[bytes(1_000_000)] * 50)}


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_is_a_413(encoding):
    assert len(BOMBS[encoding]) < 60_000
    assert undo(BOMBS[encoding], encoding).kind is Kind.BODY_TOO_LARGE


@pytest.mark.parametrize("encoding", BOMBS)
def test_a_bomb_within_the_limit_is_a_body(encoding):
    assert len(decompress(BOMBS[encoding], encoding, 50_000_000)) == 50_000_000


def test_a_frame_that_needs_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    frame = compressor.compress(BODY) + compressor.flush()
    assert undo(frame, b"zstd").kind is Kind.INVALID_REQUEST


COMPRESSED = [
    (b"gzip", gzip.compress(BODY * 100)),
    (b"zstd", zstd(BODY * 100)),
    (b"zstd", zstandard.ZstdCompressor().compress(BODY * 100)),
]


@pytest.mark.parametrize(("encoding", "body"), COMPRESSED)
def test_a_body_cut_anywhere_is_a_400_that_names_its_encoding(encoding, body):
    for length in range(len(body)):
        fault = undo(body[:length], encoding)
        assert (fault.kind, fault.status) == (Kind.INVALID_REQUEST, 400)
        assert encoding.decode() in fault.message


@pytest.mark.parametrize(("encoding", "body"), COMPRESSED)
@pytest.mark.parametrize("more", [b"x", b"more", b"x" * 5000])
def test_bytes_behind_the_end_are_not_dropped_in_silence(encoding, body, more):
    assert undo(body + more, encoding).kind is Kind.INVALID_REQUEST
    assert undo(body + body, encoding).kind is Kind.INVALID_REQUEST


@given(st.binary(min_size=1, max_size=200), st.sampled_from([b"gzip", b"zstd"]))
def test_any_other_bytes_are_a_fault_and_nothing_worse(body, encoding):
    with suppress(Fault):
        assert len(decompress(body, encoding, LIMIT)) <= LIMIT


def test_a_wrong_checksum_is_noticed():
    body = bytearray(gzip.compress(BODY))
    body[-5] ^= 1
    assert undo(bytes(body), b"gzip").kind is Kind.INVALID_REQUEST


def inbound(wait):
    return Inbound("POST", "/v1/chat/completions", b"", {}, 0.0, wait)


class Feed:
    """A connection that brings the planned pieces, one for each wait; b"" is a wake-up for nothing, None the end."""

    def __init__(self, *planned: bytes | None) -> None:
        self.planned = list(planned)
        self.waits = 0

    async def wait(self, request: Inbound) -> None:
        self.waits += 1
        if not self.planned:
            raise ClientGoneError
        piece = self.planned.pop(0)
        if piece is None:
            request.is_complete = True
        elif piece:
            request.pieces.append(piece)
            request.buffered += len(piece)


def arrival(feed: Feed, *pieces: bytes, is_complete: bool = False) -> Inbound:
    request = inbound(feed.wait)
    request.pieces.extend(pieces)
    request.buffered = sum(map(len, pieces))
    request.is_complete = is_complete
    return request


async def test_what_is_there_is_given_together_without_waiting():
    feed = Feed()
    request = arrival(feed, b"ab", b"c", b"def")
    assert await request.next_piece() == b"abcdef"
    assert (request.pieces, request.buffered, feed.waits) == ([], 0, 0)


async def test_a_single_piece_is_given_without_a_copy():
    piece = b"x" * 1000
    request = arrival(Feed(), piece)
    assert await request.next_piece() is piece
    assert (request.pieces, request.buffered) == ([], 0)


async def test_what_comes_before_the_end_is_given_before_it():
    request = arrival(Feed(), b"ab", is_complete=True)
    assert await request.next_piece() == b"ab"
    assert await request.next_piece() == b""
    assert await request.next_piece() == b""


async def test_pieces_are_waited_for_until_the_end():
    feed = Feed(b"one", b"two", None)
    request = arrival(feed)
    assert [await request.next_piece() for _ in range(3)] == [b"one", b"two", b""]
    assert feed.waits == 3


async def test_being_woken_for_nothing_is_no_end():
    feed = Feed(b"", b"", b"x")
    assert await arrival(feed).next_piece() == b"x"
    assert feed.waits == 3


async def test_a_client_that_leaves_is_told():
    request = arrival(Feed(b"half"))
    assert await request.next_piece() == b"half"
    with pytest.raises(ClientGoneError):
        await request.next_piece()


async def test_waking_lets_the_one_who_waits_go_on():
    async def wait(request: Inbound) -> None:
        request.waiter = asyncio.get_running_loop().create_future()
        try:
            await request.waiter
        finally:
            request.waiter = None

    request = inbound(wait)
    reading = asyncio.ensure_future(request.next_piece())
    await asyncio.sleep(0)
    assert not reading.done()
    request.pieces.append(b"late")
    request.wake()
    request.wake()
    assert await asyncio.wait_for(reading, 2) == b"late"
    assert request.waiter is None


async def test_waking_nobody_or_one_who_gave_up_does_nothing():
    request = inbound(Feed().wait)
    request.wake()
    request.waiter = asyncio.get_running_loop().create_future()
    request.waiter.cancel()
    request.wake()
    assert request.waiter.cancelled()


def test_a_new_arrival_keeps_its_connection_and_has_no_body_yet():
    request = inbound(Feed().wait)
    assert (request.keep_alive, request.wants_chunks) == (True, True)
    assert (request.is_complete, request.expects_continue) == (False, False)
    assert (request.pieces, request.buffered, request.waiter) == ([], 0, None)


def test_a_body_that_is_here_is_given_whole_and_once():
    request = inbound(Feed().wait)
    assert request.whole() is None  # more is to come
    request.pieces.append(b"abc")
    request.is_complete = True
    assert request.whole() == b"abc"
    assert request.whole() == b""


def test_a_body_in_pieces_is_read_piece_by_piece():
    request = inbound(Feed().wait)
    request.pieces += [b"a", b"b"]
    request.is_complete = True
    assert request.whole() is None
    assert request.pieces == [b"a", b"b"]
