"""Settling: in order, priced, once, and patient with a store that is away."""

import asyncio
from contextlib import suppress

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.money import Price
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.settle import Settler, keep_synced

PRICE = Price(input=1_000_000, output=0, source="config")


class Sink:
    """Takes entries, unless it is told to fail."""

    def __init__(self):
        self.taken = []
        self.fault = None
        self.refuses = set()
        self.was_asked = asyncio.Event()

    async def put(self, entries):
        self.was_asked.set()
        if self.fault:
            raise self.fault
        if any(entry.opening.id in self.refuses for entry in entries):
            raise Fault(Kind.INTERNAL, "The data was refused.")
        self.taken += entries


@pytest.fixture
def journal(tmp_path, clock):
    journal = Journal(tmp_path, clock=clock)
    yield journal
    journal.shut()


@pytest.fixture
async def sink():
    return Sink()


@pytest.fixture
def said():
    return []


@pytest.fixture
def settler(journal, sink, clock, said):
    return Settler(
        journal, sink, lambda _: PRICE, clock=clock, report=said.append, interval_s=0.001, batch=3
    )


@pytest.fixture
def fill(journal, opening_of, entry_of):
    def closed(count, **changes):
        for number in range(count):
            journal.open(opening_of(number))
            journal.close(entry_of(number, **changes))

    return closed


UNAVAILABLE = Fault(Kind.STORE_UNAVAILABLE, "The database is away.", detail="no route")


def ids(entries):
    return [int(entry.opening.id) for entry in entries]


async def test_entries_are_priced_stored_and_acknowledged(settler, sink, journal, fill):
    fill(2)
    assert await settler.settle_batch()
    assert [entry.cost_nanodollars for entry in sink.taken] == [1000, 1000]
    assert journal.waiting == 0


async def test_a_cost_that_is_known_is_kept(settler, sink, fill):
    fill(1, cost_nanodollars=0)
    await settler.settle_batch()
    assert sink.taken[0].cost_nanodollars == 0


async def test_with_nothing_to_do_the_sink_is_not_asked(settler, sink):
    assert await settler.settle_batch()
    assert not sink.was_asked.is_set()


async def test_a_failing_store_leaves_entries_in_the_spool(settler, sink, journal, fill, said):
    fill(2)
    sink.fault = UNAVAILABLE
    assert not await settler.settle_batch()
    assert not await settler.settle_batch()
    assert journal.waiting == 2
    assert len(said) == 1
    assert "2 entries wait" in said[0]
    sink.fault = None
    await settler.settle_batch()
    assert ids(sink.taken) == [0, 1]
    assert said[1:] == ["The ledger's store takes entries again."]


async def test_the_pause_doubles_up_to_30_seconds(settler, sink, fill):
    fill(1)
    sink.fault = UNAVAILABLE
    pauses = []
    for _ in range(20):
        pauses.append(settler.pause_s)
        await settler.settle_batch()
    assert pauses[:3] == [0.001, 0.002, 0.004]
    assert pauses[-1] == 30.0


async def test_an_entry_that_is_refused_is_set_aside_and_the_others_pass(
    settler, sink, journal, fill, said, tmp_path
):
    fill(3)
    sink.refuses = {f"{1:026d}"}
    assert await settler.settle_batch()
    assert ids(sink.taken) == [0, 2]
    assert journal.waiting == 0
    assert "set aside" in said[0]
    assert (tmp_path / "set-aside.msgpack").stat().st_size > 0


async def test_running_settles_all_and_outlives_errors(journal, sink, fill, clock, said):
    fill(8)
    calls = []

    def price_of(entry):
        calls.append(entry)
        if len(calls) == 1:
            raise ZeroDivisionError("a mistake")
        if len(sink.taken) + 2 >= 8:
            done.set()
        return PRICE

    done = asyncio.Event()
    settler = Settler(
        journal, sink, price_of, clock=clock, report=said.append, interval_s=0.001, batch=3
    )
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(settler.run())
        await done.wait()
        while journal.waiting:
            await asyncio.sleep(0)
        task.cancel()
    assert ids(sink.taken) == list(range(8))
    assert "ZeroDivisionError" in said[0]
    assert "again" in said[1]


async def test_two_that_settle_at_once_take_turns(settler, sink, fill):
    fill(6)
    real = sink.put

    async def slow(entries):
        await asyncio.sleep(0)
        await real(entries)

    sink.put = slow
    await asyncio.gather(settler.settle_batch(), settler.settle_batch())
    assert ids(sink.taken) == list(range(6))


async def test_draining_stores_all_that_waits(settler, sink, fill, clock):
    fill(10)
    assert await settler.drain(clock.now + 5) == 0
    assert ids(sink.taken) == list(range(10))


async def test_draining_gives_up_when_the_store_fails(settler, sink, fill, clock):
    fill(4)
    sink.fault = UNAVAILABLE
    assert await settler.drain(clock.now + 5) == 4


async def test_draining_ends_at_its_deadline(journal, fill, clock, said):
    class Slow:
        async def put(self, entries):
            await asyncio.Event().wait()

    fill(1)
    settler = Settler(journal, Slow(), lambda _: None, clock=clock, report=said.append)
    assert await settler.drain(clock.now + 0.01) == 1
    assert "1 entries" in said[0]


async def test_a_cancelled_put_is_put_again(settler, sink, journal, fill):
    fill(1)
    real, started = sink.put, asyncio.Event()

    async def stuck(entries):
        await real(entries)
        started.set()
        await asyncio.Event().wait()

    sink.put = stuck
    task = asyncio.get_running_loop().create_task(settler.settle_batch())
    await started.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    sink.put = real
    await settler.settle_batch()
    assert ids(sink.taken) == [0, 0]  # the sink takes each id once
    assert journal.waiting == 0


async def test_syncing_goes_on_after_errors_and_tells_once(said):
    class Disk:
        """Fails twice, works once, then fails."""

        def __init__(self):
            self.calls = 0

        def sync(self):
            self.calls += 1
            if self.calls == 5:
                loop.call_soon_threadsafe(done.set)
            if self.calls != 3:
                raise OSError(5, "broken")

    loop, done = asyncio.get_running_loop(), asyncio.Event()
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(keep_synced(Disk(), said.append, interval_s=0.001))
        await done.wait()
        task.cancel()
    assert len(said) == 2
