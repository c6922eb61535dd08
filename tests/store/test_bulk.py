"""Bulk: the short way into SQLite stores exactly what the engine's way stores."""

import asyncio
import sqlite3
from threading import Thread

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.store.bulk import Bulk
from kilo_gateway.store.store import Store
from kilo_gateway.store.tables import entries

NOW = 1_800_000_000.0
TYPES = ", ".join(f"typeof({name})" for name in entries.columns)
NULLS = {
    "status": None,
    "cost_nanodollars": None,
    "first_byte_ms": None,
    "upstream_request_id": None,
    "finish_reason": None,
    "client_version": None,
    "usage": Usage(),
}
FULL = {
    "feature": "",
    "session": "täst 'quoted'",
    "mode": "a\0b",
    "project": "p",
    "message": "m",
    "editor": "e",
    "machine": "🙂",
    "has_error": True,
    "is_streamed": False,
    "usage": Usage(0, 2**62, 3, 4, 5, 6, 7, 8, "estimated", b"\x00\xffraw"),
}


def rows_of(path):
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT * FROM entries ORDER BY id").fetchall()
    types = connection.execute(f"SELECT {TYPES} FROM entries ORDER BY id").fetchall()
    connection.close()
    return rows, types


@pytest.mark.parametrize("count", [1, 20, 100, 243])
async def test_both_ways_store_the_same(store, entry_of, tmp_path, count):
    batch = [entry_of(n, **(FULL, NULLS, {})[n % 3]) for n in range(count)]
    await store.put(batch)
    other = Store.open(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    other._bulk = None
    await other.migrate()
    await other.put(batch)
    await other.close()
    rows, types = rows_of(tmp_path / "gateway.db")
    assert len(rows) == count
    assert (rows, types) == rows_of(tmp_path / "other.db")


@pytest.mark.parametrize("alike", [{}, NULLS, FULL, {"key_id": "k2", "outcome": "timeout"}])
async def test_what_rows_have_in_common_is_stored_in_each_of_them(store, entry_of, tmp_path, alike):
    await store.put([entry_of(n, **alike, duration_ms=n) for n in range(120)])
    alone = Store.open(f"sqlite+aiosqlite:///{tmp_path}/other.db")
    await alone.migrate()
    for n in range(120):
        await alone.put([entry_of(n, **alike, duration_ms=n)])
    await alone.close()
    assert rows_of(tmp_path / "gateway.db") == rows_of(tmp_path / "other.db")


async def test_each_entry_is_stored_once_within_a_block_and_across_blocks(store, entry_of):
    await store.put([entry_of(n % 30) for n in range(100)])
    await store.put([entry_of(n, cost_nanodollars=9) for n in range(45)])
    [row] = await store.usage()
    assert (row.requests, row.cost_nanodollars) == (45, 30 * 500 + 15 * 9)


async def test_a_refused_entry_in_a_later_block_undoes_the_whole_batch(store, key_of, entry_of):
    await store.add_key(key_of(1))
    batch = [entry_of(n) for n in range(60)]
    refused = entry_of(60, usage=Usage(input_tokens=2**70))
    with pytest.raises(Fault) as caught:
        await store.put([*batch, refused])
    assert caught.value.kind is Kind.INTERNAL
    assert await store.entry_count() == 0
    assert (await store.list_keys())[0].last_used_at is None
    await store.put(batch)
    assert await store.entry_count() == 60


async def test_a_text_that_is_no_unicode_is_refused_not_tried_for_ever(store, entry_of):
    with pytest.raises(Fault) as caught:
        await store.put([entry_of(1, session="\ud800")])
    assert caught.value.kind is Kind.INTERNAL


async def test_a_put_that_is_no_longer_awaited_is_stored_whole_and_once(store, entry_of):
    batch = [entry_of(n) for n in range(200)]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await store.put(batch)
    await store.put(batch)
    assert await store.entry_count() == 200


async def test_threads_take_turns(store, entry_of, tmp_path):
    bulk = Bulk(f"{tmp_path}/gateway.db")
    batches = [[entry_of(100 * t + n) for n in range(50)] for t in range(4)]
    threads = [Thread(target=bulk.put, args=(batch, {"key-1": NOW})) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    bulk.close()
    assert await store.entry_count() == 200


def test_what_is_closed_takes_nothing_more(entry_of, tmp_path):
    bulk = Bulk(f"{tmp_path}/gateway.db")
    bulk.close()
    with pytest.raises(sqlite3.OperationalError, match="closed"):
        bulk.put([entry_of(1)], {})
    assert not (tmp_path / "gateway.db").exists()


async def test_a_store_that_comes_back_takes_entries_again(store, entry_of, tmp_path):
    other = sqlite3.connect(tmp_path / "gateway.db", isolation_level=None)
    await store.put([entry_of(1)])
    other.execute("ALTER TABLE entries RENAME TO away")
    with pytest.raises(Fault) as caught:
        await store.put([entry_of(2)])
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    other.execute("ALTER TABLE away RENAME TO entries")
    other.close()
    await store.put([entry_of(2)])
    assert await store.entry_count() == 2
