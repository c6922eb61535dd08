"""The engine, as each database wants it, and what the driver's errors mean."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event, exc, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kilo_gateway.core.fault import Fault, Kind

BUSY_S = 5.0
WRITES = "kilo_writes"

_ERRORS = (exc.SQLAlchemyError, sqlite3.Error, OSError, OverflowError, UnicodeEncodeError)
_REFUSALS = (sqlite3.DataError, sqlite3.IntegrityError, OverflowError, UnicodeEncodeError)


def connect(url: str) -> AsyncEngine:
    """An engine for that address; nothing is opened yet. Fault STORE_UNAVAILABLE if the address
    is not understood.
    """
    try:
        if not url.startswith("sqlite"):
            return _connect_server(url)
        path = make_url(url).database or ":memory:"
        engine = create_async_engine(
            url, hide_parameters=True, async_creator=partial(_open_sqlite, path)
        )
    except (exc.ArgumentError, ValueError, ImportError) as error:
        raise Fault(
            Kind.STORE_UNAVAILABLE,
            "The database address is not understood, or its driver is not installed. "
            "Use sqlite+aiosqlite:///path/to/file or postgresql+asyncpg://user@host/name.",
            detail=type(error).__name__,  # the text may hold the password
        ) from error
    event.listen(engine.sync_engine, "connect", prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _connect_server(url: str) -> AsyncEngine:
    engine = create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
    if engine.dialect.driver == "asyncpg":
        # SQLAlchemy takes parameters of an address for arguments of the driver's connect(), where
        # `sslmode` is none. The driver itself reads addresses as PostgreSQL's own tools do.
        address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        event.listen(engine.sync_engine, "do_connect", partial(_give_address, address))
    return engine


def _give_address(address: str, *event_arguments: Any) -> None:
    parameters: dict[str, object] = event_arguments[-1]
    parameters.clear()
    parameters["dsn"] = address


@contextmanager
def faults() -> Iterator[None]:
    """Turns the driver's errors into faults: INTERNAL if data was refused, else STORE_UNAVAILABLE."""
    try:
        yield
    except _ERRORS as error:
        if _is_refusal(error):
            kind = Kind.INTERNAL
            text = "The database refused what was to be stored; the log says why."
        else:
            kind = Kind.STORE_UNAVAILABLE
            text = (
                "The database cannot be used at the moment. "
                "See the log, and check its address, disk and permissions."
            )
        raise Fault(kind, text, detail=_detail(error), retry_after=5.0) from error


def _is_refusal(error: Exception) -> bool:
    """Whether it is the data's fault, so that trying again is useless."""
    if isinstance(error, exc.DBAPIError):
        # Not every driver's data errors have a class here, but SQL's own codes begin with 22, 23.
        sqlstate = str(getattr(error.orig, "sqlstate", ""))
        return isinstance(error, exc.DataError | exc.IntegrityError) or sqlstate[:2] in {"22", "23"}
    return isinstance(error, _REFUSALS)


def _detail(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}"


async def _open_sqlite(path: str) -> aiosqlite.Connection:
    connection = aiosqlite.connect(path, timeout=BUSY_S)
    thread = connection._thread  # noqa: SLF001 - nothing public leads to it
    thread.daemon = True
    try:
        return await connection
    except sqlite3.Error:
        # The thread has one more word for this loop, which may be closed by then: hear it out.
        await asyncio.to_thread(thread.join)
        raise


def prepare_sqlite(connection: Any, _record: object = None) -> None:
    """Make a new connection of the driver as we want it."""
    # Transactions are begun by us (below): the driver's own way begins them too late to be safe
    # between two processes.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode")
    if cursor.fetchone() != ("wal",):
        cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its place at once: one that first reads and then writes would be refused
    # without waiting.
    is_writing = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
