"""One turn: requests, tools, failover, compaction, and every way to end."""

from pathlib import Path

import pytest

from genesis.core.events import (
    Notice,
    StreamEnd,
    TextDelta,
    ThinkingDelta,
    ToolCallReady,
    ToolStarted,
    TurnStarted,
)
from genesis.core.fault import AuthMissingError, ProviderError
from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolResultMessage,
    UserMessage,
    text_of,
)
from genesis.core.refs import ModelRef
from genesis.session.approval import Policy
from genesis.session.turn import MOST_REQUESTS, Choice
from tests.genesis.session.fakes import FakeProvider, World, answer, calls, ended, kinds, said


async def test_an_answer_is_told_and_saved(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("hello")))
    events = await world.turn("hi")
    assert kinds(events) == ["TurnStarted", "TextDelta", "MessageEnded", "TurnEnded"]
    assert events[0] == TurnStarted("fake", "m")
    assert ended(events).usage.output == 2
    saved = world.store.open(world.session.id).messages
    assert [text_of(message) for message in saved] == ["hi", "hello"]


async def test_the_request_has_the_workspace_the_tools_and_the_level(tmp_path: Path) -> None:
    provider = FakeProvider(answer("x"))
    await World(tmp_path, provider).turn()
    request = provider.requests[0]
    assert str(tmp_path / "work") in request.system
    assert [tool.name for tool in request.tools] == ["read", "search", "edit", "write", "exec"]
    assert request.thinking == "low"


async def test_read_only_offers_only_what_reads(tmp_path: Path) -> None:
    provider = FakeProvider(answer("x"))
    await World(tmp_path, provider, Policy("read-only")).turn()
    assert [tool.name for tool in provider.requests[0].tools] == ["read", "search"]


async def test_thinking_and_its_field_are_kept(tmp_path: Path) -> None:
    script = [ThinkingDelta("a", "reasoning"), ThinkingDelta("b", "reasoning"), *answer("x")]
    world = World(tmp_path, FakeProvider(script))
    await world.turn()
    saved = world.session.messages[1]
    assert saved.content[0] == ThinkingBlock("ab", "reasoning")


async def test_a_tool_runs_and_the_model_reads_its_result(tmp_path: Path) -> None:
    provider = FakeProvider(calls(("read", '{"path":"a.txt"}')), answer("done"))
    world = World(tmp_path, provider)
    (world.root / "a.txt").write_text("one\n")
    events = await world.turn()
    assert [e.summary for e in events if isinstance(e, ToolStarted)] == ["read: a.txt"]
    result = provider.requests[1].messages[2]
    assert isinstance(result, ToolResultMessage)
    assert text_of(result) == "     1\tone"
    assert world.asked == []


async def test_a_model_that_calls_without_end_is_stopped(tmp_path: Path) -> None:
    provider = FakeProvider(calls(("read", '{"path":"."}')))
    events = await World(tmp_path, provider).turn()
    assert len(provider.requests) == MOST_REQUESTS
    assert any(isinstance(e, Notice) and "50 requests" in e.text for e in events)
    assert ended(events).error is None


async def test_calls_without_an_id_get_one(tmp_path: Path) -> None:
    twice = ToolCallReady("", "read", '{"path":"."}')
    world = World(tmp_path, FakeProvider([twice, twice, StreamEnd("tool_use")], answer("ok")))
    await world.turn()
    results = [m for m in world.session.messages if isinstance(m, ToolResultMessage)]
    assert len({one.tool_call_id for one in results} - {""}) == 2


async def test_another_model_answers_before_the_first_text(tmp_path: Path) -> None:
    provider = FakeProvider([ProviderError("x", status=503)], answer("from the second"))
    world = World(tmp_path, provider, fallbacks=["m2"])
    events = await world.turn()
    assert [e.model for e in events if isinstance(e, TurnStarted)] == ["m", "m2"]
    assert any(isinstance(e, Notice) and 'Fell back to "fake/m2"' in e.text for e in events)
    assert world.session.messages[1].model == "m2"


async def test_who_stood_in_goes_on_in_the_same_turn(tmp_path: Path) -> None:
    failed = [ProviderError("x", status=503)]
    provider = FakeProvider(failed, calls(("read", '{"path":"."}')), answer("done"))
    world = World(tmp_path, provider, fallbacks=["m2"])
    events = await world.turn()
    assert [e.model for e in events if isinstance(e, TurnStarted)] == ["m", "m2", "m2"]
    assert sum(isinstance(event, Notice) for event in events) == 1


async def test_after_the_first_text_nothing_is_begun_anew(tmp_path: Path) -> None:
    broken = [TextDelta("half"), ProviderError("connection reset", provider="fake")]
    provider = FakeProvider(broken, answer("never"))
    world = World(tmp_path, provider, fallbacks=["m2"])
    events = await world.turn()
    assert len(provider.requests) == 1
    assert ended(events).stop_reason == "error"
    saved = world.session.messages[-1]
    assert (text_of(saved), saved.stop_reason) == ("half", "error")


async def test_a_missing_key_has_its_sentence(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("x")))
    world.models.missing_key = AuthMissingError("No API key found …", "fake")
    events = await world.turn()
    assert ended(events).error == (
        "⚠️ Missing API key for the selected provider on the gateway. Configure provider auth, then try again."
    )


async def test_an_empty_stream_is_a_timeout(tmp_path: Path) -> None:
    events = await World(tmp_path, FakeProvider([])).turn()
    assert ended(events).error == "LLM request timed out."


async def test_another_process_that_answers_is_told_of(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("x")))
    await world.turn()
    other = world.store.open(world.session.id)
    with other.turn_lock():
        events = await world.turn("again")
    assert "another process" in (ended(events).error or "")
    assert len(world.store.open(world.session.id).messages) == 2


async def test_a_full_context_becomes_a_summary(tmp_path: Path) -> None:
    provider = FakeProvider(answer("x" * 3000), answer("THE SUMMARY"), answer("fine"))
    world = World(tmp_path, provider, context_window=3000, max_tokens=100)
    await world.turn("long " * 400)
    before = len(world.session.messages)
    provider.scripts = [answer("y" * 2000), answer("THE SUMMARY"), answer("fine")]
    await world.turn("second " * 300)
    events = await world.turn("third")
    assert any(isinstance(e, Notice) and "shortened" in e.text for e in events)
    assert ended(events).error is None
    sent = provider.requests[-1].messages
    assert "THE SUMMARY" in text_of(sent[0])
    assert text_of(sent[-1]) == "third"
    assert len(world.session.messages) > before
    reopened = world.store.open(world.session.id)
    assert reopened.context() == world.session.context()


async def test_the_providers_overflow_is_answered_by_a_summary_once(tmp_path: Path) -> None:
    full = [
        ProviderError("maximum context length exceeded", status=400, code="context_length_exceeded")
    ]
    provider = FakeProvider(answer("one"), full, answer("S"), answer("fine"))
    world = World(tmp_path, provider)
    await world.turn("first")
    events = await world.turn("second")
    assert ended(events).error is None
    assert text_of(world.session.messages[-1]) == "fine"


async def test_an_overflow_that_stays_has_its_sentence(tmp_path: Path) -> None:
    full = [
        ProviderError("maximum context length exceeded", status=400, code="context_length_exceeded")
    ]
    provider = FakeProvider(answer("one"), full, answer("S"), full)
    world = World(tmp_path, provider)
    await world.turn("first")
    events = await world.turn("second")
    assert (ended(events).error or "").startswith("Context overflow:")


async def test_a_first_message_that_is_too_long_has_its_sentence(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("x")), context_window=200, max_tokens=10)
    events = await world.turn("long " * 1000)
    assert (ended(events).error or "").startswith("Context overflow:")


async def test_compact_shortens_when_it_is_asked_to(tmp_path: Path) -> None:
    provider = FakeProvider(answer("THE SUMMARY"))
    world = World(tmp_path, provider, context_window=400, max_tokens=10)
    world.session.append(said("a" * 200))
    world.session.append(AssistantMessage(()))
    world.session.append(said("b" * 200))
    told = await world.agent.compact(world.session, Choice())
    assert "shortened" in told
    assert "THE SUMMARY" in text_of(world.session.context()[0])


async def test_nothing_to_compact_is_said(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("x")))
    with pytest.raises(Exception, match="nothing to shorten"):
        await world.agent.compact(world.session, Choice())


async def test_another_model_answers_a_turn_with_pictures_and_only_that_one(tmp_path: Path) -> None:
    world = World(tmp_path, FakeProvider(answer("a cat"), answer("you are welcome")))
    world.models.seers = [ModelRef("fake", "seer")]
    picture = UserMessage((TextBlock("what is it?"), ImageBlock("QUJD", "image/png")))
    turn = world.agent.run_turn(world.session, picture, approve=world.approve)
    events = [event async for event in turn]
    assert events[0] == Notice(
        "fake/m takes no pictures: fake/seer answers this turn (agents.defaults.imageModel)."
    )
    assert TurnStarted("fake", "seer") in events
    assert TurnStarted("fake", "m") in await world.turn("thanks")
