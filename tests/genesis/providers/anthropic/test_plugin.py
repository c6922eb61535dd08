"""Anthropic's API, spoken by a server on loopback."""

import msgspec
import pytest

from genesis.core.events import StreamEnd, TextDelta
from genesis.core.fault import ProviderError
from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.providers.anthropic.plugin import Anthropic
from genesis.providers.provider import ChatRequest, Endpoint
from genesis.providers.registry import Registry
from tests.genesis.servers import Answer, serving

KEY = Secret("sk-ant-canary")
REQUEST = ChatRequest(Model("claude-x", "X"), (UserMessage((TextBlock("hi"),)),))
EVENTS = (
    {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
    {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "hi"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
)


def told(*chunks):
    lines = (
        b"event: %b\ndata: %b\n\n" % (chunk["type"].encode(), msgspec.json.encode(chunk))
        for chunk in chunks
    )
    return Answer(200, b"".join(lines), "text/event-stream")


async def test_an_answer_streams():
    async with serving(lambda _: told(*EVENTS)) as server:
        found = [one async for one in Anthropic().stream(Endpoint(server.url, KEY), REQUEST)]
    assert found[0] == TextDelta("hi")
    assert isinstance(found[1], StreamEnd)
    [asked] = server.asked
    assert asked.path == "/api/gateway/messages"
    assert asked.all("x-api-key") == ["sk-ant-canary"]
    assert asked.all("anthropic-version") == ["2023-06-01"]
    assert asked.all("authorization") == []


async def test_a_refusal_is_a_provider_error_without_the_key():
    body = b'{"type":"error","error":{"type":"authentication_error","message":"bad sk-ant-canary"}}'
    async with serving(lambda _: Answer(401, body)) as server:
        with pytest.raises(ProviderError) as caught:
            [one async for one in Anthropic().stream(Endpoint(server.url, KEY), REQUEST)]
    assert caught.value.message == "401 bad ***"
    assert (caught.value.provider, caught.value.code) == ("anthropic", "authentication_error")


@pytest.mark.parametrize(
    ("answer", "idents", "why"),
    [
        (Answer(200, b'{"data":[{"id":"a","display_name":"A"},{"id":5}]}'), ["a"], None),
        (Answer(401), [], "HTTP 401"),
        (Answer(200, b"<"), [], "the answer is not JSON"),
        (Answer(200, b"{}"), [], "the answer has no list of models"),
        (Answer(is_silent=True), [], "no answer within 0.1 s"),
    ],
)
async def test_models_are_listed(answer, idents, why):
    warnings = []
    async with serving(lambda _: answer) as server:
        there = Endpoint(server.url, KEY)
        limit = 0.1 if answer.is_silent else 30
        models = await Anthropic().discover(there, timeout_s=limit, warn=warnings.append)
    assert [model.id for model in models] == idents
    assert [why in warning for warning in warnings] == ([True] if why else [])


def test_it_is_a_plugin_like_the_others():
    registry = Registry(warn=pytest.fail)
    manifest = registry.manifests["anthropic"]
    assert (manifest.api, manifest.env) == ("anthropic-messages", ("ANTHROPIC_API_KEY",))
    assert manifest.models[0].cost.input == 3.0
    assert isinstance(registry.load("anthropic"), Anthropic)
