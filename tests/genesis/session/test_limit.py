"""A turn's time limit: every way to be late ends with a sentence and a transcript that can be gone on with."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from genesis.core.events import AgentEvent, ApprovalAsked, TextDelta, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, ToolResultMessage, text_of
from genesis.session.approval import Decision, Policy
from genesis.session.limit import Limit
from genesis.session.turn import Choice
from tests.genesis.session.fakes import FakeProvider, Step, World, answer, calls, said

SENTENCE = (
    "The turn took longer than 0.05 s and was stopped; what came until then is saved. "
    "agents.defaults.timeoutSeconds gives turns more time."
)


def limited(folder: Path, *scripts: list[Step], limit_s: float = 0.05) -> World:
    world = World(folder, FakeProvider(*scripts), Policy("all"))
    world.agent.means = replace(world.agent.means, limit_s=limit_s)
    return world


def ended(events: list[AgentEvent]) -> TurnEnded:
    assert isinstance(events[-1], TurnEnded)
    return events[-1]


async def test_a_silent_model_is_not_waited_for(tmp_path: Path) -> None:
    world = limited(tmp_path, [TextDelta("half"), asyncio.Event()], answer("whole"))
    end = ended(await world.turn())
    assert (end.stop_reason, end.error, end.is_late) == ("error", SENTENCE, True)
    saved = world.store.open(world.session.id).messages[-1]
    assert isinstance(saved, AssistantMessage)
    assert (text_of(saved), saved.stop_reason, saved.error) == ("half", "error", SENTENCE)
    assert world.models.provider.closed == 1


async def test_the_next_turn_has_all_of_its_own_time(tmp_path: Path) -> None:
    world = limited(tmp_path, [asyncio.Event()], answer("whole"))
    await world.turn()
    end = ended(await world.turn("again"))
    assert (end.stop_reason, end.error, end.is_late) == ("stop", None, False)
    assert text_of(world.session.messages[-1]) == "whole"


async def test_every_call_has_a_result_when_a_command_takes_too_long(tmp_path: Path) -> None:
    pairs = [("read", '{"path":"."}'), ("exec", '{"command":"exec sleep 1000"}'), ("exec", '{"command":"id"}')]  # fmt: skip
    world = limited(tmp_path, calls(*pairs), answer("so"), limit_s=0.3)
    assert ended(await world.turn()).is_late
    results = [m for m in world.session.messages if isinstance(m, ToolResultMessage)]
    assert [one.tool_call_id for one in results] == ["call_0", "call_1", "call_2"]
    assert [one.is_error for one in results] == [False, True, True]
    assert "because the turn took too long" in text_of(results[1])
    assert ended(await world.turn("go on")).error is None
    asked = world.models.provider.requests[-1].messages
    assert [one.tool_call_id for one in asked if isinstance(one, ToolResultMessage)] == ["call_0", "call_1", "call_2"]  # fmt: skip


async def test_what_a_person_takes_to_decide_does_not_count(tmp_path: Path) -> None:
    world = limited(tmp_path, calls(("exec", '{"command":"true"}')), answer("done"), limit_s=0.5)
    world.agent.means = replace(world.agent.means, policy=Policy("ask"))

    async def slowly(asked: ApprovalAsked) -> Decision:
        await asyncio.sleep(0.7)
        return "once"

    events = [
        event async for event in world.agent.run_turn(world.session, said("x"), approve=slowly)
    ]
    assert (ended(events).error, text_of(world.session.messages[-1])) == (None, "done")


@pytest.mark.parametrize("limit_s", [0, None])
async def test_without_a_limit_nothing_is_late(tmp_path: Path, limit_s: float | None) -> None:
    limit = Limit(limit_s)
    async with limit.counting(), limit.paused():
        await asyncio.sleep(0)
    assert not limit.is_over


async def test_a_time_limit_of_somebody_else_is_not_this_one() -> None:
    limit = Limit(5)
    with pytest.raises(TimeoutError):
        async with limit.counting():
            raise TimeoutError
    assert not limit.is_over


async def test_shortening_by_hand_ends_in_the_same_time(tmp_path: Path) -> None:
    world = limited(tmp_path, answer("one"), answer("two"), [TextDelta("half"), asyncio.Event()], limit_s=30)  # fmt: skip
    await world.turn()
    await world.turn("again")
    world.agent.means = replace(world.agent.means, limit_s=0.05)
    with pytest.raises(GenesisError, match=r"Shortening took longer than 0\.05 s.*timeoutSeconds"):
        await world.agent.compact(world.session, Choice())
    assert (world.models.provider.closed, world.session.compacted) == (3, None)
    world.models.provider.scripts = [answer("three")]
    assert ended(await world.turn("go on")).is_late is False
