"""Tokens are counted by us where no upstream counts them, and the answer says so."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.gateways import Running, in_loop
from tests.talk import Client, healthy, upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")

TALK = {"messages": [{"role": "user", "content": "How many tokens are these words?"}]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with healthy() as server:
        home = tmp_path_factory.mktemp("counting")
        async with in_loop(home, upstream("a", server)) as running:
            yield running


async def test_messages_are_counted(gateway: Running) -> None:
    async with Client(gateway) as client:
        answer = await client.ask(
            {"model": "m", "max_tokens": 5} | TALK, path="/v1/messages/count_tokens"
        )
    assert answer.status == 200
    assert 5 < answer.json()["input_tokens"] < 30
    assert answer.headers["x-kilo-estimate"] == "tokens"


async def test_responses_are_counted(gateway: Running) -> None:
    async with Client(gateway) as client:
        body = {"model": "m", "input": "How many tokens are these words?"}
        answer = await client.ask(body, path="/v1/responses/input_tokens")
    assert answer.json()["object"] == "response.input_tokens"


async def test_an_unknown_model_is_told_in_the_dialect(gateway: Running) -> None:
    async with Client(gateway) as client:
        answer = await client.ask({"model": "nope"} | TALK, path="/v1/messages/count_tokens")
    assert answer.status == 404
    assert answer.json()["type"] == "error"
