"""What the handlers work with: the defaults, and the world that is replaced whole."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from kilo_gateway.edge.service import EdgeLimits
from tests.gateways import in_loop
from tests.talk import ask, chat, healthy, upstream


def test_the_defaults_are_those_of_the_settings() -> None:
    from kilo_gateway.config.schema import ServerSettings

    assert EdgeLimits().max_body_bytes == ServerSettings().max_body_bytes
    assert EdgeLimits().cors_origins == ServerSettings().cors_origins


async def prices_are_loaded() -> None:
    """Until the gateway in this loop has put a World with today's prices in force: it makes no other by itself."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == "prices"))


async def test_a_world_cannot_be_changed_in_part_and_a_call_sees_the_newest(tmp_path: Path) -> None:
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        assert gateway.parts is not None
        service = gateway.parts._service
        assert service is not None
        await prices_are_loaded()
        with pytest.raises(AttributeError):
            service.world.limits = EdgeLimits()
        small = msgspec.structs.replace(service.world, limits=EdgeLimits(max_body_bytes=10))
        assert (await ask(gateway, chat())).status == 200
        service.world = small
        assert (await ask(gateway, chat())).status == 413
