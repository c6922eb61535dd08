"""A running simulator and a client that holds its key."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from kilo_gateway.local.simulator import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    running = Simulator()
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
async def client(simulator: Simulator) -> AsyncIterator[httpx2.AsyncClient]:
    headers = {"authorization": f"Bearer {simulator.api_key.reveal()}"}
    async with httpx2.AsyncClient(
        base_url=simulator.base_url, headers=headers, timeout=10, trust_env=False
    ) as client:
        yield client
