"""The Anthropic Python SDK, unchanged: messages, its stream helpers, tools, thinking, errors."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic

from tests.gateways import Running
from tests.journeys.sdks.rig import CITY

SAID: list[Any] = [{"role": "user", "content": "good morning"}]
TOOLS: list[Any] = [{"name": "get_weather", "description": "The weather.", "input_schema": CITY}]


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[Anthropic]:
    with Anthropic(base_url=gateway.url, api_key=gateway.key, max_retries=0, timeout=20) as client:
        yield client


def test_a_message_is_answered_with_its_usage(client: Anthropic) -> None:
    reply = client.messages.create(model="sim/echo", max_tokens=50, messages=SAID)
    assert reply.content[0].text == "You said: good morning"
    assert reply.stop_reason == "end_turn"
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 4)


def test_the_stream_helper_collects_a_message(client: Anthropic) -> None:
    with client.messages.stream(model="sim/echo", max_tokens=50, messages=SAID) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == "You said: good morning"
    assert final.content[0].text == text
    assert final.usage.output_tokens == 4


def test_thinking_is_streamed_in_a_block_of_its_own(client: Anthropic) -> None:
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    with client.messages.stream(
        model="sim/reasoning-tokens-9", max_tokens=4000, messages=SAID, thinking=thinking
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_message()
    assert "thinking" in kinds
    assert [block.type for block in final.content] == ["thinking", "text"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_taken(client: Anthropic, streamed: bool) -> None:
    asked: Any = {"model": "sim/tool", "max_tokens": 50, "tools": TOOLS}
    if streamed:
        with client.messages.stream(messages=SAID, **asked) as stream:
            first = stream.get_final_message()
    else:
        first = client.messages.create(messages=SAID, **asked)
    assert first.stop_reason == "tool_use"
    call = first.content[-1]
    assert (call.type, call.name) == ("tool_use", "get_weather")
    assert "city" in call.input
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "sunny"}
    turns = [
        *SAID,
        {"role": "assistant", "content": first.content},
        {"role": "user", "content": [result]},
    ]
    second = client.messages.create(messages=turns, **asked)
    assert second.content[0].type == "text"
    assert second.stop_reason == "end_turn"


def test_tokens_are_counted(client: Anthropic) -> None:
    counted = client.messages.count_tokens(model="sim/echo", messages=SAID)
    assert counted.input_tokens > 0


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("sim/status-429-retry-3", anthropic.RateLimitError),
        ("nope", anthropic.NotFoundError),
        ("sim/status-500", anthropic.APIStatusError),
        ("sim/overflow", anthropic.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client: Anthropic, model: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        client.messages.create(model=model, max_tokens=5, messages=SAID)
    assert caught.value.body["type"] == "error"  # type: ignore[attr-defined]  # of its status errors


def test_a_fault_in_the_stream_is_raised(client: Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError):
        for _ in client.messages.create(
            model="sim/error-in-stream-after-3", max_tokens=50, messages=SAID, stream=True
        ):
            pass


def test_a_bad_key_is_refused(gateway: Running) -> None:
    with (
        Anthropic(base_url=gateway.url, api_key="kg_live_x", max_retries=0) as client,
        pytest.raises(anthropic.AuthenticationError),
    ):
        client.messages.create(model="sim/echo", max_tokens=5, messages=SAID)


def test_models_are_listed(client: Anthropic) -> None:
    assert "sim/echo" in {model.id for model in client.models.list()}


def test_what_has_no_place_is_named(client: Anthropic) -> None:
    raw = client.messages.with_raw_response.create(
        model="sim/echo", max_tokens=5, messages=SAID, extra_body={"brand_new": {"a": 1}}
    )
    assert "brand_new" in raw.headers["x-kilo-dropped"]
    assert json.loads(raw.text())["type"] == "message"
