"""The ledger's background: the journal at once, the store behind it as soon as it opens."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from kilo_gateway.app.accounts import Accounts, KeyStore
from kilo_gateway.app.home import Home
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import Price
from kilo_gateway.ledger.entry import Entry
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.settle import Settler, keep_synced
from kilo_gateway.telemetry.log import Log

if TYPE_CHECKING:
    from kilo_gateway.store.store import Store

KEYS_POLL_S = 0.5
_SETTLE_S = 0.5
_LAST_SETTLE_S = 10.0
_RETRY_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

PriceOf = Callable[[Entry], Price | None]


class LedgerKeeper:
    """Owns the journal and the store. The store may come late or go away: calls do not wait for it."""

    def __init__(self, home: Home, database_url: str, clock: Clock, log: Log) -> None:
        self._home = home
        self._url = database_url
        self._clock = clock
        self._log = log
        self._journal: Journal | None = None
        self._settler: Settler | None = None
        self.state = "opening"

    def open_journal(self) -> Journal:
        """Take the spool and settle what a crash left open. Raises Fault if another process has it."""
        journal = self._journal = Journal(self._home.spool, clock=self._clock)
        found = journal.recover()
        if found.crashed or found.torn_records or found.lost_segments:
            self._log.write(
                "warning",
                "recovered from a crash",
                attempts_settled_as_estimated=found.crashed,
                entries_waiting=found.waiting,
                unreadable_records=found.torn_records,
                unreadable_segments=found.lost_segments,
            )
        return journal

    def gauge(self) -> dict[str, float]:
        """Entries by state, for the metrics."""
        journal = self._journal
        if journal is None:
            return {}
        return {"waiting": float(journal.waiting), "open": float(journal.open_count)}

    async def keep_synced(self) -> None:
        """Bring the journal to the disk about once a second, for ever."""
        if self._journal is not None:
            await keep_synced(self._journal, self._report)

    async def run(self, price_of: PriceOf, accounts: Accounts) -> None:
        """Open the store, then settle entries and follow changes of keys, for ever."""
        if self._journal is None:
            return
        # Late: SQLAlchemy takes a fifth of a second to import, and no call waits for it.
        store_class = await asyncio.to_thread(_store_class)
        store = store_class.open(self._url or f"sqlite+aiosqlite:///{self._home.database}")
        try:
            await self._until_open(store.migrate)
            await self._until_open(lambda: accounts.join(store))
            self.state = "stored"
            self._settler = Settler(
                self._journal,
                store,
                price_of,
                clock=self._clock,
                report=self._report,
                interval_s=_SETTLE_S,
            )
            async with asyncio.TaskGroup() as both:
                both.create_task(self._settler.run())
                both.create_task(self._follow_keys(accounts, store))
        finally:
            if self._settler is not None:
                await self._settler.drain(self._clock.monotonic() + _LAST_SETTLE_S)
            await store.close()

    async def _until_open(self, step: Callable[[], Awaitable[None]]) -> None:
        pauses = iter(_RETRY_S)
        while True:
            try:
                await step()
            except Fault as fault:
                self.state = "store unavailable, entries wait in the spool"
                self._log.write(
                    "error", "store not open", problem=fault.message, detail=fault.detail
                )
            else:
                return
            await asyncio.sleep(next(pauses, _RETRY_S[-1]))

    async def _follow_keys(self, accounts: Accounts, store: KeyStore) -> None:
        is_failing = False
        while True:
            await asyncio.sleep(KEYS_POLL_S)
            try:
                await accounts.follow(store)
            except Fault as fault:
                if not is_failing:
                    self._log.write(
                        "error", "keys not read, the last ones stay in force", detail=fault.detail
                    )
                is_failing = True
            else:
                is_failing = False

    def shut(self) -> None:
        """Give the spool back; what waits in it is stored at the next start."""
        if self._journal is not None:
            self._journal.shut()

    def _report(self, text: str) -> None:
        self._log.write("warning", text)


def _store_class() -> type["Store"]:
    from kilo_gateway.store.store import Store  # noqa: PLC0415

    return Store
