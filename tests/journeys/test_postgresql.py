"""A gateway whose keys and ledger are in PostgreSQL."""

import asyncio
from pathlib import Path

from kilo_gateway.store.store import Store
from tests.gateways import process
from tests.postgres import Postgres
from tests.talk import Client, ask, chat, healthy, in_thread, upstream


async def test_keys_and_entries_are_in_the_database_that_the_settings_name(
    tmp_path: Path, postgres: Postgres
) -> None:
    with postgres.database() as url:
        environ = {"KILO_GATEWAY__STATE__DATABASE": url.replace("+asyncpg", "")}
        async with (
            healthy() as server,
            in_thread(process(tmp_path, upstream("a", server), environ=environ)) as gateway,
        ):
            assert (await ask(gateway, chat())).status == 200
            async with Client(gateway) as client, asyncio.timeout(10):
                while b'"ledger":"stored"' not in (await client.get("/health/ready")).body:
                    await asyncio.sleep(0.02)
        store = Store.open(url)
        [key], [used] = await store.list_keys(), await store.usage(("key", "model"))
        await store.close()
    assert (used.key_id, used.model, used.requests, used.errors) == (key.id, "m", 1, 0)
    assert not (tmp_path / "gateway.db").exists()
