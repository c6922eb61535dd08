"""The tests of this room that say `BOTH_LOOPS = True` run on uvloop and on plain asyncio, the others on uvloop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop

from kilo_gateway.core.clock import SystemClock
from kilo_gateway.upstreams.dialer import Dialer
from kilo_gateway.upstreams.pool import Pool
from kilo_gateway.upstreams.target import Target, parse_target


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    module = item.getparent(pytest.Module)
    if module is not None and getattr(module.obj, "BOTH_LOOPS", False):
        return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def make_pool() -> AsyncIterator[Callable[..., Pool]]:
    """Makes pools to a port of loopback; at the end they are closed and must have nothing left."""
    pools: list[Pool] = []

    def make(
        to: int | Target, *, environ: Mapping[str, str] | None = None, **settings: Any
    ) -> Pool:
        target = to if isinstance(to, Target) else parse_target("acme", f"http://127.0.0.1:{to}/v1")
        pool = Pool(
            target,
            **{
                "dialer": Dialer(environ or {}),
                "clock": SystemClock(),
                "sweep_s": 0.01,
                **settings,
            },
        )
        pools.append(pool)
        return pool

    yield make
    for pool in pools:
        await asyncio.wait_for(pool.close(), 2)
        assert (pool.open_count, pool.idle_count, pool.waiting_count) == (0, 0, 0)
