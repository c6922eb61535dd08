"""The relay knows every call in progress: it waits for them, ends them, and keeps their clients company."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilo_gateway.core.fault import Fault, Kind
from tests.relay.fakes import DONE, FakeReply, Stage, Theatre, make_call, make_theatre

COMMENT = b": KILO PROCESSING\n\n"


@pytest.fixture
async def theatre(tmp_path: Path) -> AsyncIterator[Theatre]:
    """Its first upstream is silent after the first event, for as long as a test runs."""
    async with asyncio.TaskGroup() as tasks:
        theatre = make_theatre(tmp_path, Stage(), [["stall after"]], tasks)
        theatre.view.upstreams["a"].silence_s = 30.0
        yield theatre
    theatre.journal.shut()


async def _until_running(theatre: Theatre, reply: FakeReply) -> None:
    async with asyncio.timeout(5):
        while not (theatre.relay.running and reply.body):
            await asyncio.sleep(0)


async def test_an_idle_relay_is_waited_for_no_time(theatre: Theatre) -> None:
    assert theatre.relay.running == 0
    assert await theatre.relay.wait_idle(0.0)


async def test_a_running_call_is_waited_for_to_the_limit(theatre: Theatre) -> None:
    reply = FakeReply(theatre.stage)
    playing = asyncio.ensure_future(theatre.play(make_call(stream=True), reply))
    await _until_running(theatre, reply)
    assert theatre.relay.running == 1
    assert theatre.books.metrics.in_progress() == (1, 1)
    assert not await theatre.relay.wait_idle(0.01)
    waiting = asyncio.ensure_future(theatre.relay.wait_idle(5.0))
    await asyncio.sleep(0)
    reply.cut()
    assert await waiting
    assert await playing is None
    assert theatre.relay.running == 0


async def test_cut_short_tells_every_client(theatre: Theatre) -> None:
    replies = [FakeReply(theatre.stage) for _ in range(3)]
    playing = [
        asyncio.ensure_future(theatre.play(make_call(stream=True), reply)) for reply in replies
    ]
    for reply in replies:
        await _until_running(theatre, reply)
    assert theatre.relay.cut_short() == 3
    faults = await asyncio.gather(*playing)
    for reply, fault in zip(replies, faults, strict=True):
        assert isinstance(fault, Fault)
        assert fault.kind is Kind.DRAINING
        assert b'"error_type":"draining"' in reply.body
        assert reply.body.endswith(DONE)
    assert {entry.outcome for entry in theatre.entries()} == {"draining"}


async def test_the_sweep_sends_comments_where_it_is_silent(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kilo_gateway.relay.relay._SWEEP_S", 0.01)
    reply = FakeReply(theatre.stage)
    playing = asyncio.ensure_future(theatre.play(make_call(stream=True), reply))
    await _until_running(theatre, reply)
    sweeping = asyncio.ensure_future(theatre.relay.sweep(lambda: 0.02))
    async with asyncio.timeout(5):
        while reply.body.count(COMMENT) < 2:
            await asyncio.sleep(0.005)
    sweeping.cancel()
    reply.cut()
    await playing


async def test_the_sweep_leaves_whole_answers_and_an_interval_of_0_alone(
    theatre: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kilo_gateway.relay.relay._SWEEP_S", 0.001)
    streamed, whole = FakeReply(theatre.stage), FakeReply(theatre.stage)
    playing = [asyncio.ensure_future(theatre.play(make_call(stream=True), streamed))]
    await _until_running(theatre, streamed)
    playing.append(asyncio.ensure_future(theatre.play(make_call(stream=False), whole)))
    looked = 0

    def interval_s() -> float:
        nonlocal looked
        looked += 1
        return 0.0 if looked <= 5 else 0.0001

    sweeping = asyncio.ensure_future(theatre.relay.sweep(interval_s))
    async with asyncio.timeout(5):
        while looked <= 5:
            assert COMMENT not in streamed.body
            await asyncio.sleep(0.001)
        while COMMENT not in streamed.body:
            await asyncio.sleep(0.001)
    assert whole.status is None
    sweeping.cancel()
    streamed.cut()
    whole.cut()
    await asyncio.gather(*playing)


async def test_an_unknown_model_is_a_fault_and_no_attempt(theatre: Theatre) -> None:
    fault = await theatre.play(make_call(stream=False, model="nothing"), FakeReply(theatre.stage))
    assert fault is not None
    assert fault.kind is Kind.MODEL_NOT_FOUND
    assert theatre.opened == []
    assert theatre.relay.running == 0
