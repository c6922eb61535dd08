"""The daemon and its client together, over a real socket: everything that a Conversation does, and who is let in."""

import asyncio
import os

import httpx
import pytest

from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.events import ApprovalAsked, TextDelta, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.core.secret import Secret
from genesis.daemon import process
from genesis.daemon.access import Access
from genesis.daemon.client import MOST_HEALTH_BYTES, DaemonConversation, attach, health_of
from genesis.daemon.remote import Remote
from genesis.session.conversation import SessionInfo
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.daemon.running import HEADERS, TOKEN, attached, running
from tests.genesis.servers import Answer
from tests.genesis.servers import serving as strangers


def say(text):
    return UserMessage((TextBlock(text),))


async def test_all_that_is_asked_is_answered_as_in_process():
    conversation = FakeConversation()
    async with attached(conversation) as (client, _):
        assert await client.is_there()
        assert await client.sessions() == [
            SessionInfo("s1", "A talk", "kilocode/kilo/auto", 1.0, 2)
        ]
        view = await client.open(None)
        assert (view.id, view.model, view.thinking) == ("s1", "kilocode/kilo/auto", "medium")
        await client.open(None, "/a/folder")
        assert conversation.workspace == "/a/folder"
        assert await client.set_model("s1", "kilocode/a/b") == "Model: kilocode/a/b"
        assert await client.set_thinking("s1", "high") == "Thinking: high"
        assert await client.compact("s1") == "Shortened s1."
        assert await client.models_text(["kilocode", "2"]) == "Models: ['kilocode', '2']"
        assert await client.status("s1") == "Session: s1"
        assert await client.usage("s1") == "Tokens: 0"


async def test_a_turn_comes_as_its_events():
    async with attached(FakeConversation()) as (client, _):
        events = [
            event async for event in client.send("s1", say("hi"), model="a/b", thinking="low")
        ]
    assert events == [TextDelta("s1: hi (a/b, low)"), TurnEnded("stop")]


async def test_an_approval_is_answered_while_the_turn_waits():
    conversation = FakeConversation()
    async with attached(conversation) as (client, _):
        events = []
        async for event in client.send("s1", say("wait")):
            events.append(event)
            if isinstance(event, ApprovalAsked):
                await client.decide(event.id, "once")
    assert conversation.decided == [("a1", "once")]
    assert isinstance(events[-1], TurnEnded)


async def test_one_turn_at_a_time_and_others_watch_along():
    conversation = FakeConversation()
    async with attached(conversation) as (client, access):
        headers = {"Authorization": f"Bearer {TOKEN.reveal()}"}
        async with (
            httpx.AsyncClient(base_url=access.url, headers=headers) as other,
            other.stream("GET", "/sessions/s1/events") as watched,
        ):
            lines = watched.aiter_lines()
            assert "Watching." in await anext(lines)
            turn = client.send("s1", say("wait"))
            await anext(turn)
            with pytest.raises(GenesisError, match="s1 is still answering"):
                await anext(client.send("s1", say("hi")))
            await client.cancel("s1")
            assert [event async for event in turn][-1] == TurnEnded("stop")
            seen = [line async for line in _until_end(lines)]
        assert any("s1: wait" in line for line in seen)
    assert conversation.cancelled == ["s1"]


async def _until_end(lines):
    async for line in lines:
        yield line
        if "turn-ended" in line:
            return


async def test_closing_the_events_stops_the_turn():
    conversation = FakeConversation()
    async with attached(conversation) as (client, _):
        turn = client.send("s1", say("wait"))
        await anext(turn)
        await turn.aclose()
        assert conversation.cancelled == ["s1"]


async def test_a_terminal_that_is_gone_stops_no_turn():
    conversation = FakeConversation()
    async with attached(conversation) as (client, _):
        turn = client.send("s1", say("wait"))
        await anext(turn)
        client.leave()
        await turn.aclose()
        while not conversation.closed:
            await asyncio.sleep(0.01)
    assert conversation.cancelled == []


async def test_a_connection_that_is_cut_stops_no_turn_but_nobody_is_left_to_consent():
    conversation = FakeConversation()
    body = {"message": {"role": "user", "content": [{"type": "text", "text": "wait"}]}}
    async with (
        running(conversation) as access,
        httpx.AsyncClient(base_url=access.url, headers=HEADERS) as http,
    ):
        async with http.stream("POST", "/sessions/s1/messages", json=body) as answer:
            await anext(answer.aiter_lines())
        while not conversation.closed:
            await asyncio.sleep(0.01)
    assert conversation.decided == [("a1", "deny")]
    assert conversation.cancelled == []


async def test_what_a_person_types_is_a_name_and_no_path():
    async with attached(FakeConversation()) as (client, _):
        assert await client.status("a?b=c#d") == "Session: a?b=c#d"
        with pytest.raises(
            GenesisError, match=r"There is no GET /sessions/\.\./health/status here"
        ):
            await client.status("../health")


async def test_the_daemon_is_found_by_what_it_has_noted(tmp_path):
    paths = Paths.of({"HOME": str(tmp_path)})
    paths.state_dir.mkdir()
    loaded = load(paths, {"GENESIS_GATEWAY_TOKEN": TOKEN.reveal()}).require()
    assert await attach(paths, loaded) is None
    async with running(FakeConversation()) as access:
        with process.claimed(paths) as claim:
            assert await attach(paths, loaded) is None  # it does not listen yet
            claim.publish(process.Running(os.getpid(), access.host, access.port))
            found = await attach(paths, loaded)
            assert found is not None
            await found.aclose()
            other = load(paths, {"GENESIS_GATEWAY_TOKEN": "another"}).require()
            assert await attach(paths, other) is None
            claim.publish(process.Running(os.getpid(), access.host, access.port, TOKEN.reveal()))
            found = await attach(paths, other)  # the daemon's own token is the one to use
            assert found is not None
            await found.aclose()
        assert await attach(paths, loaded) is None


async def test_an_error_of_a_turn_is_its_end_and_one_of_a_question_a_sentence():
    async with attached(FakeConversation()) as (client, _):
        [event] = [event async for event in client.send("s1", say("fail"))]
        assert event == TurnEnded("error", error="It failed, for a test.")
        with pytest.raises(GenesisError, match='Unrecognized model "nonsense"'):
            await client.set_model("s1", "nonsense")
        with pytest.raises(GenesisError, match="no session zzz"):
            await client.open("zzz")


REFUSED = {
    "no token": ({}, 401),
    "a wrong token": ({"Authorization": "Bearer nonsense"}, 401),
    "a web page": ({"Authorization": "Bearer token-canary", "Origin": "https://evil.example"}, 403),
    "another host": ({"Authorization": "Bearer token-canary", "Host": "evil.example"}, 403),
    "a body without a length": (
        {"Authorization": "Bearer token-canary", "Transfer-Encoding": "chunked"},
        411,
    ),
    "no bearer": ({"Authorization": "token-canary"}, 401),
}


@pytest.mark.parametrize(("headers", "status"), REFUSED.values(), ids=REFUSED)
async def test_who_is_not_let_in_is_told_why(headers, status):
    async with (
        running(FakeConversation()) as access,
        httpx.AsyncClient(base_url=access.url) as client,
    ):
        answer = await client.get("/sessions", headers=headers)
        assert answer.status_code == status
        assert answer.json()["error"]["message"]
        assert "token-canary" not in answer.text
        assert (await client.get("/health")).json()["service"] == "genesis"


async def test_a_malformed_body_is_told():
    async with (
        running(FakeConversation()) as access,
        httpx.AsyncClient(base_url=access.url) as client,
    ):
        headers = {"Authorization": "Bearer token-canary"}
        answer = await client.post("/sessions/s1/model", headers=headers, content=b'{"value": 5}')
    assert answer.status_code == 400
    assert "$.value" in answer.text


async def test_without_a_daemon_nobody_is_there():
    client = DaemonConversation(Access("127.0.0.1", 1, None))
    assert not await client.is_there()
    with pytest.raises(GenesisError, match="cannot be reached"):
        await client.sessions()
    await client.aclose()


STRANGERS = {
    "another program": Answer(200, b'{"service": "other"}'),
    "a page": Answer(404, b"<html>", "text/html"),
    "a list": Answer(200, b"[]"),
    "an endless answer": Answer(200, b'{"service": "genesis"}' + b" " * MOST_HEALTH_BYTES),
    "a silent one": Answer(is_silent=True),
    "a cut one": Answer(200, b'{"service": "genesis"}', is_cut=True),
}


@pytest.mark.parametrize("answer", STRANGERS.values(), ids=STRANGERS)
async def test_what_is_no_daemon_is_not_taken_for_one(answer):
    async with strangers(lambda _asked: answer) as server:
        limit = 0.1 if answer.is_silent else 30
        assert await health_of(Remote(server.url, Secret("t")), limit) is None


async def test_a_daemon_tells_of_itself_and_of_its_pid_to_those_it_lets_in():
    async with running(FakeConversation()) as access:
        assert (await health_of(access, 30))["pid"] == os.getpid()
        assert "pid" not in await health_of(Access(access.host, access.port, None), 30)
