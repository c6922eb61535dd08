"""A connection and its transport: what is written how, and what ends it."""

import asyncio
from math import inf

import pytest

from kilo_gateway.upstreams.connection import Connection
from kilo_gateway.upstreams.reply import BODY, CUT, DONE

HEAD = b"POST / HTTP/1.1\r\n\r\n"
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class Pool:
    """Notes what the connection says."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.is_watching = False

    def made(self) -> None:
        self.said.append("made")

    def lost(self, connection: Connection) -> None:
        self.said.append("lost")

    def gone(self) -> None:
        self.said.append("gone")

    def watch(self) -> None:
        self.said.append("watch")


class Transport:
    """Notes what is written; the kernel's side is played by the test."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_aborted = False
        self.is_paused = False

    def write(self, data: bytes) -> None:
        self.writes.append(bytes(data))

    def writelines(self, pieces: tuple[bytes, ...]) -> None:
        self.writes.append(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


@pytest.fixture
async def connection() -> Connection:
    made = Connection(Pool(), asyncio.get_running_loop())
    made.connection_made(Transport())
    return made


async def test_a_small_request_leaves_in_one_write(connection):
    connection.send(HEAD, b"{}")
    await asyncio.sleep(0)  # small writes leave at the end of the loop's round
    assert connection.transport.writes == [HEAD + b"{}"]


async def test_a_large_body_stops_while_the_peer_does_not_read_and_goes_on_after(connection):
    body = b"x" * 1_000_000
    connection.pause_writing()
    connection.send(HEAD, body)
    assert len(connection.transport.writes) == 1
    connection.resume_writing()
    assert b"".join(connection.transport.writes) == HEAD + body


async def test_a_connection_with_an_unsent_rest_is_not_used_again(connection):
    connection.pause_writing()
    connection.send(HEAD, b"x" * 1_000_000)
    connection.data_received(HELLO)
    assert connection.reply.state == DONE
    assert not connection.is_reusable()


async def test_nothing_more_is_written_once_the_transport_closes(connection):
    connection.pause_writing()
    connection.send(HEAD, b"x" * 1_000_000)
    connection.transport.is_aborted = True
    connection.resume_writing()
    assert len(connection.transport.writes) == 1


async def test_reading_pauses_above_the_mark_and_resumes_when_the_body_is_taken(connection):
    connection.send(HEAD, b"")
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 262_144)
    assert not connection.transport.is_paused
    connection.data_received(b"x")
    assert connection.transport.is_paused
    connection.take()
    assert not connection.transport.is_paused


async def test_a_part_of_a_head_wakes_nobody_and_its_end_does(connection):
    connection.send(HEAD, b"")
    task = asyncio.ensure_future(connection.wait(inf))
    await asyncio.sleep(0)
    connection.data_received(HELLO[:20])
    await asyncio.sleep(0)
    assert not task.done()
    connection.data_received(HELLO[20:])
    assert await task is True


async def test_a_wait_ends_with_false_when_its_deadline_has_passed(connection):
    task = asyncio.ensure_future(connection.wait(5.0))
    await asyncio.sleep(0)
    assert connection.deadline == 5.0
    connection.expire()
    assert await task is False
    assert connection.deadline == inf


async def test_events_after_a_cancelled_wait_are_harmless(connection):
    connection.send(HEAD, b"")
    task = asyncio.ensure_future(connection.wait(5.0))
    await asyncio.sleep(0)
    task.cancel()
    connection.expire()
    connection.data_received(HELLO)
    await asyncio.wait([task])
    assert connection.reply.state == DONE


async def test_bytes_that_nobody_asked_for_end_the_connection(connection):
    connection.data_received(b"hello")
    assert connection.transport.is_aborted
    assert "lost" in connection._owner.said


async def test_bytes_after_a_complete_reply_leave_its_body_and_end_the_connection(connection):
    connection.send(HEAD, b"")
    connection.data_received(HELLO)
    connection.data_received(b"HTTP/1.1 200")
    assert (connection.reply.state, connection.take()) == (DONE, b"hello")
    assert connection.transport.is_aborted


async def test_our_own_abort_is_not_the_end_of_a_body_without_length(connection):
    connection.send(HEAD, b"")
    connection.data_received(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert connection.reply.state == BODY
    connection.abort()
    connection.connection_lost(None)
    assert connection.reply.state == CUT


async def test_the_end_is_told_to_the_pool(connection):
    connection.eof_received()
    connection.connection_lost(None)
    assert connection._owner.said == ["made", "lost", "lost", "gone"]
    assert not connection.is_usable()
