"""The ledger's background: the journal at once, the store behind it as soon as it opens."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kilo_gateway.app import ledger as room
from kilo_gateway.app.accounts import Accounts
from kilo_gateway.app.home import Home
from kilo_gateway.app.ledger import LedgerKeeper
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import Price
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.telemetry.log import Log
from tests.gateways import read_entries

PRICE = Price(input=1_000_000_000, output=2_000_000_000, source="tests")


class Rig:
    """A keeper, its journal, and the log."""

    def __init__(self, root: Path) -> None:
        self.home, self.lines = Home(root), list[str]()
        clock = SystemClock()
        self.log = Log(self.lines.append, clock)
        url = f"sqlite+aiosqlite:///{self.home.database}"
        self.keeper = LedgerKeeper(self.home, url, clock, self.log)
        self.accounts = Accounts(self.home, clock, self.log)

    def attempt(self, ident: str) -> Opening:
        about = Attribution("k", "o", "m", "m", "u", "m", "openai_chat", "chat", is_streamed=False)
        return Opening(ident, f"call-{ident}", 1, 1.0, 9, None, None, sealed(about))

    def entry(self, opening: Opening) -> Entry:
        return Entry(
            opening, 2.0, "ok", 200, Usage(10, 5), None, "", "", 1, 2, None, "stop", has_error=False
        )

    def told(self) -> str:
        self.log.flush()
        return "".join(self.lines)


@pytest.fixture
async def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setattr(room, "_SETTLE_S", 0.01)
    monkeypatch.setattr(room, "_RETRY_S", (0.01,))
    monkeypatch.setattr(room, "KEYS_POLL_S", 0.01)
    rig = Rig(tmp_path)
    yield rig
    rig.keeper.shut()


async def _until_stored(rig: Rig, call: str) -> dict[str, object]:
    async with asyncio.timeout(10):
        while call not in read_entries(rig.home.root):
            await asyncio.sleep(0.01)
    [row] = read_entries(rig.home.root)[call]
    return row


async def test_entries_are_priced_and_stored(rig: Rig) -> None:
    journal = rig.keeper.open_journal()
    opening = rig.attempt("1")
    journal.open(opening)
    journal.close(rig.entry(opening))
    assert rig.keeper.gauge() == {"waiting": 1.0, "open": 0.0}
    running = asyncio.ensure_future(rig.keeper.run(lambda _entry: PRICE, rig.accounts))
    row = await _until_stored(rig, "call-1")
    assert row["cost_nanodollars"] == 10 * 1000 + 5 * 2000
    assert rig.keeper.state == "stored"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_what_is_closed_last_is_stored_at_the_end(rig: Rig) -> None:
    journal = rig.keeper.open_journal()
    running = asyncio.ensure_future(rig.keeper.run(lambda _entry: None, rig.accounts))
    async with asyncio.timeout(10):
        while rig.keeper.state != "stored":
            await asyncio.sleep(0.01)
    opening = rig.attempt("2")
    journal.open(opening)
    journal.close(rig.entry(opening))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "call-2" in read_entries(rig.home.root)


async def test_a_database_that_does_not_open_is_told_and_tried_again(rig: Rig) -> None:
    rig.home.database.mkdir()
    journal = rig.keeper.open_journal()
    opening = rig.attempt("3")
    journal.open(opening)
    journal.close(rig.entry(opening))
    running = asyncio.ensure_future(rig.keeper.run(lambda _entry: None, rig.accounts))
    async with asyncio.timeout(10):
        while "unavailable" not in rig.keeper.state:
            await asyncio.sleep(0.01)
    assert "store not open" in rig.told()
    rig.home.database.rmdir()
    await _until_stored(rig, "call-3")
    assert rig.keeper.state == "stored"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_keys_that_cannot_be_read_are_told_once_and_stay(rig: Rig) -> None:
    class Flaky:
        polls = 0

        async def keys_epoch(self) -> int:
            self.polls += 1
            if self.polls < 10:
                raise Fault(Kind.STORE_UNAVAILABLE, "away", detail="the disk is gone")
            return -1

    store = Flaky()
    following = asyncio.ensure_future(rig.keeper._follow_keys(rig.accounts, store))
    async with asyncio.timeout(5):
        while store.polls < 12:
            await asyncio.sleep(0.005)
    following.cancel()
    assert rig.told().count("keys not read") == 1


async def test_a_taken_spool_is_a_clear_fault(rig: Rig, tmp_path: Path) -> None:
    rig.keeper.open_journal()
    with pytest.raises(Fault, match="Another gateway"):
        Rig(tmp_path).keeper.open_journal()


async def test_what_a_crash_left_open_is_told(rig: Rig) -> None:
    before = Journal(rig.home.spool, clock=SystemClock())
    before.open(rig.attempt("4"))
    before.shut()
    rig.keeper.open_journal()
    told = rig.told()
    assert "recovered from a crash" in told
    assert "attempts_settled_as_estimated=1" in told
    assert rig.keeper.gauge() == {"waiting": 1.0, "open": 0.0}


async def test_without_a_journal_there_is_nothing_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "other")
    await rig.keeper.run(lambda _entry: None, rig.accounts)
    await rig.keeper.keep_synced()
    rig.keeper.shut()
    assert rig.keeper.gauge() == {}
