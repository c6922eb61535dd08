"""Vendors' own clients for Chat Completions, with nothing changed but their base URL: OpenRouter's and Mistral's."""

import gc
import json
from collections.abc import Iterator
from typing import Any

import pytest
from mistralai.client import Mistral
from openrouter import OpenRouter

from tests.gateways import Running
from tests.journeys.sdks.rig import CITY

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
SAID: list[Any] = [{"role": "user", "content": "good morning"}]
TOOLS: list[Any] = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def test_openrouter_is_answered_and_streams(gateway: Running) -> None:
    with OpenRouter(api_key=gateway.key, server_url=f"{gateway.url}/api/v1") as client:
        reply = client.chat.send(model="sim/echo", messages=SAID)
        assert reply.choices[0].message.content == "You said: good morning"
        assert reply.usage is not None
        stream = client.chat.send(model="sim/echo", messages=SAID, stream=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == "You said: good morning"


def test_openrouter_calls_a_tool(gateway: Running) -> None:
    with OpenRouter(api_key=gateway.key, server_url=f"{gateway.url}/api/v1") as client:
        reply = client.chat.send(model="sim/tool", messages=SAID, tools=TOOLS)
    (call,) = reply.choices[0].message.tool_calls or ()
    assert "city" in json.loads(call.function.arguments)


def test_mistral_is_answered_and_streams(gateway: Running) -> None:
    with Mistral(api_key=gateway.key, server_url=gateway.url) as client:
        reply = client.chat.complete(model="sim/echo", messages=SAID)
        assert reply.choices[0].message is not None
        assert reply.choices[0].message.content == "You said: good morning"
        stream = client.chat.stream(model="sim/echo", messages=SAID)
        text = "".join(str(event.data.choices[0].delta.content or "") for event in stream)
    assert text == "You said: good morning"


def test_mistral_calls_a_tool(gateway: Running) -> None:
    with Mistral(api_key=gateway.key, server_url=gateway.url) as client:
        reply = client.chat.complete(model="sim/tool", messages=SAID, tools=TOOLS)
    assert reply.choices[0].message is not None
    (call,) = reply.choices[0].message.tool_calls or ()
    assert call.function.name == "get_weather"
