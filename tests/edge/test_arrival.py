"""The pieces of a body: at once if they are there, else once they come, and an end."""

import asyncio

import pytest

from kilo_gateway.edge.arrival import Arrival
from kilo_gateway.edge.request import ClientGoneError


class Feed:
    """A connection that brings the planned pieces, one for each wait; b"" is a wake-up for nothing, None the end."""

    def __init__(self, *planned: bytes | None) -> None:
        self.planned = list(planned)
        self.waits = 0

    async def wait(self, request: Arrival) -> None:
        self.waits += 1
        if not self.planned:
            raise ClientGoneError
        piece = self.planned.pop(0)
        if piece is None:
            request.is_complete = True
        elif piece:
            request.pieces.append(piece)
            request.buffered += len(piece)


def arrival(feed: Feed, *pieces: bytes, is_complete: bool = False) -> Arrival:
    request = Arrival(feed.wait)
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
    async def wait(request: Arrival) -> None:
        request.waiter = asyncio.get_running_loop().create_future()
        try:
            await request.waiter
        finally:
            request.waiter = None

    request = Arrival(wait)
    reading = asyncio.ensure_future(request.next_piece())
    await asyncio.sleep(0)
    assert not reading.done()
    request.pieces.append(b"late")
    request.wake()
    request.wake()
    assert await asyncio.wait_for(reading, 2) == b"late"
    assert request.waiter is None


async def test_waking_nobody_or_one_who_gave_up_does_nothing():
    request = Arrival(Feed().wait)
    request.wake()
    request.waiter = asyncio.get_running_loop().create_future()
    request.waiter.cancel()
    request.wake()
    assert request.waiter.cancelled()


def test_a_new_arrival_keeps_its_connection_and_has_no_body_yet():
    request = Arrival(Feed().wait)
    assert (request.keep_alive, request.wants_chunks) == (True, True)
    assert (request.is_complete, request.expects_continue) == (False, False)
    assert (request.pieces, request.buffered, request.waiter, request.head) == ([], 0, None, None)


def test_a_body_that_is_here_is_given_whole_and_once():
    request = Arrival(Feed().wait)
    assert request.whole() is None  # more is to come
    request.pieces.append(b"abc")
    request.is_complete = True
    assert request.whole() == b"abc"
    assert request.whole() == b""


def test_a_body_in_pieces_is_read_piece_by_piece():
    request = Arrival(Feed().wait)
    request.pieces += [b"a", b"b"]
    request.is_complete = True
    assert request.whole() is None
    assert request.pieces == [b"a", b"b"]
