"""The OpenAI Python SDK's Responses, unchanged: whole, streamed, tools, reasoning, structured output, errors."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

from tests.gateways import Running
from tests.journeys.sdks.rig import CITY

TOOLS: list[Any] = [
    {"type": "function", "name": "get_weather", "parameters": CITY, "strict": False}
]


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[OpenAI]:
    http = httpx2.Client(trust_env=False)
    with OpenAI(
        base_url=f"{gateway.url}/v1",
        api_key=gateway.key,
        max_retries=0,
        timeout=20,
        http_client=http,
    ) as client:
        yield client


def test_an_input_is_answered_with_its_usage(client: OpenAI) -> None:
    reply = client.responses.create(model="sim/echo", input="good morning")
    assert reply.output_text == "You said: good morning"
    assert reply.status == "completed"
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (2, 4)


def test_the_stream_helper_collects_a_response(client: OpenAI) -> None:
    with client.responses.stream(model="sim/echo", input="good morning") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "You said: good morning"
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


def test_reasoning_is_an_item_before_the_message(client: OpenAI) -> None:
    with client.responses.stream(model="sim/reasoning-tokens-9", input="hm") as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert [item.type for item in final.output] == ["reasoning", "message"]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_taken(client: OpenAI, streamed: bool) -> None:
    said: list[Any] = [{"role": "user", "content": "weather?"}]
    if streamed:
        with client.responses.stream(model="sim/tool", input=said, tools=TOOLS) as stream:
            first = stream.get_final_response()
    else:
        first = client.responses.create(model="sim/tool", input=said, tools=TOOLS)
    (call,) = [item for item in first.output if item.type == "function_call"]
    assert "city" in json.loads(call.arguments)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    second = client.responses.create(model="sim/tool", input=[*said, call, result], tools=TOOLS)
    assert second.output_text


class Weather(BaseModel):
    """What is asked for."""

    city: str


def test_a_wanted_form_reaches_the_model(client: OpenAI) -> None:
    with pytest.raises(Exception, match=r"(?i)json|valid"):  # the simulator says what it likes
        client.responses.parse(model="sim/echo", input="Paris", text_format=Weather)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("sim/status-429-retry-3", openai.RateLimitError),
        ("nope", openai.NotFoundError),
        ("sim/overflow", openai.BadRequestError),
    ],
)
def test_errors_are_the_sdks_own(client: OpenAI, model: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        client.responses.create(model=model, input="hi")


def test_a_fault_in_the_stream_is_told(client: OpenAI) -> None:
    asked: Any = {"model": "sim/error-in-stream-after-3", "input": "hi", "stream": True}
    kinds: list[str] = []

    def read() -> None:
        kinds.extend(event.type for event in client.responses.create(**asked))

    with pytest.raises(openai.APIError):
        read()
    assert "response.output_text.delta" in kinds


def test_what_only_a_store_could_honour_is_refused(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="sim/echo", input="hi", previous_response_id="resp_1")
    assert "previous_response_id" in str(caught.value)
