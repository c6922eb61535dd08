"""The OpenAI-compatible door: whole and streamed answers, tools of the client, errors with their status, places."""

import asyncio
from contextlib import asynccontextmanager

import httpx
import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import AuthMissingError, GenesisError, ProviderError
from genesis.core.model import Model
from genesis.core.refs import ModelRef, parse
from genesis.core.usage import Usage
from genesis.daemon.access import Access
from genesis.daemon.completions import Choices, Completions
from genesis.daemon.server import EventStream, Server
from genesis.daemon.turns import Places
from tests.genesis.daemon.fakes import FakeConversation
from tests.genesis.daemon.running import HEADERS, TOKEN, serving
from tests.genesis.session.fakes import FakeModels, FakeProvider, until

HELLO = {"messages": [{"role": "user", "content": "hi"}]}
END = StreamEnd("stop", Usage(input=8, output=3, cache_read=2, cost_usd=0.001))


class Door:
    """The door in front of a provider that plays scripts."""

    def __init__(self, *scripts, most=4, **model):
        self.provider = FakeProvider(*scripts)
        self.models = FakeModels(self.provider, Model("m", "M", **model))
        self.places = Places(most)
        self.refreshed = 0
        choices = Choices(
            lambda: self.models, self.resolve, lambda: [ModelRef("fake", "m"), ModelRef("p", "a/b")]
        )
        self.completions = Completions(
            choices, self.places, refresh=self.refresh, clock=lambda: 1700000000.0
        )

    def resolve(self, name):
        if name == "nonsense":
            raise GenesisError('Unrecognized model "nonsense".')
        return parse(name, "fake")

    def refresh(self):
        self.refreshed += 1

    @asynccontextmanager
    async def open(self):
        server = Server(FakeConversation(), self.completions.routes(), places=self.places)
        async with (
            serving(server) as (access, _),
            httpx.AsyncClient(base_url=access.url, headers=HEADERS) as client,
        ):
            yield client

    async def ask(self, **body):
        async with self.open() as client:
            return await client.post("/v1/chat/completions", json=HELLO | body)


def chunks(answer):
    lines = [line[6:] for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [msgspec.json.decode(line) for line in lines[:-1]]


async def test_a_whole_answer():
    door = Door([ThinkingDelta("hm"), TextDelta("Hel"), TextDelta("lo"), END])
    answer = await door.ask(model="default")
    assert answer.status_code == 200
    found = answer.json()
    assert (found["object"], found["model"], found["created"]) == (
        "chat.completion",
        "fake/m",
        1700000000,
    )
    [choice] = found["choices"]
    assert choice["message"] == {
        "role": "assistant",
        "content": "Hello",
        "reasoning_content": "hm",
    }
    assert choice["finish_reason"] == "stop"
    assert found["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 2},
        "cost": 0.001,
    }
    assert door.places.taken == 0
    assert door.refreshed == 1


async def test_a_streamed_answer_has_its_usage_only_if_it_was_asked_for():
    door = Door([TextDelta("Hello"), END])
    found = chunks(await door.ask(stream=True))
    assert [one["choices"][0]["delta"] for one in found] == [
        {"role": "assistant", "content": ""},
        {"content": "Hello"},
        {},
    ]
    assert found[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in one for one in found)
    asked = chunks(await door.ask(stream=True, stream_options={"include_usage": True}))
    assert asked[-1]["choices"] == []
    assert asked[-1]["usage"]["total_tokens"] == 13
    assert door.places.taken == 0


async def test_tools_are_the_clients_own():
    door = Door([ToolCallReady("c1", "look", '{"a":1}'), StreamEnd("tool_use")])
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    answer = (await door.ask(tools=[tool], tool_choice="auto")).json()
    [choice] = answer["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":1}'}}
    assert choice["message"]["tool_calls"] == [call]
    assert answer["usage"] is None
    [request] = door.provider.requests
    assert request.tools[0].name == "look"
    assert request.params["toolChoice"] == "auto"
    streamed = chunks(await door.ask(tools=[tool], stream=True))
    assert streamed[1]["choices"][0]["delta"] == {"tool_calls": [{"index": 0, **call}]}


async def test_what_the_client_sets_reaches_the_model():
    door = Door([END])
    await door.ask(
        model="fake/m",
        temperature=0.5,
        max_tokens=9,
        top_p=0.1,
        stop=["x"],
        reasoning_effort="high",
    )
    [request] = door.provider.requests
    assert request.params["temperature"] == 0.5
    assert request.params["maxTokens"] == 9
    assert request.params["extra_body"] == {"top_p": 0.1, "stop": ["x"]}
    assert request.thinking == "high"


async def test_the_models_are_listed():
    async with Door([END]).open() as client:
        rows = (await client.get("/v1/models")).json()["data"]
    assert [row["id"] for row in rows] == ["fake/m", "p/a/b"]


FAILURES = {
    "a limit": (ProviderError("429 slow down", status=429), 429),
    "no credit": (ProviderError("402 insufficient credits", status=402), 402),
    "our key": (ProviderError("401 bad key", status=401), 502),
    "their fault": (ProviderError("500 oops", status=500), 502),
    "too long": (ProviderError("400 maximum context length is 5 tokens", status=400), 400),
    "no key here": (AuthMissingError("No key.", "fake"), 503),
}


@pytest.mark.parametrize(("error", "status"), FAILURES.values(), ids=FAILURES)
async def test_a_failure_has_its_status_and_sentence(error, status):
    door = Door([error])
    answer = await door.ask()
    assert answer.status_code == status
    assert len(answer.json()["error"]["message"]) > 10
    assert door.places.taken == 0


async def test_a_failure_in_a_stream_is_its_last_word_before_the_end():
    door = Door([TextDelta("half"), ProviderError("429 slow down", status=429)])
    found = chunks(await door.ask(stream=True))
    assert found[-1]["error"]["code"] == 429
    assert door.places.taken == 0


REFUSED = {
    "an unknown model": ({"model": "nonsense"}, 404, "Unrecognized model"),
    "several answers": ({"n": 2}, 400, "n is 2"),
    "no messages": ({"messages": 5}, 400, "$.messages"),
    "a role": ({"messages": [{"role": "x"}]}, 400, 'messages[0].role is "x"'),
    "a tool": ({"tools": [{"type": "y"}]}, 400, "tools[0]"),
}


@pytest.mark.parametrize(("body", "status", "told"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_asked_is_told(body, status, told):
    answer = await Door([END]).ask(**body)
    assert answer.status_code == status
    assert told in answer.json()["error"]["message"]


async def test_without_a_place_it_is_asked_to_wait():
    door = Door([END], most=0)
    assert (await door.ask()).status_code == 429
    assert door.places.taken == 0


@pytest.mark.parametrize("is_stream", [False, True])
async def test_a_client_that_leaves_ends_the_request_behind(is_stream):
    door = Door([TextDelta("half"), asyncio.Event()])
    async with door.open() as client:
        asked = asyncio.ensure_future(
            client.post("/v1/chat/completions", json=HELLO | {"stream": is_stream})
        )
        while not door.provider.requests:
            await asyncio.sleep(0.01)
        asked.cancel()
        await asyncio.wait([asked])
        while not door.provider.closed:
            await asyncio.sleep(0.01)
        await until(lambda: door.places.taken == 0)
    assert door.provider.closed == 1


class LeavingClient:
    """A client at the application itself, which hangs up between the model's first word and the first of the stream."""

    def __init__(self, door):
        self._door = door
        self._body = msgspec.json.encode(HELLO | {"stream": True})
        self._heard = 0
        self.sent = []

    async def receive(self):
        self._heard += 1
        if self._heard == 1:
            return {"type": "http.request", "body": self._body, "more_body": False}
        if self._heard == 2:  # while the model is asked it is still there
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        await asyncio.sleep(0)
        self.sent.append(message)

    async def ask(self):
        app = Server(FakeConversation(), self._door.completions.routes()).app(
            Access("127.0.0.1", 1, TOKEN)
        )
        headers = {"host": "127.0.0.1", "content-length": str(len(self._body))} | HEADERS
        await app(
            {
                "type": "http", "method": "POST", "path": "/v1/chat/completions", "query_string": b"",
                "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
            },
            self.receive,
            self.send,
        )  # fmt: skip


async def test_a_client_that_leaves_before_the_stream_begins_ends_the_request_behind():
    door = Door([TextDelta("half"), asyncio.Event()])
    client = LeavingClient(door)
    await client.ask()
    assert client.sent == []
    assert (len(door.provider.requests), door.provider.closed, door.places.taken) == (1, 1, 0)


async def test_a_message_with_pictures_goes_to_a_model_that_takes_them():
    door = Door([TextDelta("a cat"), END])
    door.models.seers = [ModelRef("fake", "seer")]
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}
    answer = await door.ask(messages=[{"role": "user", "content": [picture]}])
    assert answer.json()["model"] == "fake/seer"
    assert (await door.ask()).json()["model"] == "fake/m"


async def test_a_client_that_reads_nothing_holds_no_place_for_long(monkeypatch, capfd):
    monkeypatch.setitem(EventStream.__init__.__kwdefaults__, "stuck_s", 0.2)
    door = Door([TextDelta("x" * 100_000)] * 1_000)
    server = Server(FakeConversation(), door.completions.routes(), places=door.places)
    body = msgspec.json.encode(HELLO | {"stream": True})
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
    async with serving(server) as (access, _):
        reader, writer = await asyncio.open_connection(access.host, access.port, limit=1_000)
        writer.write(head.encode() + body)
        async with asyncio.timeout(60):
            while not door.provider.closed:
                await asyncio.sleep(0.01)
        assert (door.provider.closed, door.places.taken) == (1, 0)
        assert len(await reader.read()) < 100_000_000
        writer.close()
    assert "Traceback" not in capfd.readouterr().err
