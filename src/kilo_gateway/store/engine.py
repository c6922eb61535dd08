"""The engine, as each database wants it, and what the driver's errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, event, exc
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kilo_gateway.core.fault import Fault, Kind

BUSY_S = 5.0
WRITES = "kilo_writes"


def connect(url: str) -> AsyncEngine:
    """An engine for that address; nothing is opened yet. Fault STORE_UNAVAILABLE if the address
    is not understood.
    """
    try:
        if not url.startswith("sqlite"):
            return create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
        engine = create_async_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_S})
    except (exc.ArgumentError, ImportError) as error:
        raise Fault(
            Kind.STORE_UNAVAILABLE,
            "The database address is not understood, or its driver is not installed. "
            "Use sqlite+aiosqlite:///path/to/file or postgresql+asyncpg://user@host/name.",
            detail=type(error).__name__,  # the text may hold the password
        ) from error
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


@contextmanager
def faults() -> Iterator[None]:
    """Turns the driver's errors into faults: INTERNAL if the data was refused, else
    STORE_UNAVAILABLE.
    """
    try:
        yield
    except (exc.DataError, exc.IntegrityError, OverflowError, UnicodeEncodeError) as error:
        raise Fault(
            Kind.INTERNAL,
            "The database refused what was to be stored; the log says why.",
            detail=_detail(error),
        ) from error
    except (exc.SQLAlchemyError, OSError) as error:
        raise Fault(
            Kind.STORE_UNAVAILABLE,
            "The database cannot be used at the moment. "
            "See the log, and check its address, disk and permissions.",
            detail=_detail(error),
            retry_after=5.0,
        ) from error


def _detail(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    return f"{type(cause).__name__}: {cause}"


def _prepare_sqlite(connection: Any, _record: object) -> None:
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
