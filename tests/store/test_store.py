"""The store on a real SQLite file and on a real PostgreSQL: keys with their epoch, entries once each, and usage tables."""

import asyncio
import subprocess
import sys

import msgspec
import pytest
from sqlalchemy import select

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.reports import UsageRow
from kilo_gateway.store.store import Store
from kilo_gateway.store.tables import entries

NOW = 1_800_000_000.0
DAY = 86400.0


@pytest.fixture
def url(either_url):
    return either_url


async def test_a_key_is_listed_as_it_was_added(store, key_of):
    key = key_of(models=("openai/*",), expires_at=NOW)
    await store.add_key(key)
    assert await store.list_keys() == [key]


async def test_keys_are_listed_oldest_first(store, key_of):
    for number in (2, 3, 1):
        await store.add_key(key_of(number))
    assert [key.id for key in await store.list_keys()] == ["key-1", "key-2", "key-3"]


async def test_every_change_of_keys_advances_the_epoch(store, key_of):
    seen = [await store.keys_epoch()]
    await store.add_key(key_of(1))
    seen.append(await store.keys_epoch())
    await store.revoke_key("key-1", at=NOW)
    seen.append(await store.keys_epoch())
    assert seen == [1, 2, 3]


@pytest.mark.parametrize("changes", [{"id": "other"}, {"digest": "00"}])
async def test_a_key_is_added_once(store, key_of, changes):
    await store.add_key(key_of(1))
    with pytest.raises(Fault) as caught:
        await store.add_key(key_of(1, **changes))
    assert caught.value.kind is Kind.INVALID_REQUEST
    assert (len(await store.list_keys()), await store.keys_epoch()) == (1, 2)


@pytest.mark.parametrize("which", ["key-2", "name-2", "kg_live_0002", "kg_live_0002secret"])
async def test_a_key_is_revoked_by_id_name_prefix_or_secret(store, key_of, which):
    for number in (1, 2, 3):
        await store.add_key(key_of(number))
    revoked = await store.revoke_key(which, at=NOW)
    assert revoked == key_of(2, revoked_at=NOW)
    assert [grant.key_id for _, grant in await store.grants()] == ["key-1", "key-3"]


async def test_a_secret_that_only_begins_like_a_key_revokes_nothing(store, key_of):
    await store.add_key(key_of(1))
    with pytest.raises(Fault) as caught:
        await store.revoke_key("kg_live_0001another", at=NOW)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_what_fits_several_keys_is_refused_and_names_them(store, key_of):
    for number in (1, 2):
        await store.add_key(key_of(number))
    with pytest.raises(Fault, match=r"2 keys fit.*key-1.*key-2"):
        await store.revoke_key("kg_live_", at=NOW)
    assert len(await store.grants()) == 2


@pytest.mark.parametrize("which", ["", "nobody", "%", "_"])
async def test_what_fits_no_key_is_not_found(store, key_of, which):
    await store.add_key(key_of(1))
    with pytest.raises(Fault) as caught:
        await store.revoke_key(which, at=NOW)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_a_revoked_key_is_not_revoked_again(store, key_of):
    await store.add_key(key_of(1))
    await store.revoke_key("key-1", at=NOW)
    with pytest.raises(Fault, match="revoked already"):
        await store.revoke_key("name-1", at=NOW + 1)
    assert await store.list_keys() == [key_of(1, revoked_at=NOW)]


async def test_a_key_that_two_revoke_at_once_is_revoked_by_one(store, url, key_of):
    await store.add_key(key_of(1))
    others = [Store.open(url) for _ in range(4)]
    results = await asyncio.gather(
        *(other.revoke_key("key-1", at=NOW) for other in others), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["Fault"] * 3 + ["KeyRow"]
    assert await store.keys_epoch() == 3
    for other in others:
        await other.close()


async def test_a_name_used_again_means_the_live_key(store, key_of):
    await store.add_key(key_of(1, name="laptop"))
    await store.revoke_key("laptop", at=NOW)
    await store.add_key(key_of(2, name="laptop"))
    assert (await store.revoke_key("laptop", at=NOW)).id == "key-2"


async def test_grants_come_with_the_digest_of_their_key(store, key_of):
    key = key_of(1, expires_at=NOW - 1)
    await store.add_key(key)
    assert await store.grants() == [(bytes.fromhex(key.digest), key.grant)]


async def test_an_entry_is_stored_with_all_its_fields(store, entry_of):
    usage = Usage(1, 2, 3, 4, 5, 6, 7, 8, "estimated", b"\x00raw")
    await store.put([entry_of(1, usage=usage, status=None, session="täst")])
    async with store._engine.connect() as connection:
        row = (await connection.execute(select(entries))).mappings().one()
    assert [row[name] for name in ("input_tokens", "audio_output_tokens", "usage_raw")] == [
        1,
        7,
        b"\x00raw",
    ]
    assert (row["status"], row["session"], row["is_streamed"]) == (None, "täst", True)
    assert (row["upstream_cost_nanodollars"], row["usage_source"]) == (8, "estimated")


async def test_a_nul_in_a_text_costs_no_entry(store, url, entry_of):
    await store.put([entry_of(1, finish_reason="a\0b", usage=Usage(raw=b"\0"))])
    async with store._engine.connect() as connection:
        row = (await connection.execute(select(entries))).mappings().one()
    kept = "a\0b" if url.startswith("sqlite") else "a\ufffdb"
    assert (row["finish_reason"], row["usage_raw"]) == (kept, b"\0")


async def test_an_entry_is_stored_once_and_stays_as_it_was(store, entry_of):
    await store.put([entry_of(1), entry_of(2)])
    await store.put([entry_of(2, cost_nanodollars=9), entry_of(3)])
    assert await store.entry_count() == 3
    assert (await store.usage())[0].cost_nanodollars == 1500


async def test_an_empty_batch_is_nothing(store):
    await store.put([])
    assert await store.entry_count() == 0


async def test_a_batch_is_stored_whole_or_not_at_all(store, entry_of):
    with pytest.raises(Fault) as caught:
        await store.put([entry_of(1), entry_of(2, usage=Usage(input_tokens=2**70))])
    assert caught.value.kind is Kind.INTERNAL
    assert await store.entry_count() == 0


async def test_storing_entries_notes_when_a_key_was_last_used(store, key_of, entry_of):
    await store.add_key(key_of(1))
    await store.put([entry_of(1, opened_at=NOW + 5), entry_of(2, opened_at=NOW + 3)])
    await store.put([entry_of(3, opened_at=NOW)])
    assert (await store.list_keys())[0].last_used_at == NOW + 5
    assert await store.keys_epoch() == 2


async def test_without_entries_there_is_no_usage(store):
    assert await store.usage() == await store.usage(("day",)) == []


async def test_usage_is_the_sum_of_what_is_known(store, entry_of):
    unknown = entry_of(2, usage=Usage(None, 5, source="estimated"), cost_nanodollars=None)
    await store.put([entry_of(1), unknown])
    assert await store.usage() == [
        UsageRow(None, None, None, 2, 0, 1000, 15, None, None, 500, estimated=1, unpriced=1)
    ]


async def test_attempts_of_one_call_are_one_request_and_no_error_if_one_ended_well(store, entry_of):
    failed = {"has_error": True, "outcome": "timeout"}
    await store.put(
        [
            entry_of(1, call_id="a", **failed),
            entry_of(2, call_id="a", attempt=2),
            entry_of(3, call_id="b", **failed),
            entry_of(4, call_id="b", attempt=2, **failed),
            entry_of(5, call_id="c"),
        ]
    )
    [row] = await store.usage()
    assert (row.requests, row.errors) == (3, 1)


@pytest.fixture
async def spread(store, key_of, entry_of):
    """Two keys, two models, three days."""
    await store.add_key(key_of(1))
    await store.put(
        [
            entry_of(1, opened_at=NOW, key_id="key-1", model="m/a"),
            entry_of(2, opened_at=NOW + DAY, key_id="key-1", model="m/b"),
            entry_of(3, opened_at=NOW + DAY, key_id="key-2", model="m/b"),
            entry_of(4, opened_at=NOW + 2 * DAY, key_id="key-2", model="m/a"),
        ]
    )
    return store


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ((), [(None, None, None, 4)]),
        (
            ("day",),
            [
                ("2027-01-17", None, None, 1),
                ("2027-01-16", None, None, 2),
                ("2027-01-15", None, None, 1),
            ],
        ),
        (("key",), [(None, "key-1", None, 2), (None, "key-2", None, 2)]),
        (
            ("model", "key"),
            [
                (None, "key-1", "m/a", 1),
                (None, "key-1", "m/b", 1),
                (None, "key-2", "m/a", 1),
                (None, "key-2", "m/b", 1),
            ],
        ),
    ],
)
async def test_usage_is_grouped(spread, group_by, expected):
    rows = await spread.usage(group_by)
    assert [(row.day, row.key_id, row.model, row.requests) for row in rows] == expected


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": NOW + DAY}, 3),
        ({"until": NOW + DAY}, 1),
        ({"since": NOW + 1, "until": NOW + 2 * DAY}, 2),
        ({"key": "key-2"}, 2),
        ({"key": "name-1"}, 2),
        ({"model": "m/b"}, 2),
        ({"model": "m/b", "key": "key-2"}, 1),
    ],
)
async def test_usage_is_filtered(spread, filters, expected):
    [row] = await spread.usage(**filters)
    assert row.requests == expected


async def test_a_filter_that_fits_nothing_gives_nothing(spread):
    assert await spread.usage(model="' OR 1=1 --") == []


async def test_a_database_that_cannot_be_opened_is_a_fault_without_its_path(tmp_path):
    store = Store.open(f"sqlite+aiosqlite:///{tmp_path}/missing/gateway.db")
    with pytest.raises(Fault) as caught:
        await store.keys_epoch()
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert str(tmp_path) not in caught.value.message
    await store.close()


async def test_a_database_without_tables_is_unavailable_not_broken_data(url, entry_of):
    store = Store.open(url)
    with pytest.raises(Fault) as caught:
        await store.put([entry_of(1)])
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    await store.close()


async def test_connections_that_the_server_ended_are_made_anew(postgres, entry_of):
    with postgres.database() as url:
        store = Store.open(url)
        await store.migrate()
        postgres.tell(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ '^test_'"
        )
        await store.put([entry_of(1)])
        assert await store.entry_count() == 1
        await store.close()


CLI = """
import asyncio, hashlib, sys
from kilo_gateway.store.rows import KeyRow
from kilo_gateway.store.store import Store

async def main(url, count):
    store = Store.open(url)
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        key = KeyRow(f"k{number}", f"n{number}", digest, "kg_live_xxxx", "o", (), float(number))
        await store.add_key(key)
        if number % 2:
            await store.revoke_key(f"k{number}", at=1.0)
    await store.close()

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


async def test_a_server_and_a_command_write_the_same_file_at_once(store, url, entry_of):
    child = subprocess.Popen([sys.executable, "-c", CLI, url, "60"], stderr=subprocess.PIPE)
    number = 0
    while await store.keys_epoch() == 1 and child.poll() is None:
        pass  # until the command has written its first key: from here on both write
    while number == 0 or child.poll() is None:
        await asyncio.gather(
            store.put([entry_of(number + n) for n in range(20)]), store.keys_epoch()
        )
        number += 20
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.returncode == 0
    assert await store.entry_count() == number
    assert len(await store.grants()) == 30
    assert await store.keys_epoch() == 1 + 60 + 30


async def test_one_put_does_not_hinder_reading(store, entry_of):
    batch = [entry_of(n) for n in range(200)]
    results = await asyncio.gather(
        store.put(batch), *(store.keys_epoch() for _ in range(8)), store.usage(("day",))
    )
    assert set(results[1:9]) == {1}


async def test_rows_can_be_written_as_json(spread):
    rows = await spread.usage(("day", "key", "model"))
    assert msgspec.json.decode(msgspec.json.encode(rows), type=list[UsageRow]) == rows
