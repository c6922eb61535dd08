"""The conversation whose sessions live in this process."""

import asyncio
from pathlib import Path

import pytest

from genesis.core.events import ApprovalAsked, Notice, TextDelta, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import text_of
from genesis.core.refs import ModelRef, parse
from genesis.session import local
from genesis.session.local import LocalConversation
from tests.genesis.session.fakes import FakeProvider, World, answer, calls, ended, said, until


class Facts:
    """Models of one provider."""

    def __init__(self) -> None:
        self.found = ["A warning."]

    def resolve(self, text: str) -> ModelRef:
        if "/" not in text:
            raise GenesisError(f"{text} is no model.")
        return parse(text)

    def default(self) -> ModelRef | None:
        return ModelRef("fake", "m")

    def level(self, ref: ModelRef | None) -> str:
        return "medium" if ref == self.default() else "off"

    async def models_text(self, arguments: list[str]) -> str:
        return " ".join(arguments)

    def status_lines(self, ref: ModelRef | None) -> list[str]:
        return [f"Provider: {ref.provider if ref else 'none'}"]

    def warnings(self) -> list[str]:
        found, self.found = self.found, []
        return found


class Talk:
    """A conversation on a temporary folder."""

    def __init__(self, folder: Path, *scripts: list) -> None:
        self.world = World(folder, FakeProvider(*scripts))
        self.facts = Facts()
        self.conversation = self.again()

    def again(self) -> LocalConversation:
        """Another one on the same files, as another process would have it."""
        return LocalConversation(self.world.store, self.world.agent, self.facts)

    def hurried(self) -> LocalConversation:
        """One that waits for no decision."""
        return LocalConversation(self.world.store, self.world.agent, self.facts, decide_s=0)

    async def send(self, session: str, text: str = "hi", **more: str) -> list:
        events = []
        async for event in self.conversation.send(session, said(text), **more):
            events.append(event)
            if isinstance(event, ApprovalAsked):
                await self.conversation.decide(event.id, "once")
        return events


async def test_a_new_session_knows_its_model_and_is_saved_with_its_first_message(tmp_path):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    assert (view.messages, view.model, view.thinking) == ((), "fake/m", "medium")
    assert view.created_at == 5.0
    assert await talk.conversation.sessions() == []
    await talk.send(view.id)
    assert [info.id for info in await talk.conversation.sessions()] == [view.id]


async def test_a_session_is_opened_by_the_beginning_of_its_id_and_goes_on_elsewhere(tmp_path):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    await talk.send(view.id)
    for name in (view.id, view.id[:11], "last"):
        found = await talk.again().open(name)
        assert [text_of(message) for message in found.messages] == ["hi", "hello"]
    with pytest.raises(GenesisError, match="There is no session ffff"):
        await talk.conversation.open("ffff")


async def test_warnings_are_told_once_before_the_turn(tmp_path):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    assert (await talk.send(view.id))[0] == Notice("A warning.")
    assert Notice("A warning.") not in await talk.send(view.id)


async def test_a_question_waits_for_its_decision_and_old_ones_are_ignored(tmp_path):
    talk = Talk(tmp_path, calls(("exec", '{"command":"touch x"}')), answer("done"))
    view = await talk.conversation.open(None)
    await talk.conversation.decide("nobody asked", "once")
    assert ended(await talk.send(view.id)).stop_reason == "stop"
    assert (talk.world.root / "x").exists()


async def test_cancel_stops_the_turn(tmp_path):
    talk = Talk(tmp_path, [TextDelta("half"), asyncio.Event()])
    view = await talk.conversation.open(None)
    task = asyncio.ensure_future(talk.send(view.id))
    await until(lambda: talk.world.agent.is_running(view.id))
    await talk.conversation.cancel(view.id)
    assert isinstance((await task)[-1], TurnEnded)
    assert ended(task.result()).stop_reason == "aborted"


async def test_a_choice_is_the_sessions_own_until_it_is_taken_back(tmp_path):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    assert await talk.conversation.set_model(view.id, "fake/n@mine") == "Model: fake/n"
    assert await talk.conversation.set_thinking(view.id, "HIGH") == "Thinking: high"
    await talk.send(view.id)
    assert talk.world.models.provider.requests[-1].thinking == "high"
    opened = await talk.again().open(view.id)
    assert (opened.model, opened.thinking) == ("fake/n", "high")
    assert await talk.conversation.set_model(view.id, " Default ") == "Model: fake/m"
    assert await talk.conversation.set_thinking(view.id, "default") == "Thinking: medium"


@pytest.mark.parametrize(("model", "thinking"), [("nothing", None), (None, "lots")])
async def test_what_is_no_choice_is_refused_before_anything_is_said(tmp_path, model, thinking):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    with pytest.raises(GenesisError, match=r"nothing is no model|is no thinking level"):
        await talk.send(view.id, model=model, thinking=thinking)
    assert (await talk.conversation.open(view.id)).messages == ()


async def test_status_and_usage_are_lines_for_people(tmp_path):
    talk = Talk(tmp_path, answer("hello"))
    view = await talk.conversation.open(None)
    await talk.send(view.id)
    status = (await talk.conversation.status(view.id)).splitlines()
    assert status[:4] == [
        f"Session: {view.id} (2 messages)",
        "Model: fake/m",
        "Thinking: medium",
        "Provider: fake",
    ]
    assert status[-1] == "Tools: coding, approval ask"
    usage = (await talk.conversation.usage(view.id)).splitlines()
    assert usage == [
        "Answers: 1",
        "Input: 10 tokens",
        "Output: 2 tokens",
        "Cache read: unknown",
        "Cache write: unknown",
        "Cost: unknown",
    ]


async def test_what_was_not_used_for_long_is_closed_and_read_again(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "MOST_OPEN", 2)
    talk = Talk(tmp_path, answer("hello"))
    first = await talk.conversation.open(None)
    await talk.send(first.id)
    others = [await talk.conversation.open(None) for _ in range(2)]
    again = await talk.conversation.open(first.id)
    assert [text_of(message) for message in again.messages] == ["hi", "hello"]
    await talk.send(others[1].id)
    with pytest.raises(GenesisError, match="There is no session"):
        await talk.conversation.status(others[0].id)  # nothing was said there, so there is no file


async def test_a_session_that_answers_is_not_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "MOST_OPEN", 1)
    talk = Talk(tmp_path, [TextDelta("half"), asyncio.Event()])
    first = await talk.conversation.open(None)
    task = asyncio.ensure_future(talk.send(first.id))
    await until(lambda: talk.world.agent.is_running(first.id))
    await talk.conversation.open(None)
    await talk.conversation.cancel(first.id)
    assert ended(await task).stop_reason == "aborted"


async def test_a_question_that_nobody_answers_ends_with_no(tmp_path):
    talk = Talk(tmp_path, calls(("exec", '{"command":"touch made"}')), answer("so not"))
    talk.conversation = talk.hurried()
    view = await talk.conversation.open(None)
    events = [event async for event in talk.conversation.send(view.id, said("do it"))]
    assert any(isinstance(event, ApprovalAsked) for event in events)
    assert ended(events).stop_reason == "stop"
    assert not (talk.world.root / "made").exists()


async def test_a_session_is_deleted_but_not_while_it_answers(tmp_path):
    talk = Talk(tmp_path, [TextDelta("half"), asyncio.Event()])
    view = await talk.conversation.open(None)
    events = talk.conversation.send(view.id, said("hi"))
    while not isinstance(await anext(events), TextDelta):
        pass
    with pytest.raises(GenesisError, match="still answering"):
        await talk.conversation.delete(view.id)
    await events.aclose()
    assert await talk.conversation.delete(view.id[:11]) == view.id
    with pytest.raises(GenesisError, match="There is no session"):
        await talk.conversation.open(view.id)
