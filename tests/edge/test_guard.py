"""What takes too long is closed, by a clock that the test moves."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.guard import Guard
from kilo_gateway.upstreams.outbox import Outbox
from tests.clocks import StillClock


class Wire:
    """A client connection that notes what is done to it; it leaves the guard's lists as a real one does."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.done: list[Any] = []
        guard.connections.add(self)

    def refuse(self, kind: Kind, message: str) -> None:
        self.guard.arriving.pop(self, None)
        self.done.append(("refuse", kind, message))

    def close(self) -> None:
        self.guard.idle.pop(self, None)
        self.done.append("close")

    def close_after_answer(self) -> None:
        self.guard.connections.discard(self)
        self.done.append("close_after_answer")

    def abort(self) -> None:
        self.guard.stuck.pop(self, None)
        self.guard.connections.discard(self)
        self.done.append("abort")


async def nothing(_inbound: Any, _reply: Any) -> None:
    """An application that is never asked."""


@pytest.fixture
def clock() -> StillClock:
    return StillClock(1000.0)


@pytest.fixture
def guard(clock: StillClock) -> Guard:
    return Guard(nothing, clock.monotonic, client_timeout_s=10.0, keep_alive_s=30.0)


LATE = ("refuse", Kind.CLIENT_TIMEOUT, "The request took too long to arrive.")


@pytest.mark.parametrize(
    ("state", "limit_s", "what"),
    [("arriving", 10.0, LATE), ("stuck", 10.0, "abort"), ("idle", 30.0, "close")],
)
def test_what_has_been_so_for_too_long_is_ended_once(
    guard: Guard, clock: StillClock, state: str, limit_s: float, what: Any
):
    wire = Wire(guard)
    getattr(guard, state)[wire] = clock.now
    clock.now += limit_s
    assert guard.sweep() == 0
    assert wire.done == []
    clock.now += 0.1
    assert guard.sweep() == 1
    assert wire.done == [what]
    assert guard.sweep() == 0
    assert wire.done == [what]


def test_only_the_old_ones_are_ended(guard: Guard, clock: StillClock):
    old, young = Wire(guard), Wire(guard)
    guard.idle[old] = clock.now
    clock.now += 20
    guard.idle[young] = clock.now
    clock.now += 11
    assert guard.sweep() == 1
    assert (old.done, young.done) == (["close"], [])
    assert list(guard.idle) == [young]


def test_a_sweep_tells_how_many_of_all_kinds_it_ended(guard: Guard, clock: StillClock):
    wires = [Wire(guard) for _ in range(4)]
    guard.arriving[wires[0]] = guard.arriving[wires[1]] = clock.now
    guard.stuck[wires[2]] = guard.idle[wires[3]] = clock.now
    clock.now += 31
    assert guard.sweep() == 4
    assert [wire.done for wire in wires] == [[LATE], [LATE], ["abort"], ["close"]]


def test_a_connection_that_is_being_answered_is_left_alone(guard: Guard, clock: StillClock):
    wire = Wire(guard)
    clock.now += 100_000
    assert guard.sweep() == 0
    assert wire.done == []


def test_at_the_end_each_connection_is_asked_to_close_after_its_answer(guard: Guard):
    wires = [Wire(guard) for _ in range(3)]
    assert guard.is_closing is False
    guard.close_idle()
    assert guard.is_closing is True
    assert [wire.done for wire in wires] == [["close_after_answer"]] * 3


def test_at_last_each_connection_is_closed_at_once(guard: Guard):
    wires = [Wire(guard) for _ in range(3)]
    guard.abort_all()
    assert [wire.done for wire in wires] == [["abort"]] * 3
    assert guard.connections == set()


def test_the_date_line_is_that_of_http_and_of_now(guard: Guard):
    line = guard.date_line
    assert line.startswith(b"date: ")
    assert line.endswith(b" GMT\r\n")
    told = parsedate_to_datetime(line.decode().removeprefix("date: ").strip())
    assert abs(datetime.now(UTC) - told) < timedelta(seconds=5)


def test_each_sweep_renews_the_date_line(guard: Guard):
    guard.date_line = b"date: of yesterday\r\n"
    guard.sweep()
    assert guard.date_line.endswith(b" GMT\r\n")


def test_limits_have_the_defaults_of_the_settings(clock: StillClock):
    guard = Guard(nothing, clock.monotonic)
    assert (guard.max_head_bytes, guard.client_timeout_s, guard.keep_alive_s) == (
        65_536,
        60.0,
        75.0,
    )


def test_the_outbox_may_be_shared_with_the_upstreams(clock: StillClock):
    outbox = Outbox()
    assert Guard(nothing, clock.monotonic, outbox=outbox).outbox is outbox
    assert Guard(nothing, clock.monotonic).outbox is not Guard(nothing, clock.monotonic).outbox


def test_a_refusal_is_a_whole_answer_that_closes_the_connection(clock: StillClock):
    guard = Guard(nothing, clock.monotonic, new_id=lambda: "7")
    head, _, body = guard.refusal(Fault(Kind.CLIENT_TIMEOUT, "Too slow.")).partition(b"\r\n\r\n")
    line, *rows = head.split(b"\r\n")
    headers = dict(row.split(b": ", 1) for row in rows)
    assert line == b"HTTP/1.1 408 Request Timeout"
    assert len(headers) == len(rows)
    assert headers[b"connection"] == b"close"
    assert headers[b"content-length"] == b"%d" % len(body)
    assert headers[b"content-type"].startswith(b"application/json")
    assert b"date: " + headers[b"date"] + b"\r\n" == guard.date_line
    assert b"req_7" in headers.values()
    assert msgspec.json.decode(body)["error"]["message"] == "Too slow."
