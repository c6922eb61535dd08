"""Turns belong to their session: who asked, who watches, who is gone, and what is left when the daemon stops."""

import asyncio

import pytest

from genesis.core.events import (
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnStarted,
)
from genesis.core.message import AssistantMessage, TextBlock, UserMessage
from genesis.daemon.turns import DROPPED, Listener, Places, RefusedError, Turns
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.session.fakes import until


def say(text):
    return UserMessage((TextBlock(text),))


class World:
    def __init__(self, most=4):
        self.conversation = FakeConversation()
        self.places = Places(most)
        self.log = []
        self.turns = Turns(self.conversation, self.places, self.log.append)

    def start(self, text, session="s1"):
        return self.turns.start(session, say(text), model=None, thinking=None)


async def heard(listener):
    events = []
    while (event := await listener.next()) is not None:
        events.append(event)
    return events


async def settled(world):
    """Until nothing can go on by itself."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_who_asked_hears_the_whole_turn():
    world = World()
    assert await heard(world.start("hi")) == [TextDelta("s1: hi (None, None)"), TurnEnded("stop")]
    assert world.places.taken == 0
    assert not world.turns.is_running("s1")


async def test_one_turn_at_a_time_in_a_session_and_so_many_in_all():
    world = World(most=2)
    world.start("wait")
    with pytest.raises(RefusedError, match="s1 is still answering") as refused:
        world.start("hi")
    assert refused.value.status == 409
    world.start("wait", "s2")
    with pytest.raises(RefusedError, match="2 answers are being made") as refused:
        world.start("hi", "s3")
    assert refused.value.status == 429
    await world.turns.drain(0)


async def test_a_turn_goes_on_when_the_one_who_asked_is_lost():
    world = World()
    asked = world.start("hi")
    asked.close()
    watcher = world.turns.watch("s1")
    await settled(world)
    watcher.end()
    assert (await heard(watcher))[-1] == TurnEnded("stop")
    assert world.conversation.cancelled == []


async def test_with_nobody_there_an_approval_is_denied():
    world = World()
    asked = world.start("wait")
    asked.close()
    await settled(world)
    assert world.conversation.decided == [("a1", "deny")]


async def test_an_approval_is_denied_when_the_last_one_leaves():
    world = World()
    asked = world.start("wait")
    watcher = world.turns.watch("s1")
    await settled(world)
    asked.close()
    await settled(world)
    assert world.conversation.decided == []
    watcher.close()
    await settled(world)
    assert world.conversation.decided == [("a1", "deny")]


async def test_who_comes_later_sees_what_is_not_saved_yet():
    world = World()
    world.start("wait")
    await settled(world)
    watcher = world.turns.watch("s1")
    assert await watcher.next() == TextDelta("s1: wait (None, None)")
    assert await watcher.next() == ApprovalAsked("a1", "exec", "exec: ls", "ls")
    await world.turns.drain(0)


async def test_what_is_saved_is_not_told_again():
    class Speaks(FakeConversation):
        async def send(self, _session, _message, **_):
            yield TurnStarted("p", "m")
            yield TextDelta("first")
            yield MessageEnded(AssistantMessage((TextBlock("first"),)))
            yield TurnStarted("p", "m")
            yield TextDelta("second")
            await self.go.wait()

    world = World()
    world.turns = Turns(Speaks(), world.places, world.log.append)
    world.start("x")
    await settled(world)
    watcher = world.turns.watch("s1")
    await world.turns.drain(0)
    assert (await heard(watcher))[:2] == [TurnStarted("p", "m"), TextDelta("second")]


async def test_a_watcher_hears_turn_after_turn():
    world = World()
    watcher = world.turns.watch("s1")
    await heard(world.start("one"))
    await heard(world.start("two"))
    await world.turns.drain(0)
    texts = [event.text for event in await heard(watcher) if isinstance(event, TextDelta)]
    assert texts == ["s1: one (None, None)", "s1: two (None, None)"]


async def test_a_slow_watcher_is_dropped_with_a_word():
    gone = []
    listener = Listener(gone.append, most_bytes=10_000)
    for _ in range(1_000):
        listener.tell(Notice("x"))
    events = await heard(listener)
    assert events[-1] == DROPPED
    assert 10 < len(events) < 60
    assert gone == [listener]


async def test_who_asked_and_is_too_slow_is_told_that_the_turn_goes_on():
    class Talks(FakeConversation):
        async def send(self, *_, **__):
            for _ in range(10):
                yield TextDelta("x" * 1_000_000)
                await asyncio.sleep(0)
            yield TurnEnded("stop")

    world = World()
    world.turns = Turns(Talks(), world.places, world.log.append)
    asked = world.start("x")
    await until(lambda: not world.turns.is_running("s1"))
    events = await heard(asked)
    assert events[-2:] == [DROPPED, TurnEnded("error", error=DROPPED.text)]
    assert 3 <= sum(isinstance(one, TextDelta) for one in events) <= 6


async def test_deltas_that_wait_are_joined_and_lose_nothing():
    listener = Listener(lambda _one: None, most_bytes=100_000)
    told = [TextDelta("x" * 7) for _ in range(5_000)]
    told += [ThinkingDelta("a", "reasoning"), ThinkingDelta("b", "reasoning", "s")]
    told += [ThinkingDelta("c", "reasoning"), TextDelta("end")]
    for event in told:
        listener.tell(event)
    listener.end()
    listener.tell(Notice("too late"))
    events = await heard(listener)
    text = "".join(one.text for one in events if isinstance(one, TextDelta))
    assert (len(events), text) == (6, "x" * 35_000 + "end")
    assert events[-3:-1] == [ThinkingDelta("ab", "reasoning", "s"), ThinkingDelta("c", "reasoning")]


async def test_one_event_may_be_large_where_nothing_waits():
    listener = Listener(pytest.fail, most_bytes=1_000)
    listener.tell(TextDelta("x" * 5_000))
    assert await listener.next() == TextDelta("x" * 5_000)


async def test_a_turn_that_breaks_is_told_and_frees_its_session():
    class Breaks(FakeConversation):
        async def send(self, *_, **__):
            yield TextDelta("half")
            raise ZeroDivisionError("key kg_live_0123456789abcdef")

    world = World()
    world.turns = Turns(Breaks(), world.places, world.log.append)
    events = await heard(world.start("x"))
    assert events[-1].stop_reason == "error"
    assert "ZeroDivisionError" in events[-1].error
    assert "ZeroDivisionError" in world.log[0]
    assert "kg_live_0123" not in world.log[0]
    assert world.places.taken == 0


async def test_an_end_is_told_even_if_the_conversation_forgot_it():
    class Forgets(FakeConversation):
        async def send(self, *_, **__):
            yield TextDelta("half")

    world = World()
    world.turns = Turns(Forgets(), world.places)
    assert (await heard(world.start("x")))[-1] == TurnEnded("aborted")


async def test_stopping_waits_for_turns_then_stops_them_and_begins_none():
    world = World()
    asked = world.start("wait")
    watcher = world.turns.watch("s1")
    drained = asyncio.ensure_future(world.turns.drain(60))
    await settled(world)
    with pytest.raises(RefusedError, match="is stopping") as refused:
        world.start("hi", "s2")
    assert refused.value.status == 503
    assert not drained.done()
    await world.conversation.decide("a1", "once")
    await drained
    assert (await heard(asked))[-1] == TurnEnded("stop")
    assert (await heard(watcher))[-1] == Notice("The daemon has stopped.")


async def test_what_does_not_end_in_time_is_stopped():
    world = World()
    asked = world.start("wait")
    await settled(world)
    await world.turns.drain(0)
    assert world.conversation.cancelled == ["s1"]
    assert isinstance((await heard(asked))[-1], TurnEnded)
