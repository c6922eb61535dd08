"""Prices: those of the last start at once, today's as soon as their package is loaded."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from kilo_gateway.app.home import write_whole
from kilo_gateway.catalog.price_table import PriceTable, dump, load, no_prices
from kilo_gateway.core.money import FREE, Price
from kilo_gateway.ledger.entry import Entry
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.profiles import profiles


class Prices:
    """The price table in force."""

    def __init__(self, cache: Path, log: Log) -> None:
        self._cache = cache
        self._log = log
        try:
            self.table: PriceTable = load(cache.read_bytes())
        except (OSError, ValueError):
            self.table = no_prices()

    async def load(self) -> bool:
        """Read the package's prices, in a thread; gives whether they differ from those in force."""
        table = await asyncio.to_thread(_from_package)
        if table == self.table:
            return False
        self.table = table
        try:
            await asyncio.to_thread(write_whole, self._cache, dump(table))
        except OSError as error:
            self._log.write("warning", "prices not kept for the next start", detail=str(error))
        return True

    def of_entry(self, entry: Entry) -> Price | None:
        """The price of an entry that was closed before prices were known, by its upstream's vendor row."""
        about = entry.opening.about
        profile = profiles().get(about.upstream)
        if profile is not None and "free" in profile.quirks:
            return FREE
        if profile is None or not profile.price_provider:
            return None
        when = datetime.fromtimestamp(entry.opening.opened_at, UTC)
        return self.table.price_of(profile.price_provider, about.upstream_model, when)


def _from_package() -> PriceTable:
    # Late, in a thread: importing the price package takes longer than the whole start.
    from kilo_gateway.catalog.prices import make_table  # noqa: PLC0415

    wanted = {profile.price_provider for profile in profiles().values() if profile.price_provider}
    return make_table(wanted)
