"""Keys: from the file at once, from the store as soon as it is open, then as it changes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilo_gateway.app.accounts import ADMINISTRATOR, FIRST_KEY, Accounts
from kilo_gateway.app.home import Home
from kilo_gateway.core.fault import Fault
from kilo_gateway.keys.rights import read_rights
from kilo_gateway.keys.secret import mint
from kilo_gateway.store.rows import KeyRow
from kilo_gateway.store.store import Store
from kilo_gateway.telemetry.log import Log
from tests.clocks import StillClock


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def make(tmp_path: Path, lines: list[str]):
    """Makes the accounts of one home, as each start of a gateway does."""

    def make_accounts() -> Accounts:
        clock = StillClock()
        return Accounts(Home(tmp_path), clock, Log(lines.append, clock))

    return make_accounts


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(f"sqlite+aiosqlite:///{tmp_path / 'store.db'}")
    await store.migrate()
    yield store
    await store.close()


def test_the_very_first_start_makes_a_key_and_the_next_one_does_not(make) -> None:
    first = make()
    minted = first.start(mints_first_key=True)
    assert minted is not None
    grant = first.grants.find(minted.key.encode())
    assert (grant.owner, grant.name, grant.models) == (ADMINISTRATOR, FIRST_KEY, ())
    second = make()
    assert second.start(mints_first_key=True) is None
    assert second.grants.find(minted.key.encode()) == grant


def test_no_key_is_made_unasked_or_beside_a_database(make, tmp_path: Path) -> None:
    assert make().start(mints_first_key=False) is None
    (tmp_path / "gateway.db").touch()
    assert make().start(mints_first_key=True) is None
    assert len(make().grants) == 0


def test_the_file_holds_the_digest_and_not_the_key(make, tmp_path: Path) -> None:
    minted = make().start(mints_first_key=True)
    path = tmp_path / "rights.json"
    assert minted.key not in path.read_text()
    assert minted.digest.hex() in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


async def test_the_first_key_reaches_the_store_once(make, store: Store) -> None:
    accounts = make()
    minted = accounts.start(mints_first_key=True)
    assert not accounts.is_from_store
    await accounts.join(store)
    again = make()
    again.start(mints_first_key=True)
    await again.join(store)
    [row] = await store.list_keys()
    assert (row.digest, row.prefix) == (minted.digest.hex(), minted.prefix)
    assert again.is_from_store
    assert again.grants.find(minted.key.encode()) == row.grant


async def test_a_crash_between_the_file_and_the_store_loses_no_key(
    make, store: Store, tmp_path: Path
) -> None:
    minted = make().start(mints_first_key=True)
    rights = read_rights(tmp_path / "rights.json")
    assert rights is not None
    assert len(rights.pending) == 1
    accounts = make()
    accounts.start(mints_first_key=True)
    await accounts.join(store)
    assert accounts.grants.find(minted.key.encode())
    rights = read_rights(tmp_path / "rights.json")
    assert rights is not None
    assert (rights.pending, len(rights.rows)) == ((), 1)


def _row(name: str, digest: bytes) -> KeyRow:
    return KeyRow(f"key_{name}", name, digest.hex(), "kg_live_xxxx", "ann", ("a/*",), 1.0)


async def test_changes_are_followed(make, store: Store) -> None:
    accounts = make()
    accounts.start(mints_first_key=True)
    await accounts.join(store)
    minted = mint()
    await store.add_key(_row("laptop", minted.digest))
    with pytest.raises(Fault):
        accounts.grants.find(minted.key.encode())
    await accounts.follow(store)
    assert accounts.grants.find(minted.key.encode()).models == ("a/*",)
    await store.revoke_key("key_laptop", at=2.0)
    await accounts.follow(store)
    with pytest.raises(Fault):
        accounts.grants.find(minted.key.encode())


async def test_a_revoked_key_is_not_in_the_file_for_the_next_start(make, store: Store) -> None:
    accounts = make()
    minted = accounts.start(mints_first_key=True)
    await accounts.join(store)
    [row] = await store.list_keys()
    await store.revoke_key(row.id, at=2.0)
    await accounts.follow(store)
    later = make()
    later.start(mints_first_key=True)
    with pytest.raises(Fault):
        later.grants.find(minted.key.encode())


async def test_a_file_that_cannot_be_written_is_told_and_the_keys_are_in_force(
    make, store: Store, tmp_path: Path, lines: list[str]
) -> None:
    accounts = make()
    accounts.start(mints_first_key=False)
    minted = mint()
    await store.add_key(_row("laptop", minted.digest))
    (tmp_path / "rights.new").mkdir()
    await accounts.join(store)
    assert accounts.grants.find(minted.key.encode())
    accounts._log.flush()
    assert "rights file not written" in "".join(lines)


async def test_nothing_is_read_again_while_nothing_changed(make, store: Store, monkeypatch) -> None:
    accounts = make()
    accounts.start(mints_first_key=True)
    await accounts.join(store)

    async def fail() -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(store, "grants", fail)
    await accounts.follow(store)
