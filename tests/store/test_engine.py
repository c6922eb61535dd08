"""Engines: SQLite as we want it, and errors that say what to do and nothing more."""

import sqlite3

import pytest
from sqlalchemy import exc, text

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.store.engine import WRITES, connect, faults


@pytest.fixture
async def engine(url):
    engine = connect(url)
    yield engine
    await engine.dispose()


@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("busy_timeout", 5000), ("synchronous", 1), ("foreign_keys", 1)],
)
async def test_sqlite_is_set_up_for_two_processes(engine, name, value):
    async with engine.connect() as connection:
        assert (await connection.execute(text(f"PRAGMA {name}"))).scalar() == value


async def test_a_writer_keeps_other_writers_out_from_its_start_but_no_readers(engine, tmp_path):
    other = sqlite3.connect(tmp_path / "gateway.db", timeout=0, isolation_level=None)
    async with engine.execution_options(**{WRITES: True}).begin():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT 1").fetchone() == (1,)
    other.execute("BEGIN IMMEDIATE")
    other.close()


@pytest.mark.parametrize("url", ["nonsense", "mysql+nodriver://user:hunter2@host/db", "://"])
def test_a_bad_address_says_what_to_use_and_hides_the_password(url):
    with pytest.raises(Fault, match="sqlite") as caught:
        connect(url)
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (exc.OperationalError("SELECT", {}, OSError("refused")), Kind.STORE_UNAVAILABLE),
        (exc.ProgrammingError("SELECT", {}, OSError("no table")), Kind.STORE_UNAVAILABLE),
        (exc.TimeoutError("no connection is free"), Kind.STORE_UNAVAILABLE),
        (ConnectionRefusedError(111, "refused"), Kind.STORE_UNAVAILABLE),
        (exc.IntegrityError("INSERT", {}, OSError("null")), Kind.INTERNAL),
        (OverflowError("too large"), Kind.INTERNAL),
        (sqlite3.OperationalError("database is locked"), Kind.STORE_UNAVAILABLE),
        (sqlite3.IntegrityError("NOT NULL"), Kind.INTERNAL),
    ],
)
def test_errors_of_the_driver_become_faults(error, kind):
    with pytest.raises(Fault) as caught, faults():
        raise error
    assert caught.value.kind is kind
    assert "SELECT" not in caught.value.message
    assert caught.value.detail
