"""Engines: SQLite as we want it, PostgreSQL by its usual addresses, and errors that say what to do and nothing more."""

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


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql+nodriver://user:hunter2@host/db",
        "postgresql+asyncpg://user:hunter2@host:port/db",
        "://",
    ],
)
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


async def scalar(url, query):
    engine = connect(url)
    try:
        with faults():
            async with engine.connect() as connection:
                return (await connection.execute(text(query))).scalar()
    finally:
        await engine.dispose()


async def test_an_address_may_have_the_parameters_that_postgresqls_own_tools_take(postgres):
    url = f"{postgres.url('template1')}&sslmode=prefer&application_name=kilo"
    assert await scalar(url, "SHOW application_name") == "kilo"


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ("/template1", "/missing", "database"),
        ("postgres@", "somebody:hunter2@", "role"),
        ("?", "?nonsense=1&", "nonsense"),
        ("?", "?sslmode=nonsense&", "sslmode"),
        ("host=", "host=/nowhere", "No such file"),
    ],
)
async def test_a_postgresql_that_lets_nobody_in_is_unavailable(postgres, before, after, detail):
    url = postgres.url("template1").replace(before, after, 1)
    with pytest.raises(Fault, match="cannot be used") as caught:
        await scalar(url, "SELECT 1")
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert detail in caught.value.detail
    assert "hunter2" not in repr(caught.value)


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("SELECT * FROM nowhere", Kind.STORE_UNAVAILABLE),
        ("SELECT pg_terminate_backend(pg_backend_pid())", Kind.STORE_UNAVAILABLE),
        ("SELECT 32767::smallint + 1::smallint", Kind.INTERNAL),
    ],
)
async def test_errors_of_postgresql_become_faults(postgres, query, kind):
    with pytest.raises(Fault) as caught:
        await scalar(postgres.url("template1"), query)
    assert caught.value.kind is kind
