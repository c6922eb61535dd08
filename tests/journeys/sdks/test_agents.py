"""Agents that people run on top: a loop with a tool, over each dialect."""

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import pytest
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models import Model
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.gateways import Running

# These libraries leave their connections to the garbage collector: it does its work before the next test.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    yield
    gc.collect()


def pydantic_model(kind: str, gateway: Running) -> Model:
    openai = OpenAIProvider(base_url=f"{gateway.url}/v1", api_key=gateway.key)
    if kind == "chat":
        return OpenAIChatModel("sim/tool", provider=openai)
    if kind == "responses":
        return OpenAIResponsesModel("sim/tool", provider=openai)
    return AnthropicModel(
        "sim/tool", provider=AnthropicProvider(base_url=gateway.url, api_key=gateway.key)
    )


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
@pytest.mark.parametrize("streamed", [False, True])
def test_pydantic_ai_runs_its_tool_loop(gateway: Running, kind: str, streamed: bool) -> None:
    asked: list[str] = []

    async def run() -> str:
        agent = Agent(pydantic_model(kind, gateway))

        @agent.tool_plain
        def get_weather(city: str) -> str:
            """The weather in a city."""
            asked.append(city)
            return "sunny"

        if not streamed:
            return str((await agent.run("What is the weather?")).output)
        async with agent.run_stream("What is the weather?") as result:
            return str(await result.get_output())

    assert asyncio.run(run())
    assert asked


@tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


@pytest.mark.parametrize("kind", ["chat", "responses", "messages"])
def test_langchain_calls_a_tool_and_goes_on(gateway: Running, kind: str) -> None:
    model: Any
    if kind == "messages":
        model = ChatAnthropic(model="sim/tool", base_url=gateway.url, api_key=gateway.key)
    else:
        model = ChatOpenAI(
            model="sim/tool",
            base_url=f"{gateway.url}/v1",
            api_key=gateway.key,
            use_responses_api=kind == "responses",
        )
    bound = model.bind_tools([get_weather])
    said: list[Any] = [HumanMessage("What is the weather?")]
    first = bound.invoke(said)
    (call,) = first.tool_calls
    assert call["name"] == "get_weather"
    said += [first, ToolMessage(get_weather.invoke(call["args"]), tool_call_id=call["id"])]
    assert bound.invoke(said).text
