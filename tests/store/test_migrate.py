"""Migrations, on both databases: they lead to the tables that the code knows, once, and never backwards."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.store.engine import connect
from kilo_gateway.store.migrate import SCRIPTS
from kilo_gateway.store.store import Store
from kilo_gateway.store.tables import HEAD, metadata


@pytest.fixture
def url(either_url):
    return either_url


async def tell(url, statement):
    """Run a statement past the store; the names of all tables there are then."""
    engine = connect(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
        names = await connection.run_sync(
            lambda synchronous: inspect(synchronous).get_table_names()
        )
    await engine.dispose()
    return names


async def test_an_empty_database_becomes_current(url):
    store = Store.open(url)
    assert not await store.is_current()
    await store.migrate()
    assert await store.is_current()
    await store.close()


async def test_migrating_twice_changes_nothing(store):
    await store.migrate()
    assert await store.keys_epoch() == 1


async def test_migrations_lead_to_the_tables_of_the_code(store):
    def differences(connection):
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with store._engine.connect() as connection:
        assert await connection.run_sync(differences) == []


def test_the_code_knows_the_last_migration():
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_two_that_migrate_at_once_do_not_disturb_each_other(url):
    stores = [Store.open(url) for _ in range(4)]
    await asyncio.gather(*(store.migrate() for store in stores))
    assert {await store.keys_epoch() for store in stores} == {1}
    for store in stores:
        await store.close()


async def test_a_failed_migration_leaves_nothing_behind(url):
    await tell(url, "CREATE TABLE meta (surprise TEXT)")
    store = Store.open(url)
    with pytest.raises(Fault):
        await store.migrate()
    assert not await store.is_current()
    await store.close()
    assert await tell(url, "SELECT surprise FROM meta") == ["meta"]


async def test_a_database_of_a_newer_version_is_refused_with_a_remedy(store, url):
    await tell(url, "UPDATE alembic_version SET version_num = '9999'")
    assert not await store.is_current()
    with pytest.raises(Fault, match="newer version") as caught:
        await store.migrate()
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
