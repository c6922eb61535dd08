"""Bulk: many entries into SQLite in one go, on a connection of its own.

The engine's way costs a visit to the driver's thread for every statement, and the driver gives up
the interpreter's lock and takes it again for every row; with a busy event loop beside it, that is
most of the price of an entry. Here a batch is one call in one thread, and a statement takes many
rows.
"""

import math
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from threading import Lock

from sqlalchemy import Boolean, LargeBinary

from kilo_gateway.ledger.entry import Attribution, Entry
from kilo_gateway.store.engine import BUSY_S, prepare_sqlite
from kilo_gateway.store.rows import about_values, attempt_values
from kilo_gateway.store.tables import entries

Column = Sequence[object]  # values of some entries

# Each statement gives the interpreter's lock up and takes it again: few statements of many rows are fewer such moments.
# 20 rows of 44 values is what an old SQLite takes (999 values).
_ROWS_AT_ONCE = (100, 20, 1)
_COLUMNS = tuple(entries.columns.keys())
# What neighbours mostly have in common beside their attribution: a part of a conversation, how it ended, and what few
# upstreams tell. Where all rows of a statement do, it is bound once for all of them, which saves a third of an entry's
# price. All of a set, or none: a statement for every mixture would have to be prepared again and again.
_MOSTLY_ALIKE = (
    ("session", "message"),
    (
        *("attempt", "opened_day", "outcome", "status", "usage_source", "price_source"),
        *("price_since", "finish_reason", "has_error"),
    ),
    (
        *("cache_read_tokens", "cache_write_tokens", "reasoning_tokens", "audio_input_tokens"),
        *("audio_output_tokens", "upstream_cost_nanodollars", "upstream_request_id"),
    ),
)
_ALIKE = tuple(tuple(map(_COLUMNS.index, names)) for names in _MOSTLY_ALIKE)
_ABOUT = tuple(map(_COLUMNS.index, Attribution.__struct_fields__))


def _known(column: Column) -> Column:
    return [math.nan if value is None else value for value in column]


def _numbers(column: Column) -> Column:
    return [1 if value else 0 for value in column]


def _blobs(column: Column) -> Column:
    return [bytearray(value) for value in column if isinstance(value, bytes)]


# Each value as a type that the driver binds without looking for an adapter, which costs more than the row. NaN is
# stored as NULL.
_BINDABLE: dict[int, Callable[[Column], Column]] = {
    at: _known if column.nullable else _numbers if isinstance(column.type, Boolean) else _blobs
    for at, column in enumerate(entries.columns)
    if column.nullable or isinstance(column.type, Boolean | LargeBinary)
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
        while done + count <= len(batch):
            _put_rows(connection, batch[done : done + count])
            done += count


def _put_rows(connection: sqlite3.Connection, block: Sequence[Entry]) -> None:
    count = len(block)
    columns: list[Column] = list(zip(*map(attempt_values, block), strict=True))
    shared: tuple[int, ...] = ()
    if count > 1:
        for places in _ALIKE:
            if all(columns[at].count(columns[at][0]) == count for at in places):
                shared += places
    seals = [entry.opening.attribution for entry in block]
    if seals.count(seals[0]) == count:
        shared += _ABOUT
        columns += zip(about_values(block[0]), strict=True)
    else:
        columns += zip(*map(about_values, block), strict=True)
    insert, own = _insert(count, shared)
    bound = [_BINDABLE[at](columns[at]) if at in _BINDABLE else columns[at] for at in own]
    values = [columns[at][0] for at in shared]
    values += chain.from_iterable(zip(*bound, strict=True))
    connection.execute(insert, values)


@cache
def _insert(count: int, shared: tuple[int, ...]) -> tuple[str, tuple[int, ...]]:
    """The statement for so many rows that have those columns in common, whose values come first; and a row's own columns."""
    own = tuple(at for at in range(len(_COLUMNS)) if at not in shared)
    names = ", ".join(f'"{_COLUMNS[at]}"' for at in (*shared, *own))
    marks = (*(f"?{number}" for number in range(1, len(shared) + 1)), *("?" for _ in own))
    rows = ", ".join([f"({', '.join(marks)})"] * count)
    put = f"INSERT INTO entries ({names}) VALUES {rows} ON CONFLICT (id) DO NOTHING"  # noqa: S608 - the names are ours
    return put, own
