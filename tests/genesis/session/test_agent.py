"""The agent: runs turns and stops them; whatever stops one, it is saved."""

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from genesis.core.events import (
    ApprovalAsked,
    MessageEnded,
    TextDelta,
)
from genesis.core.message import (
    ToolResultMessage,
    text_of,
)
from genesis.session.turn import Choice
from tests.genesis.session.fakes import (
    FakeProvider,
    World,
    answer,
    calls,
    ended,
    said,
    until,
)


async def test_closing_the_events_saves_what_was_streamed(tmp_path: Path) -> None:
    provider = FakeProvider([TextDelta("half "), TextDelta("an answer"), asyncio.Event()])
    world = World(tmp_path, provider)
    turn = world.agent.run_turn(world.session, said("hi"), approve=world.approve)
    async with aclosing(turn):
        async for event in turn:
            if event == TextDelta("an answer"):
                break
    saved = world.session.messages[-1]
    assert (text_of(saved), saved.stop_reason) == ("half an answer", "aborted")
    assert provider.closed == 1
    assert not world.agent.is_running(world.session.id)


async def test_stopping_ends_the_turn_as_aborted(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider([TextDelta("half"), asyncio.Event()]))
    events = []
    async for event in world.agent.run_turn(world.session, said("x"), approve=world.approve):
        events.append(event)
        if isinstance(event, TextDelta):
            world.agent.stop(world.session.id)
    assert ended(events).stop_reason == "aborted"
    assert any(isinstance(event, MessageEnded) for event in events)


async def test_stopping_before_the_first_byte_leaves_a_valid_transcript(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider([asyncio.Event()]))
    events = []
    async for event in world.agent.run_turn(world.session, said("x"), approve=world.approve):
        events.append(event)
        world.agent.stop(world.session.id)
    assert ended(events).stop_reason == "aborted"
    assert world.session.messages[-1].content == ()


async def test_stopping_at_a_question_gives_every_call_a_result(tmp_path: Path) -> None:
    pairs = [("read", '{"path":"."}'), ("exec", '{"command":"true"}'), ("exec", '{"command":"id"}')]
    world = World(tmp_path, FakeProvider(calls(*pairs)))
    never = asyncio.Event()

    async def wait(asked: ApprovalAsked) -> str:
        world.asked.append(asked)
        await never.wait()
        return "once"

    turn = world.agent.run_turn(world.session, said("x"), approve=wait)
    events = []

    async def follow() -> None:
        events.extend([event async for event in turn])

    task = asyncio.ensure_future(follow())
    await until(lambda: bool(world.asked))
    world.agent.stop(world.session.id)
    await task
    results = [m for m in world.session.messages if isinstance(m, ToolResultMessage)]
    assert [one.tool_call_id for one in results] == ["call_0", "call_1", "call_2"]
    assert [one.is_error for one in results] == [False, True, True]
    assert ended(events).stop_reason == "aborted"


async def test_stopping_a_command_ends_it(tmp_path: Path) -> None:
    script = calls(("exec", '{"command":"echo $$ > pid; exec sleep 1000"}'))
    world = World(tmp_path, FakeProvider(script))
    task = asyncio.ensure_future(world.turn())
    pid = world.root / "pid"
    while not (pid.exists() and pid.read_text().strip()):
        await asyncio.sleep(0.01)
    world.agent.stop(world.session.id)
    events = await task
    assert ended(events).stop_reason == "aborted"
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()


async def test_a_session_answers_one_thing_at_a_time(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider([TextDelta("x"), asyncio.Event()]))
    first = world.agent.run_turn(world.session, said("a"), approve=world.approve)
    await anext(first)
    with pytest.raises(Exception, match="still answering"):
        await anext(world.agent.run_turn(world.session, said("b"), approve=world.approve))
    await first.aclose()


async def test_nothing_happens_to_a_session_that_does_not_answer(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("x")))
    world.agent.stop(world.session.id)
    assert ended(await world.turn()).stop_reason == "stop"


async def test_what_was_forgotten_is_asked_about_again(tmp_path: Path) -> None:
    same = ("exec", '{"command":"true"}')
    world = World(tmp_path, FakeProvider(*[calls(same), answer("ok")] * 3))
    world.decision = "always"
    await world.turn()
    await world.turn()
    assert len(world.asked) == 1
    world.agent.forget(world.session.id)
    await world.turn()
    assert len(world.asked) == 2


async def test_leaving_waits_until_every_turn_is_saved(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider([TextDelta("half"), asyncio.Event()]))
    task = asyncio.ensure_future(world.turn())
    await until(lambda: world.agent.is_running(world.session.id))
    await until(lambda: bool(world.models.provider.requests))
    await world.agent.aclose()
    assert world.session.messages[-1].stop_reason == "aborted"
    assert ended(await task).stop_reason == "aborted"


async def test_compacting_tells_no_events(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("a"), answer("b"), answer("what was said")))
    await world.turn("one")
    await world.turn("two")
    told = await world.agent.compact(world.session, Choice())
    assert told.startswith("The conversation was shortened: ")
    assert world.session.compacted.summary.startswith("what was said")
