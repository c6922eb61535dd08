"""Google's Python SDK, unchanged: generate, streams, function calls, thinking, counting, lists, errors."""

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.gateways import Running
from tests.journeys.sdks.rig import CITY

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather", description="The weather.", parameters_json_schema=CITY
        )
    ]
)


@pytest.fixture(scope="module")
def client(gateway: Running) -> Iterator[genai.Client]:
    options = types.HttpOptions(base_url=gateway.url, timeout=20_000)
    with genai.Client(api_key=gateway.key, http_options=options) as client:
        yield client


def test_contents_are_answered_with_their_usage(client: genai.Client) -> None:
    reply = client.models.generate_content(model="sim/echo", contents="good morning")
    assert reply.text == "You said: good morning"
    assert reply.usage_metadata is not None
    assert reply.usage_metadata.prompt_token_count == 2
    assert reply.usage_metadata.candidates_token_count == 4
    assert reply.candidates is not None
    assert reply.candidates[0].finish_reason == types.FinishReason.STOP


def test_a_stream_is_read_chunk_by_chunk(client: genai.Client) -> None:
    chunks = list(client.models.generate_content_stream(model="sim/echo", contents="good morning"))
    assert "".join(chunk.text or "" for chunk in chunks) == "You said: good morning"
    assert len(chunks) > 2
    assert chunks[-1].usage_metadata is not None


def test_thoughts_are_marked_as_such(client: genai.Client) -> None:
    reply = client.models.generate_content(model="sim/reasoning-tokens-9", contents="hm")
    assert reply.candidates is not None
    assert reply.candidates[0].content is not None
    assert [bool(part.thought) for part in reply.candidates[0].content.parts or ()] == [True, False]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_function_is_called_and_its_result_taken(client: genai.Client, streamed: bool) -> None:
    config = types.GenerateContentConfig(tools=[WEATHER])
    said: list[Any] = [types.Content(role="user", parts=[types.Part(text="weather?")])]
    if streamed:
        chunks = list(
            client.models.generate_content_stream(model="sim/tool", contents=said, config=config)
        )
        call = next(chunk.function_calls[0] for chunk in chunks if chunk.function_calls)
    else:
        reply = client.models.generate_content(model="sim/tool", contents=said, config=config)
        assert reply.function_calls
        call = reply.function_calls[0]
    assert call.name == "get_weather"
    assert "city" in (call.args or {})
    result = types.Part.from_function_response(name="get_weather", response={"output": "sunny"})
    said += [
        types.Content(role="model", parts=[types.Part(function_call=call)]),
        types.Content(role="user", parts=[result]),
    ]
    assert client.models.generate_content(model="sim/tool", contents=said, config=config).text


def test_the_sdk_runs_a_function_by_itself(client: genai.Client) -> None:
    asked: list[str] = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "sunny"

    reply = client.models.generate_content(
        model="sim/tool",
        contents="What is the weather?",
        config=types.GenerateContentConfig(tools=[get_weather]),
    )
    assert asked
    assert reply.text


def test_tokens_are_counted(client: genai.Client) -> None:
    counted = client.models.count_tokens(model="sim/echo", contents="good morning")
    assert counted.total_tokens


def test_models_are_listed(client: genai.Client) -> None:
    names = {model.name for model in client.models.list()}
    assert "models/sim/echo" in names
    assert client.models.get(model="sim/echo").name == "models/sim/echo"


@pytest.mark.parametrize(
    ("model", "code"), [("sim/status-429-retry-3", 429), ("nope", 404), ("sim/overflow", 400)]
)
def test_errors_are_the_sdks_own(client: genai.Client, model: str, code: int) -> None:
    with pytest.raises(errors.APIError) as caught:
        client.models.generate_content(model=model, contents="hi")
    assert caught.value.code == code
    assert caught.value.message
