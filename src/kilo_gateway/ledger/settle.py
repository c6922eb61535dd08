"""Settler: moves entries from the journal to the sink, priced, in the background of everything."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import Price
from kilo_gateway.ledger.entry import Entry, bounded
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.pricing import priced

LONGEST_PAUSE_S = 30.0
BREATH_S = 0.02  # between full batches: 15,000 entries a second, more than a process can answer


class Sink(Protocol):
    """Where entries end up."""

    async def put(self, entries: Sequence[Entry], /) -> None:
        """Store each entry once by its id, all or none. Fault STORE_UNAVAILABLE: try later; any
        other: never will.
        """
        ...


class Settler:
    """Reads what is closed, prices it, stores it, acknowledges it. Run by one task."""

    def __init__(  # noqa: PLR0913 - what it joins, by name
        self,
        journal: Journal,
        sink: Sink,
        price_of: Callable[[Entry], Price | None],
        *,
        clock: Clock,
        report: Callable[[str], None],
        interval_s: float = 0.5,
        batch: int = 300,
    ) -> None:
        self._journal = journal
        self._sink = sink
        self._price_of = price_of
        self._clock = clock
        self._report = report
        self._interval_s = interval_s
        self._batch = batch
        self._failures = 0
        self._is_busy = asyncio.Lock()

    @property
    def pause_s(self) -> float:
        """How long to wait before the next look: the interval, doubled with each failure, at most
        30 s.
        """
        return min(self._interval_s * float(1 << min(self._failures, 16)), LONGEST_PAUSE_S)

    async def run(self) -> None:
        """Settle for ever; ends by cancellation. Whatever fails is reported and tried again:
        entries stay in the spool.
        """
        while True:
            try:
                is_stored = await self.settle_batch()
            except Exception as error:  # noqa: BLE001 - the loop that must outlive every mistake
                self._failed(f"an error of ours ({error!r})")
                is_stored = False
            # A full batch more is taken soon, but the calls in between come first.
            has_more = is_stored and self._journal.waiting >= self._batch
            await asyncio.sleep(min(BREATH_S, self._interval_s) if has_more else self.pause_s)

    async def settle_batch(self) -> bool:
        """One batch from the journal to the sink; False if the sink failed: then it will come
        again.
        """
        async with self._is_busy:
            entries = self._journal.read_closed(self._batch)
            ready = [
                entry
                if entry.cost_nanodollars is not None
                else priced(entry, self._price_of(entry))
                for entry in entries
            ]
            try:
                await self._put(ready)
            except Fault as fault:
                self._failed(f"{fault.message} {fault.detail}".rstrip())
                return False
            self._journal.acknowledge()
            if self._failures and ready:
                self._failures = 0
                self._report("The ledger's store takes entries again.")
            return True

    async def drain(self, deadline: float) -> int:
        """Settle all that waits, until `deadline` (monotonic) or the sink fails; how many entries
        stay in the spool.
        """
        try:
            async with asyncio.timeout(max(0.0, deadline - self._clock.monotonic())):
                while self._journal.waiting and await self.settle_batch():
                    pass
        except TimeoutError:
            self._report(
                f"Shutting down with {self._journal.waiting} entries in the spool; "
                "they are stored at the next start."
            )
        return self._journal.waiting

    async def _put(self, entries: list[Entry]) -> None:
        """Store a batch; one that is refused is halved until the entry that is to blame stands
        alone. It gets a second chance within all limits, since entries are not looked over before.
        """
        if not entries:
            return
        try:
            await self._sink.put(entries)
        except Fault as fault:
            if fault.kind is Kind.STORE_UNAVAILABLE:
                raise
            if len(entries) > 1:
                middle = len(entries) // 2
                await self._put(entries[:middle])
                await self._put(entries[middle:])
                return
            within = bounded(entries[0])
            if within != entries[0]:
                await self._put([within])
                return
            self._report(
                f"Entry {entries[0].opening.id} was set aside (set-aside.msgpack in the spool): "
                f"{fault.message} {fault.detail}".rstrip()
            )
            self._journal.set_aside(entries[0])

    def _failed(self, why: str) -> None:
        self._failures += 1
        if self._failures == 1:
            waiting = self._journal.waiting
            self._report(
                f"The ledger's store fails; {waiting} entries wait in the spool "
                f"and are tried again: {why}"
            )


async def keep_synced(
    journal: Journal, report: Callable[[str], None], interval_s: float = 1.0
) -> None:
    """Bring the journal to the disk every `interval_s`, in a thread, for ever; ends by
    cancellation.
    """
    is_failing = False
    while True:
        try:
            await asyncio.to_thread(journal.sync)
            is_failing = False
        except (Fault, OSError) as error:
            if not is_failing:
                report(f"The usage spool could not be brought to the disk: {error!r}")
            is_failing = True
        await asyncio.sleep(interval_s)
