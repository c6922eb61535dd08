"""Models and answers of an OpenAI-compatible server."""

import pytest

from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.providers.compatible.asking import url_under
from genesis.providers.compatible.client import ListingError, list_models, stream_chat
from genesis.providers.provider import ChatRequest, Endpoint
from tests.genesis.servers import Answer, events, serving, text_chunk

REQUEST = ChatRequest(Model("m", "M"), (UserMessage((TextBlock("hi"),)),))
MOVED = Answer(302, headers={"location": "/elsewhere"})


@pytest.mark.parametrize(
    "base",
    ["https://api.kilo.ai/api/gateway/", "https://api.kilo.ai/api/gateway"],
    ids=["A6", "A7"],
)
def test_a_path_is_under_its_base(base):
    assert url_under(base, "chat/completions") == (
        "https://api.kilo.ai/api/gateway/chat/completions"
    )


async def test_a_list_without_key_takes_the_settings_authorization_out_too():
    async with serving(lambda _: Answer(200, b"[]")) as server:
        endpoint = Endpoint(server.url, Secret("k-1"), {"authorization": "Basic x", "X-T": "a"})
        assert await list_models(endpoint, 1.0, with_key=False) == (200, b"[]")
    assert server.asked[0].all("authorization") == []
    assert server.asked[0].all("x-t") == ["a"]


@pytest.mark.parametrize(("with_key", "paths"), [(False, 2), (True, 1)])
async def test_only_a_list_without_key_is_followed_elsewhere(with_key, paths):
    async with serving(lambda one: MOVED if one.path.endswith("models") else Answer()) as server:
        await list_models(Endpoint(server.url, Secret("k-1")), 1.0, with_key=with_key)
    assert len(server.asked) == paths


async def test_a_key_with_an_accent_is_sent():
    async with serving(lambda _: events(text_chunk("a", "stop"))) as server:
        stream = stream_chat(Endpoint(server.url, Secret("café-1")), REQUEST, provider="x")
        assert [event async for event in stream]
    assert server.asked[0].all("authorization") == ["Bearer café-1"]


async def test_the_settings_authorization_is_sent_where_there_is_no_key():
    async with serving(lambda _: events(text_chunk("a", "stop"))) as server:
        endpoint = Endpoint(server.url, None, {"Authorization": "Basic x"})
        assert [event async for event in stream_chat(endpoint, REQUEST, provider="x")]
    assert server.asked[0].all("authorization") == ["Basic x"]


async def test_a_list_that_does_not_end_is_refused(monkeypatch):
    monkeypatch.setattr("genesis.providers.compatible.client._LIST_BYTES", 10)
    async with serving(lambda _: Answer(200, b"x" * 100)) as server:
        with pytest.raises(ListingError, match="larger than 10 bytes"):
            await list_models(Endpoint(server.url), 1.0, with_key=False)


async def test_a_list_must_come_in_time():
    async with serving(lambda _: Answer(is_silent=True)) as server:
        with pytest.raises(ListingError, match=r"no answer within 0\.05 s"):
            await list_models(Endpoint(server.url), 0.05, with_key=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://x/", "http://[/"])
async def test_a_list_from_nowhere_says_why(url):
    with pytest.raises(ListingError, match=r"."):
        await list_models(Endpoint(url), 1.0, with_key=False)
