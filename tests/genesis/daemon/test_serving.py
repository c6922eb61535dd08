"""It listens where it should, and stops without tearing turns apart."""

import asyncio
import os
import signal

import httpx
import pytest

from genesis.core.events import ApprovalAsked, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.daemon.access import Access
from genesis.daemon.client import DaemonConversation
from genesis.daemon.server import Server
from genesis.daemon.serving import listen
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.daemon.running import serving


def say(text):
    return UserMessage((TextBlock(text),))


def test_a_port_that_is_taken_is_told_with_what_to_do():
    with listen(Access("127.0.0.1", 0, None)) as door:
        port = door.getsockname()[1]
        with pytest.raises(GenesisError, match=r"in use.*genesis config set gateway\.port"):
            listen(Access("127.0.0.1", port, None))


def test_an_address_of_another_machine_is_told():
    with pytest.raises(GenesisError, match=r"cannot listen on http://192\.0\.2\.1:1"):
        listen(Access("192.0.2.1", 1, None))


async def test_a_turn_that_runs_may_end_and_its_question_may_be_answered_while_the_daemon_stops():
    server = Server(FakeConversation())
    async with serving(server) as (access, it):
        client, other = DaemonConversation(access), DaemonConversation(access)
        events = []
        async for event in client.send("s1", say("wait")):
            events.append(event)
            if isinstance(event, ApprovalAsked):
                it.stop()
                await asyncio.sleep(0.15)  # a tick of the server, in which it notices
                with pytest.raises(GenesisError, match="is stopping"):
                    await anext(other.send("s1", say("hi")))
                await other.decide(event.id, "once")
        assert events[-1] == TurnEnded("stop")
        await client.aclose()
        await other.aclose()


async def test_asked_twice_it_stops_at_once():
    conversation = FakeConversation()
    async with serving(Server(conversation)) as (access, it):
        client = DaemonConversation(access)
        events = []
        async for event in client.send("s1", say("wait")):
            events.append(event)
            if isinstance(event, ApprovalAsked):
                it.stop()
                it.stop()
        assert isinstance(events[-1], TurnEnded)
        await client.aclose()
    assert conversation.cancelled == ["s1"]


async def test_signals_reload_and_stop():
    asked = []
    async with serving(Server(FakeConversation()), lambda: asked.append(1)) as (access, it):
        os.kill(os.getpid(), signal.SIGHUP)
        async with httpx.AsyncClient(base_url=access.url) as client:
            assert (await client.get("/health")).status_code == 200
        assert asked == [1]
        os.kill(os.getpid(), signal.SIGTERM)
        while not it.should_exit:
            await asyncio.sleep(0)
