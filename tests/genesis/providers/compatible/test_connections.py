"""Clients of requests: each its own, or one that is kept."""

import asyncio

from genesis.providers.compatible.connections import Connections, KeepsConnections


async def test_each_request_has_a_client_of_its_own():
    connections = Connections()
    async with connections.client() as one, connections.client() as two:
        assert one is not two
    assert one.is_closed
    await connections.aclose()


async def test_a_kept_client_is_shared_until_it_is_closed():
    connections = Connections()
    connections.keep()
    async with connections.client() as one:
        pass
    async with connections.client() as two:
        assert one is two
        assert not one.is_closed
    await connections.aclose()
    assert one.is_closed
    async with connections.client() as three:
        assert three is not one
    await connections.aclose()


def test_a_client_is_not_carried_into_another_loop():
    connections = Connections()
    connections.keep()

    async def client():
        async with connections.client() as found:
            return found

    first, second = asyncio.run(client()), asyncio.run(client())
    assert first is not second
    asyncio.run(connections.aclose())  # of another loop: nothing to wait for


async def test_a_plugin_shares_connections_once_it_is_asked_to():
    plugin = KeepsConnections()
    async with plugin._connections.client() as one, plugin._connections.client() as two:
        assert one is not two
    plugin.keep_connections()
    async with plugin._connections.client() as kept:
        pass
    assert not kept.is_closed
    await plugin.aclose()
    assert kept.is_closed
