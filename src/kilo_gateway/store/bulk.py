"""Bulk: many entries into SQLite in one go, on a connection of its own.

The engine's way costs a visit to the driver's thread for every statement, and the driver gives up
the interpreter's lock and takes it again for every row; with a busy event loop beside it, that is
most of the price of an entry. Here a batch is one call in one thread, and a statement takes many
rows.
"""

import math
import sqlite3
from collections.abc import Mapping, Sequence
from threading import Lock

from kilo_gateway.ledger.entry import Entry
from kilo_gateway.store.engine import BUSY_S, prepare_sqlite
from kilo_gateway.store.rows import Form, entry_values
from kilo_gateway.store.tables import entries

# Each statement gives the interpreter's lock up and takes it again: few statements of many rows are fewer such moments.
# 20 rows of 44 values is what an old SQLite takes (999 values).
_ROWS_AT_ONCE = (100, 20, 1)
# Types that the driver binds without looking for an adapter, which costs more than the row. NaN is stored as NULL.
_FORM = Form(unknown=math.nan, truth=(0, 1), blob=bytearray)
_COLUMNS = tuple(entries.columns.keys())
_ROW = f"({', '.join('?' * len(_COLUMNS))})"
_NAMES = ", ".join(f'"{name}"' for name in _COLUMNS)
_PUT = f"INSERT INTO entries ({_NAMES}) VALUES "  # noqa: S608 - the names are ours
_PUT_ROWS = {
    count: f"{_PUT}{', '.join([_ROW] * count)} ON CONFLICT (id) DO NOTHING"
    for count in _ROWS_AT_ONCE
}
_KEY_USED = (
    "UPDATE keys SET last_used_at = ?2 "
    "WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)"
)


class Bulk:
    """Puts batches into one SQLite file. For threads: they take turns."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._turn = Lock()
        self._is_closed = False

    def put(self, batch: Sequence[Entry], last_used: Mapping[str, float]) -> None:
        """Store each entry once by its id, all or none, and when each key was used.

        Waits for the disk and for other writers. Errors of `sqlite3`, OverflowError or
        UnicodeEncodeError as they come; the next batch begins with a new connection.
        """
        with self._turn:
            connection, is_stored = self._opened(), False
            try:
                connection.execute("BEGIN IMMEDIATE")
                _put(connection, batch)
                connection.executemany(_KEY_USED, sorted(last_used.items()))
                connection.execute("COMMIT")
                is_stored = True
            finally:
                if not is_stored:
                    self._connection = None
                    connection.close()  # which undoes what was begun

    def close(self) -> None:
        """Close the connection, once the batch that is being put is done; nothing more is taken."""
        with self._turn:
            self._is_closed = True
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _opened(self) -> sqlite3.Connection:
        connection = self._connection
        if connection is None:
            if self._is_closed:
                raise sqlite3.OperationalError("the store is closed")
            connection = sqlite3.connect(self._path, timeout=BUSY_S, check_same_thread=False)
            try:
                prepare_sqlite(connection)
                self._connection = connection
            finally:
                if self._connection is None:
                    connection.close()
        return connection


def _put(connection: sqlite3.Connection, batch: Sequence[Entry]) -> None:
    most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER)
    done = 0
    for count in _ROWS_AT_ONCE:
        if count * len(_COLUMNS) > most:
            continue
        whole = done + (len(batch) - done) // count * count
        blocks = (batch[at : at + count] for at in range(done, whole, count))
        connection.executemany(_PUT_ROWS[count], map(_bound, blocks))
        done = whole


def _bound(block: Sequence[Entry]) -> list[object]:
    """The values of some entries."""
    values: list[object] = []
    for entry in block:
        values += entry_values(entry, _FORM)
    return values
