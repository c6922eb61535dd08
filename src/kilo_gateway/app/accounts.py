"""Keys: the rights file, the store behind it, and changes that the command line makes while the server runs."""

from collections.abc import Sequence
from typing import Protocol

from kilo_gateway.app.home import Home
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.grant import Grant
from kilo_gateway.keys.grants import Grants
from kilo_gateway.keys.rights import PendingKey, Rights, read_rights, write_rights
from kilo_gateway.keys.secret import Minted, mint
from kilo_gateway.store.rows import KeyRow
from kilo_gateway.telemetry.log import Log

ADMINISTRATOR = "admin"
FIRST_KEY = "default"


class KeyStore(Protocol):
    """What is needed of the store."""

    async def add_key(self, key: KeyRow) -> None:
        """Store a key."""
        ...

    async def list_keys(self) -> list[KeyRow]:
        """All keys."""
        ...

    async def keys_epoch(self) -> int:
        """A number that grows with every change of keys."""
        ...

    async def grants(self) -> list[tuple[bytes, Grant]]:
        """Keys in force."""
        ...


class Accounts:
    """The keys that are in force: from the file at once, from the store as soon as it is open, then as it changes."""

    def __init__(self, home: Home, clock: Clock, log: Log) -> None:
        self._home = home
        self._clock = clock
        self._log = log
        self._pending: tuple[PendingKey, ...] = ()
        self.grants = Grants(clock)

    @property
    def is_from_store(self) -> bool:
        """Whether the table in force came from the store."""
        return self.grants.is_complete

    def start(self, *, mints_first_key: bool) -> Minted | None:
        """Put the file's rights in force. Gives a new key on the very first start, if one is wanted."""
        rights = read_rights(self._home.rights)
        if rights is not None:
            self._pending = rights.pending
            self.grants.replace(rights.table(), rights.epoch)
            return None
        if not mints_first_key or self._home.database.exists():
            return None
        minted = mint()
        grant = Grant("key_" + minted.digest.hex()[:16], ADMINISTRATOR, FIRST_KEY)
        self._pending = (PendingKey(minted.digest.hex(), minted.prefix, grant, self._clock.wall()),)
        rights = Rights(-1, (), self._pending)
        self._save(rights)
        self.grants.replace(rights.table(), rights.epoch)
        return minted

    def _save(self, rights: Rights) -> None:
        write_rights(self._home.rights, rights)

    async def join(self, store: KeyStore) -> None:
        """The store is open: give it the keys that were minted before, and take over its table. Raises Fault."""
        known = {row.digest for row in await store.list_keys()}
        for pending in self._pending:
            if pending.digest not in known:
                await store.add_key(_row(pending))
        self._pending = ()
        await self._take_over(store, await store.keys_epoch())

    async def follow(self, store: KeyStore) -> None:
        """Look once whether keys have changed. An outage leaves the last table in force."""
        epoch = await store.keys_epoch()
        if epoch != self.grants.epoch:
            await self._take_over(store, epoch)

    async def _take_over(self, store: KeyStore, epoch: int) -> None:
        table: Sequence[tuple[bytes, Grant]] = await store.grants()
        rows = tuple((digest.hex(), grant) for digest, grant in table)
        self.grants.replace(table, epoch, is_complete=True)
        try:
            self._save(Rights(epoch, rows))
        except OSError as error:
            self._log.write("warning", "rights file not written", detail=str(error))


def _row(pending: PendingKey) -> KeyRow:
    grant = pending.grant
    return KeyRow(
        id=grant.key_id,
        name=grant.name,
        digest=pending.digest,
        prefix=pending.prefix,
        owner=grant.owner,
        models=grant.models,
        created_at=pending.created_at,
        expires_at=grant.expires_at,
    )
