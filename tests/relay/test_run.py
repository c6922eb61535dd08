"""One call while it runs, with upstreams and clients that follow scripts: whatever happens, the books are right."""

import asyncio
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from tests.relay import fakes
from tests.relay.fakes import (
    BEHAVIOURS,
    DONE,
    EVENTS,
    JSON,
    OWN_KEY,
    FakeReply,
    Stage,
    Theatre,
    event,
    make_call,
    make_theatre,
)

LEAVES, DRAINS, STAYS = "the client leaves", "a drain ends", "the client stays"


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits before a retry are the business of next_step."""
    monkeypatch.setattr("kilo_gateway.relay.next_step._FIRST_WAIT_S", 0.001)


async def _played(
    scripts: Sequence[Sequence[str]],
    *,
    stream: bool = True,
    happening: str = STAYS,
    at: int = -1,
    max_attempts: int = 4,
    **changes,
) -> tuple[Theatre, FakeReply, Fault | None]:
    stage = Stage(at)
    reply = FakeReply(stage)
    with tempfile.TemporaryDirectory() as home:
        async with asyncio.TaskGroup() as tasks:
            theatre = make_theatre(Path(home), stage, scripts, tasks, max_attempts=max_attempts)
            stage.happening = reply.cut if happening == LEAVES else theatre.relay.cut_short
            fault = await theatre.play(make_call(stream=stream, **changes), reply)
        theatre.settled = theatre.entries()
        theatre.left_open = theatre.journal.open_count
        theatre.journal.shut()
    return theatre, reply, fault


def _check_books(theatre: Theatre) -> None:
    """Each opened attempt is settled once, each reply given back, nothing is under way any more."""
    settled = [entry.opening.id for entry in theatre.settled]
    assert sorted(settled) == sorted(theatre.opened)
    assert theatre.left_open == 0
    assert [entry.opening.attempt for entry in theatre.settled] == list(range(1, len(settled) + 1))
    assert all(exchange.closed for exchange in theatre.stage.exchanges)
    assert theatre.relay.running == 0
    assert theatre.books.metrics.in_progress() == (0, 0)


def _check_answer(theatre: Theatre, reply: FakeReply, fault: Fault | None, happening: str) -> None:
    """A whole valid answer, or a fault with nothing sent, or a stream with a proper end; all of it of one attempt."""
    senders = set(re.findall(rb'"id":"([a-c]\d+)"', reply.body))
    assert len(senders) <= 1
    outcomes = [entry.outcome for entry in theatre.settled]
    assert outcomes.count("ok") <= 1
    if senders:
        assert senders == {theatre.stage.sent[-1].encode()}
    if reply.status is None:
        assert fault is not None or happening == LEAVES
    elif not reply.is_stream:
        assert reply.has_ended or happening != STAYS
        if reply.has_ended:
            assert "choices" in msgspec.json.decode(reply.body)
            assert outcomes[-1] in {"ok", "client_disconnect", "draining"}
    elif happening == DRAINS and not reply.has_ended:
        # Cancelled while its last words waited for a slow client: the edge hangs up.
        assert fault is None or fault.kind is Kind.DRAINING
    elif happening != LEAVES:
        assert reply.has_ended
        last = reply.body.rsplit(b"\n\n", 2)[-2]
        assert reply.body.endswith(DONE) or b'"error"' in last


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    scripts=st.lists(
        st.lists(st.sampled_from(BEHAVIOURS), min_size=1, max_size=2), min_size=1, max_size=3
    ),
    stream=st.booleans(),
    happening=st.sampled_from([STAYS, STAYS, LEAVES, DRAINS]),
    at=st.integers(0, 12),
)
@example([["cut before"], ["ok"]], True, STAYS, 0)
@example([["cut after"], ["ok"]], True, STAYS, 0)
@example([["ok"]], True, LEAVES, 3)
@example([["ok"]], True, DRAINS, 5)
@example([["ok"]], False, DRAINS, 4)
@example([["ok"]], True, DRAINS, 7)
@example([["ok"]], True, DRAINS, 8)
@example([["429"], ["500"], ["refuse"]], True, DRAINS, 4)
async def test_whatever_upstreams_and_clients_do_the_books_are_right(
    scripts: list[list[str]], stream: bool, happening: str, at: int
) -> None:
    at = at if happening != STAYS else -1
    theatre, reply, fault = await _played(scripts, stream=stream, happening=happening, at=at)
    _check_books(theatre)
    _check_answer(theatre, reply, fault, happening)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("point", range(8))
async def test_a_client_may_leave_at_any_point(stream: bool, point: int) -> None:
    theatre, reply, fault = await _played(
        [["500"], ["ok"]], stream=stream, happening=LEAVES, at=point
    )
    _check_books(theatre)
    assert fault is None
    left = [entry for entry in theatre.settled if entry.outcome == "client_disconnect"]
    if theatre.stage.points > point and not reply.has_ended:
        assert len(left) == 1
        assert left[0].usage.is_known


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("point", range(8))
async def test_a_drain_may_end_at_any_point(stream: bool, point: int) -> None:
    theatre, reply, fault = await _played(
        [["500"], ["ok"]], stream=stream, happening=DRAINS, at=point
    )
    _check_books(theatre)
    if reply.status is None:
        assert fault is not None
        assert fault.kind is Kind.DRAINING
    elif reply.is_stream:
        assert reply.body.endswith(DONE)


async def test_after_the_first_byte_nobody_else_is_tried() -> None:
    for behaviour in ("cut after", "stall after", "end early", "cut in event"):
        theatre, reply, fault = await _played([[behaviour], ["ok"]])
        assert len(theatre.stage.sent) == 1
        assert fault is not None
        assert reply.body.count(b'"finish_reason":"error"') == 1
        assert reply.body.endswith(DONE)


async def test_a_whole_answer_that_is_cut_can_still_be_replaced() -> None:
    theatre, reply, fault = await _played([["cut after"], ["ok"]], stream=False)
    assert theatre.stage.sent == ["a0", "b1"]
    assert fault is None
    assert msgspec.json.decode(reply.body)["id"] == "b1"
    assert reply.headers[b"x-kilo-attempts"] == b"2"


async def test_every_deployment_is_tried_once_and_then_the_first_again() -> None:
    theatre, _, fault = await _played([["500"], ["500"], ["500"]], max_attempts=4)
    assert [who[0] for who in theatre.stage.sent] == ["a", "b", "c", "a"]
    assert fault is not None
    assert fault.kind is Kind.UPSTREAM_ERROR


async def test_what_the_caller_did_wrong_is_tried_once() -> None:
    theatre, _, fault = await _played([["rejects"], ["ok"]])
    assert theatre.stage.sent == ["a0"]
    assert fault is not None
    assert fault.kind is Kind.UPSTREAM_REJECTED


async def test_no_attempt_begins_when_the_clients_patience_is_over() -> None:
    theatre, _, fault = await _played([["500"], ["ok"]], patience=0.0)
    assert len(theatre.stage.sent) == 1
    assert fault is not None


async def test_a_mistake_of_ours_is_settled_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a mistake of ours")

    monkeypatch.setattr("kilo_gateway.relay.run.whole_headers", broken)
    stage = Stage()
    # Not a TaskGroup: it would wrap what is raised.
    theatre = make_theatre(tmp_path, stage, [["ok"]], None)
    with pytest.raises(ZeroDivisionError):
        await theatre.play(make_call(stream=False), FakeReply(stage))
    [entry] = theatre.entries()
    assert (entry.outcome, theatre.journal.open_count) == ("internal_error", 0)
    theatre.journal.shut()


async def test_a_keep_alive_opens_the_stream_once_and_stops_at_its_end() -> None:
    """The sweep may come at any time: before the first byte, between events, and after the end."""
    stage = Stage()
    reply = FakeReply(stage)
    with tempfile.TemporaryDirectory() as home:
        async with asyncio.TaskGroup() as tasks:
            theatre = make_theatre(Path(home), stage, [["cut before"], ["ok"]], tasks)
            runs = theatre.relay._runs

            async def comment_at_every_point() -> None:
                while not playing.done():
                    for run in list(runs):
                        await run.keep_alive()
                    await asyncio.sleep(0)

            playing = asyncio.ensure_future(theatre.play(make_call(stream=True), reply))
            await comment_at_every_point()
            assert await playing is None
        theatre.journal.shut()
    assert reply.has_ended
    answer = reply.body.replace(b": KILO PROCESSING\n\n", b"")
    assert len(answer) < len(reply.body)
    assert re.fullmatch(rb"(data: [^\n]*\n\n)+", answer)
    assert answer.endswith(DONE)


ANGRY = b'{"error":{"message":"key %b is used up","code":500}}' % OWN_KEY


@pytest.mark.parametrize(
    ("status", "headers", "pieces", "stream"),
    [
        (400, JSON, [ANGRY.replace(b"500", b"400")], False),
        (200, JSON, [ANGRY], False),
        (200, EVENTS, [event("a0"), b"data: " + ANGRY + b"\n\n"], True),
    ],
)
async def test_what_its_upstream_alone_knows_is_shown_and_logged_nowhere(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    headers: dict[bytes, bytes],
    pieces: list[bytes],
    stream: bool,
):
    monkeypatch.setattr(fakes, "reply_of", lambda *_, **__: (status, headers, pieces))
    stage = Stage()
    async with asyncio.TaskGroup() as tasks:
        theatre = make_theatre(tmp_path, stage, [["ok"]], tasks, max_attempts=1)
        reply = FakeReply(stage)
        fault = await theatre.play(make_call(stream=stream), reply)
        theatre.books.log.flush()
    told = repr(fault and (fault.message, fault.detail, fault.reply)).encode() + reply.body
    assert OWN_KEY not in told
    assert OWN_KEY.decode() not in "".join(theatre.log)
    assert b"***" in told
