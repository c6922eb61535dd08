"""Any OpenAI-compatible server."""

import msgspec
import pytest

from genesis.core.events import TextDelta
from genesis.core.fault import ProviderError
from genesis.core.message import TextBlock, UserMessage
from genesis.core.model import Cost, Model
from genesis.core.secret import Secret
from genesis.providers.openai_compatible.plugin import OpenAICompatible
from genesis.providers.provider import ChatRequest, Endpoint
from tests.genesis.servers import Answer, events, serving, text_chunk

KEY = Secret("sk-mine")
HI = (UserMessage((TextBlock("hi"),)),)


def there(server):
    return Endpoint(server.url, KEY, provider="mine")


async def discovered(answer, timeout_s=30.0):
    warnings = []
    async with serving(lambda _: answer) as server:
        models = await OpenAICompatible().discover(
            there(server), timeout_s=timeout_s, warn=warnings.append
        )
    return models, warnings, server.asked


def listing(*entries):
    return Answer(200, msgspec.json.encode({"object": "list", "data": entries}))


async def test_the_plain_shape_is_read_with_the_key():
    entries = ({"id": "llama", "object": "model"}, {"id": "qwen", "max_model_len": 32768})
    models, warnings, [asked] = await discovered(listing(*entries))
    assert models == [
        Model("llama", "llama", context_window=128_000),
        Model("qwen", "qwen", context_window=32768),
    ]
    assert warnings == []
    assert asked.all("authorization") == ["Bearer sk-mine"]


async def test_the_rich_shape_is_read():
    entry = {
        "id": "a/b",
        "name": "B",
        "context_length": 1000,
        "architecture": {"input_modalities": ["image"]},
        "pricing": {"prompt": "0.000001"},
        "supported_parameters": ["reasoning"],
    }
    [model] = (await discovered(listing(entry)))[0]
    assert model == Model("a/b", "B", True, ("text", "image"), Cost(1.0), 1000)


async def test_an_odd_entry_spoils_no_other():
    entries = ({"id": "a", "pricing": {}, "context_length": "x"}, None, {"id": "b"}, {"id": "b"})
    models, _, _ = await discovered(listing(*entries))
    assert [model.id for model in models] == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (Answer(404), "HTTP 404"),
        (Answer(200, b"<html>"), "the answer is not JSON"),
        (Answer(200, b"{}"), "the answer has no list of models"),
        (Answer(is_silent=True), "no answer within 0.05 s"),
    ],
)
async def test_a_list_that_cannot_be_had_is_told(answer, why):
    models, warnings, _ = await discovered(answer, timeout_s=0.05 if answer.is_silent else 30)
    assert models == []
    assert warnings == [
        f'The models of "mine" could not be listed: {why}. Those in the settings are used.'
    ]


@pytest.mark.parametrize(
    ("reasons", "level", "effort"),
    [
        (True, "minimal", "minimal"),
        (True, "adaptive", "medium"),
        (True, "max", "high"),
        (True, "off", None),
        (True, None, None),
        (False, "high", None),
    ],
)
async def test_effort_is_sent_to_a_model_that_thinks(reasons, level, effort):
    request = ChatRequest(Model("m", "M", reasoning=reasons), HI, thinking=level)
    async with serving(lambda _: events(text_chunk("hi", "stop"))) as server:
        found = [one async for one in OpenAICompatible().stream(there(server), request)]
    assert found[0] == TextDelta("hi")
    assert server.asked[0].json.get("reasoning_effort") == effort
    assert server.asked[0].all("x-kilocode-feature") == []  # E8


async def test_an_error_names_the_provider_of_the_settings():
    async with serving(lambda _: Answer(500, b"{}")) as server:
        with pytest.raises(ProviderError) as caught:
            [
                one
                async for one in OpenAICompatible().stream(
                    there(server), ChatRequest(Model("m", "M"), HI)
                )
            ]
    assert caught.value.provider == "mine"
