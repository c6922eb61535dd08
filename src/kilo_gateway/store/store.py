"""Store: everything that is asked of the database."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Self

from sqlalchemy import (
    URL,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    func,
    insert,
    inspect,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.ledger.entry import Entry, attribution_in
from kilo_gateway.ledger.reports import Grouping, UsageRow
from kilo_gateway.store.bulk import Bulk
from kilo_gateway.store.engine import WRITES, connect, faults
from kilo_gateway.store.rows import KeyRow, day_of, entry_values, key_row, key_values
from kilo_gateway.store.tables import HEAD, KEYS_EPOCH, alembic_version, entries, keys, meta

_GROUPS = {"day": entries.c.opened_day, "key": entries.c.key_id, "model": entries.c.model}


class Store:
    """One database. Every method may raise Fault STORE_UNAVAILABLE; times are seconds since the
    epoch.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._bulk = _bulk_of(engine.url)
        self._writer = engine.execution_options(**{WRITES: True})
        dialect = engine.dialect
        is_sqlite = dialect.name == "sqlite"
        self._values = entry_values if is_sqlite else _values_without_nul
        put = (sqlite if is_sqlite else postgresql).insert(entries)
        # Compiled once: for a batch, binding its values by name costs more than storing them.
        self._put_sql = str(
            put.on_conflict_do_nothing(index_elements=["id"]).compile(dialect=dialect)
        )

    @classmethod
    def open(cls, url: str) -> Self:
        """A store at that address (`sqlite+aiosqlite:///path`); nothing is read yet. Fault if the
        address is no good.
        """
        return cls(connect(url))

    async def migrate(self) -> None:
        """Make or upgrade the tables; nothing happens if they are current. Fault if a newer
        program made them.
        """
        if await self.is_current():
            return
        # Late: Alembic takes a tenth of a second to import, and only the first start of a version
        # needs it.
        from kilo_gateway.store.migrate import upgrade  # noqa: PLC0415

        async with self._writing() as connection:
            await connection.run_sync(upgrade)

    async def is_current(self) -> bool:
        """Whether the tables are there and of this version."""
        async with self._reading() as connection:
            return await connection.run_sync(_applied) == HEAD

    async def close(self) -> None:
        """Close all connections."""
        if self._bulk is not None:
            await asyncio.to_thread(self._bulk.close)
        await self._engine.dispose()

    async def add_key(self, key: KeyRow) -> None:
        """Store a new key. Fault INVALID_REQUEST if its id or digest is there already."""
        async with self._writing() as connection:
            is_known = select(keys.c.id).where(
                or_(keys.c.id == key.id, keys.c.digest == key.digest)
            )
            if (await connection.execute(is_known)).first() is not None:
                raise Fault(
                    Kind.INVALID_REQUEST, f"There is a key {key.id} already. Mint another one."
                )
            await connection.execute(insert(keys), key_values(key))
            await _advance_keys_epoch(connection)

    async def list_keys(self) -> list[KeyRow]:
        """All keys, the oldest first, revoked ones too."""
        async with self._reading() as connection:
            rows = await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
            return [key_row(row) for row in rows]

    async def revoke_key(self, which: str, *, at: float) -> KeyRow:
        """Revoke the key with that id, name, prefix or secret, as of `at`; the key as it is now.

        Fault NOT_FOUND if there is none, INVALID_REQUEST if several fit or it is revoked already.
        """
        async with self._writing() as connection:
            rows = await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))
            chosen = _chosen([key_row(row) for row in rows], which)
            # Another one may have revoked it since it was read: where writers do not wait for each
            # other from their start on (PostgreSQL), this is where they meet.
            is_live = and_(keys.c.id == chosen.id, keys.c.revoked_at.is_(None))
            change = update(keys).where(is_live).values(revoked_at=at)
            if (await connection.execute(change)).rowcount == 0:
                raise _revoked_already(chosen)
            await _advance_keys_epoch(connection)
            after = await connection.execute(select(keys).where(keys.c.id == chosen.id))
            return key_row(after.one())

    async def keys_epoch(self) -> int:
        """A number that grows with every change of keys."""
        async with self._reading() as connection:
            found = await connection.execute(_KEYS_EPOCH)
            return int(found.scalar_one())

    async def grants(self) -> list[tuple[bytes, Grant]]:
        """The grants of all keys that are not revoked, each with the SHA-256 of its key; expired
        ones too.
        """
        async with self._reading() as connection:
            rows = await connection.execute(select(keys).where(keys.c.revoked_at.is_(None)))
            found = [key_row(row) for row in rows]
        return [(bytes.fromhex(key.digest), key.grant) for key in found]

    async def put(self, batch: Sequence[Entry]) -> None:
        """Store each entry once by its id, all or none. Fault INTERNAL if the database refuses
        the data.
        """
        if not batch:
            return
        last_used = _last_used(batch)
        if self._bulk is not None:
            with faults():
                await asyncio.to_thread(self._bulk.put, batch, last_used)
            return
        uses = [{"which": key, "used_at": at} for key, at in sorted(last_used.items())]
        async with self._writing() as connection:
            await connection.exec_driver_sql(
                self._put_sql, [self._values(entry) for entry in batch]
            )
            await connection.execute(_KEY_USED, uses)

    async def usage(
        self,
        group_by: Collection[Grouping] = (),
        *,
        since: float | None = None,
        until: float | None = None,
        key: str | None = None,
        model: str | None = None,
    ) -> list[UsageRow]:
        """Usage of the attempts opened in [since, until), newest day first; `key` is a key's id
        or name.
        """
        chosen = [_GROUPS[group] for group in ("day", "key", "model") if group in group_by]
        statement = (
            select(*chosen, *_SUMS).group_by(*chosen).order_by(*(_order(group) for group in chosen))
        )
        for condition in _conditions(since, until, key, model):
            statement = statement.where(condition)
        async with self._reading() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_usage_row(dict(row)) for row in rows if row["requests"]]

    async def entry_count(self) -> int:
        """How many entries there are."""
        async with self._reading() as connection:
            found = await connection.execute(select(func.count()).select_from(entries))
            return int(found.scalar_one())

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        with faults():
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncConnection]:
        with faults():
            async with self._writer.begin() as connection:
                yield connection


_KEYS_EPOCH = select(meta.c.value).where(meta.c.name == KEYS_EPOCH)
_ADVANCE = update(meta).where(meta.c.name == KEYS_EPOCH).values(value=meta.c.value + 1)
_KEY_USED = (
    update(keys)
    .where(
        keys.c.id == bindparam("which"),
        or_(keys.c.last_used_at.is_(None), keys.c.last_used_at < bindparam("used_at")),
    )
    .values(last_used_at=bindparam("used_at"))
)
_calls = func.count(entries.c.call_id.distinct())
_good_calls = func.count(case((entries.c.has_error.is_(False), entries.c.call_id)).distinct())
_SUMS = (
    _calls.label("requests"),
    (_calls - _good_calls).label("errors"),
    func.sum(entries.c.input_tokens).label("input_tokens"),
    func.sum(entries.c.output_tokens).label("output_tokens"),
    func.sum(entries.c.cache_read_tokens).label("cache_read_tokens"),
    func.sum(entries.c.cache_write_tokens).label("cache_write_tokens"),
    func.sum(entries.c.cost_nanodollars).label("cost_nanodollars"),
    func.count(case((entries.c.usage_source == "estimated", 1))).label("estimated"),
    (func.count() - func.count(entries.c.cost_nanodollars)).label("unpriced"),
)


def _bulk_of(url: URL) -> Bulk | None:
    """The short way for entries, if the database is a file of SQLite."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Bulk(url.database)


def _applied(connection: Connection) -> str | None:
    """The migration that the database is at, None if it has no tables yet."""
    if not inspect(connection).has_table(alembic_version.name):
        return None
    return connection.execute(select(alembic_version.c.version_num)).scalar()


def _last_used(batch: Sequence[Entry]) -> dict[str, float]:
    """When the last attempt of each key was opened."""
    seen: dict[bytes, float] = {}
    for entry in batch:
        opening = entry.opening
        if opening.opened_at > seen.get(opening.attribution, 0.0):
            seen[opening.attribution] = opening.opened_at
    found: dict[str, float] = {}
    for seal, at in seen.items():
        key_id = attribution_in(seal).key_id
        found[key_id] = max(at, found.get(key_id, 0.0))
    return found


def _values_without_nul(entry: Entry) -> tuple[object, ...]:
    """For PostgreSQL, whose texts cannot hold the U+0000 that a client or an upstream may send."""
    return tuple(
        value.replace("\0", "\ufffd") if isinstance(value, str) else value
        for value in entry_values(entry)
    )


async def _advance_keys_epoch(connection: AsyncConnection) -> None:
    await connection.execute(_ADVANCE)


def _chosen(rows: list[KeyRow], which: str) -> KeyRow:
    """The one key that is meant: by id, else by its secret, else by name, else by prefix, else by
    the start of either.
    """
    digest = hashlib.sha256(which.encode()).hexdigest()
    matches = (
        [row for row in rows if row.id == which],
        [row for row in rows if row.digest == digest],
        [row for row in rows if row.name == which],
        [row for row in rows if row.prefix == which],
        [
            row
            for row in rows
            if which and (row.id.startswith(which) or row.prefix.startswith(which))
        ],
    )
    fitting = next((match for match in matches if match), [])
    live = [row for row in fitting if row.revoked_at is None]
    if len(live) == 1:
        return live[0]
    if len(live) > 1:
        some = ", ".join(f"{row.id} ({row.name}, {row.prefix}…)" for row in live[:5])
        raise Fault(Kind.INVALID_REQUEST, f"{len(live)} keys fit that; name one by its id: {some}.")
    if fitting:
        raise _revoked_already(fitting[0])
    raise Fault(
        Kind.NOT_FOUND, "No key has that id, name or prefix. List the keys to see which there are."
    )


def _revoked_already(key: KeyRow) -> Fault:
    return Fault(Kind.INVALID_REQUEST, f"Key {key.id} ({key.name}) is revoked already.")


def _conditions(
    since: float | None, until: float | None, key: str | None, model: str | None
) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if since is not None:
        # The day is what the index knows; the time is what was asked.
        found += [entries.c.opened_day >= day_of(since), entries.c.opened_at >= since]
    if until is not None:
        found += [entries.c.opened_day <= day_of(until), entries.c.opened_at < until]
    if key is not None:
        named = select(keys.c.id).where(keys.c.name == key)
        found.append(or_(entries.c.key_id == key, entries.c.key_id.in_(named)))
    if model is not None:
        found.append(entries.c.model == model)
    return found


def _order(group: ColumnElement[str]) -> ColumnElement[str]:
    return group.desc() if group is entries.c.opened_day else group.asc()


def _usage_row(row: dict[str, object]) -> UsageRow:
    def whole(name: str) -> int | None:
        return None if row[name] is None else int(str(row[name]))

    def text(name: str) -> str | None:
        return str(row[name]) if name in row else None

    return UsageRow(
        day=text("opened_day"),
        key_id=text("key_id"),
        model=text("model"),
        requests=whole("requests") or 0,
        errors=whole("errors") or 0,
        input_tokens=whole("input_tokens"),
        output_tokens=whole("output_tokens"),
        cache_read_tokens=whole("cache_read_tokens"),
        cache_write_tokens=whole("cache_write_tokens"),
        cost_nanodollars=whole("cost_nanodollars"),
        estimated=whole("estimated") or 0,
        unpriced=whole("unpriced") or 0,
    )
