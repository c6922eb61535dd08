"""The protocol's rim: who is let in, what is refused, and what is left of a request whose client is gone."""

import asyncio

import httpx
import msgspec
import pytest
from starlette.requests import Request
from starlette.routing import Route

from genesis.core.events import TextDelta
from genesis.daemon.access import Access
from genesis.daemon.server import COMMENT, Door, EventStream, Server, _as_stream, unless_gone
from genesis.daemon.turns import Listener
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.daemon.running import HEADERS, TOKEN

ACCESS = Access("127.0.0.1", 18789, TOKEN)


def client(app):
    transport = httpx.ASGITransport(app, raise_app_exceptions=True)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:18789")


async def test_who_is_let_in_learns_more():
    app = Server(FakeConversation()).app(ACCESS)
    async with client(app) as http:
        assert set((await http.get("/health")).json()) == {"service", "version"}
        assert "pid" in (await http.get("/health", headers=HEADERS)).json()


async def test_a_session_is_read_by_its_url():
    async with client(Server(FakeConversation()).app(ACCESS)) as http:
        assert (await http.get("/sessions/s1", headers=HEADERS)).json()["id"] == "s1"


@pytest.mark.parametrize(
    ("method", "path", "status", "told"),
    [
        ("GET", "/sessions/zzz", 404, "There is no session zzz."),
        ("POST", "/sessions/zzz/cancel", 404, "There is no session zzz."),
        ("GET", "/sessions/zzz/events", 404, "There is no session zzz."),
        ("GET", "/nonsense", 404, "There is no GET /nonsense here."),
        ("DELETE", "/sessions", 405, "There is no DELETE /sessions here."),
    ],
)
async def test_what_is_not_there_is_told(method, path, status, told):
    async with client(Server(FakeConversation()).app(ACCESS)) as http:
        answer = await http.request(method, path, headers=HEADERS)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == told


@pytest.mark.parametrize("length", ["33554433", "99999999999", "-1", "x", "²"])
async def test_a_body_that_is_too_large_is_refused_before_it_is_read(length):
    sent = []
    headers = [(b"host", b"localhost"), (b"content-length", length.encode("latin-1"))]
    scope = {"type": "http", "method": "POST", "path": "/sessions", "headers": headers}

    async def receive():
        raise AssertionError("it was read")

    async def send(message):
        sent.append(message)

    await Door(lambda *_: None, ACCESS)(scope, receive, send)
    assert sent[0]["status"] == 413


async def test_a_failure_of_ours_is_a_sentence_and_its_trace_is_in_the_log_without_keys():
    async def broken(_request):
        raise ZeroDivisionError("kg_live_0123456789abcdef")

    log = []
    app = Server(FakeConversation(), [Route("/broken", broken)]).app(ACCESS)
    app._log = log.append
    async with client(app) as http:
        answer = await http.get("/broken", headers=HEADERS)
    assert answer.status_code == 500
    assert "ZeroDivisionError" in answer.json()["error"]["message"]
    assert "ZeroDivisionError" in log[0]
    assert "kg_live_0123" not in log[0] + answer.text


async def test_settings_are_refreshed_before_they_are_used():
    asked = []
    server = Server(FakeConversation(), refresh=lambda: asked.append(1))
    async with client(server.app(ACCESS)) as http:
        await http.post("/sessions", headers=HEADERS, content=b"{}")
        turn = {"message": {"role": "user", "content": [{"type": "text", "text": "hi"}]}}
        answer = await http.post("/sessions/s1/messages", headers=HEADERS, json=turn)
    assert len(asked) == 2
    events = [msgspec.json.decode(line[6:]) for line in answer.text.split("\n\n") if line]
    assert [event["type"] for event in events] == ["text-delta", "turn-ended"]


async def test_a_silent_stream_says_that_it_is_there():
    listener = Listener(lambda _: None, None)
    stream = _as_stream(listener, silence_s=0)
    assert await anext(stream) == COMMENT
    listener.tell(TextDelta("x"))
    listener.end()
    assert b"text-delta" in await anext(stream)
    await stream.aclose()


async def test_a_client_that_is_gone_before_the_stream_began_frees_what_it_held():
    closed = []

    async def content():
        yield b"x"

    async def receive():
        return {"type": "http.disconnect"}

    async def send(_message):
        await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    await EventStream(content(), lambda: closed.append(1))(scope, receive, send)
    assert closed == [1]


async def test_shortening_for_a_client_that_leaves_ends():
    ended = []

    class Slow(FakeConversation):
        async def compact(self, _session):
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(1)

    async def receive():
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(_message):
        pass

    headers = [(b"host", b"localhost"), (b"authorization", b"Bearer token-canary")]
    path = "/sessions/s1/compact"
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": headers,
    }
    await Server(Slow()).app(ACCESS)(scope, receive, send)
    assert ended == [1]


async def test_a_client_that_takes_nothing_any_more_has_left():
    ended = []

    async def content():
        try:
            while True:
                yield b"x"
        finally:
            ended.append("content")

    async def hears_nothing(*_message):
        await asyncio.Event().wait()

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    stream = EventStream(content(), lambda: ended.append("closed"), stuck_s=0)
    await stream(scope, hears_nothing, hears_nothing)
    assert ended == ["closed"]


async def test_work_for_a_client_that_leaves_ends():
    ended = []

    async def work():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async def receive():
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    request = Request({"type": "http", "headers": []}, receive)
    assert await unless_gone(request, work()) is None
    assert ended == [1]


async def test_work_that_ends_or_fails_is_answered():
    async def receive():
        await asyncio.Event().wait()

    async def answer():
        return 5

    async def failure():
        raise ValueError("x")

    request = Request({"type": "http", "headers": []}, receive)
    assert await unless_gone(request, answer()) == 5
    with pytest.raises(ValueError, match="x"):
        await unless_gone(request, failure())
