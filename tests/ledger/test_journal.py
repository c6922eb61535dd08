"""Journals: nothing is lost, nothing comes twice, and a full spool refuses in time."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import TEXT_LIMIT, Entry
from kilo_gateway.ledger.journal import RECORD_LIMIT_BYTES, Journal, Recovery
from kilo_gateway.ledger.segment import CLOSED, OPENED

SIZE = 65536
FAT = "x" * 9000  # so that a few attempts fill a segment


@pytest.fixture
def reopen(tmp_path, clock, monkeypatch):
    """Opens the journal anew; the one before dies as its process would. Fat records stay as fat as they are."""
    monkeypatch.setattr("kilo_gateway.ledger.journal._PLAIN_BYTES", RECORD_LIMIT_BYTES)
    journals = []

    def start(**options):
        if journals:
            die(journals.pop())
        journals.append(Journal(tmp_path, clock=clock, segment_bytes=SIZE, **options))
        return journals[0]

    yield start
    die(journals.pop())


def die(journal):
    journal._spool.shut()


def settle(journal, limit=500):
    found = []
    while journal.waiting:
        found += journal.read_closed(limit)
        journal.acknowledge()
    return found


def segments(path):
    return sorted(int(file.stem) for file in path.glob("*.segment"))


def test_a_closed_attempt_is_read_as_it_was_closed(reopen, opening_of, entry_of):
    journal = reopen()
    entry = entry_of(3, usage=Usage(1, None, raw=b"{}", source="estimated"))
    journal.open(opening_of(3))
    assert (journal.open_count, journal.waiting) == (1, 0)
    journal.close(entry)
    assert (journal.open_count, journal.waiting) == (0, 1)
    assert journal.read_closed(10) == [entry]


def test_what_is_too_long_is_cut_when_it_is_closed(tmp_path, clock, opening_of, entry_of):
    journal = Journal(tmp_path, clock=clock, segment_bytes=SIZE)
    opening = opening_of(3, session=FAT)
    journal.open(opening)
    journal.close(entry_of(opening))
    [entry] = journal.read_closed(10)
    assert entry.opening.session == FAT[:TEXT_LIMIT]
    journal.shut()


def test_the_same_entries_come_until_they_are_acknowledged(reopen, opening_of, entry_of):
    journal = reopen()
    for number in range(5):
        journal.open(opening_of(number))
        journal.close(entry_of(number))
    assert journal.read_closed(3) == journal.read_closed(3) == [entry_of(n) for n in range(3)]
    journal.acknowledge()
    assert journal.waiting == 2
    assert journal.read_closed(3) == [entry_of(3), entry_of(4)]
    journal.acknowledge()
    assert (journal.waiting, journal.read_closed(3)) == (0, [])


def test_entries_closed_while_a_batch_is_stored_wait_for_the_next(reopen, opening_of, entry_of):
    journal = reopen()
    for number in range(2):
        journal.open(opening_of(number))
    journal.close(entry_of(0))
    journal.read_closed(10)
    journal.close(entry_of(1))
    journal.acknowledge()
    assert journal.read_closed(10) == [entry_of(1)]


def test_an_attempt_is_closed_once(reopen, opening_of, entry_of):
    journal = reopen()
    journal.open(opening_of(1))
    journal.close(entry_of(1))
    with pytest.raises(Fault) as caught:
        journal.close(entry_of(1))
    assert (caught.value.kind, journal.waiting) == (Kind.INTERNAL, 1)


def test_an_attempt_is_opened_once(reopen, opening_of):
    journal = reopen()
    journal.open(opening_of(1))
    with pytest.raises(Fault, match="twice"):
        journal.open(opening_of(1))


def test_raw_usage_is_kept_up_to_4_kib(reopen, opening_of, entry_of):
    journal = reopen()
    journal.open(opening_of(1))
    journal.close(entry_of(1, usage=Usage(raw=b"r" * 100_000)))
    assert journal.read_closed(1)[0].usage.raw == b"r" * 4096


@pytest.mark.parametrize("text", ["x" * 90_000, "\ud800"])
def test_texts_of_any_size_and_sort_are_recorded(reopen, opening_of, entry_of, text):
    journal = reopen()
    opening = opening_of(1, requested_model=text, session=text)
    journal.open(opening)
    journal.close(entry_of(opening, finish_reason=text, usage=Usage(10**40)))
    entry = journal.read_closed(1)[0]
    assert len(entry.finish_reason) <= 500
    assert entry.usage.input_tokens is None


def test_entries_that_were_not_acknowledged_come_again_after_a_crash(reopen, opening_of, entry_of):
    journal = reopen()
    for number in range(3):
        journal.open(opening_of(number))
        journal.close(entry_of(number))
    journal.read_closed(1)
    journal.acknowledge()
    journal.read_closed(1)
    journal = reopen()
    assert journal.recover() == Recovery(waiting=2, crashed=0, torn_records=0, lost_segments=0)
    assert settle(journal) == [entry_of(1), entry_of(2)]


def test_an_open_attempt_is_closed_as_crashed_once(reopen, opening_of, clock):
    reopen().open(opening_of(1, estimated_input_tokens=55))
    clock.now += 60
    journal = reopen()
    assert journal.recover().crashed == 1
    journal = reopen()
    assert journal.recover() == Recovery(1, 0, 0, 0)
    [entry] = settle(journal)
    assert (entry.outcome, entry.closed_at) == ("crashed", clock.now)
    assert entry.usage == Usage(input_tokens=55, source="estimated")


def test_what_is_settled_does_not_come_back(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    journal.open(opening_of(1))
    journal.close(entry_of(1))
    settle(journal)
    journal = reopen()
    assert journal.recover() == Recovery(0, 0, 0, 0)
    assert segments(tmp_path) == [2]


def test_a_torn_close_leaves_the_attempt_crashed(reopen, opening_of, entry_of):
    journal = reopen()
    journal.open(opening_of(1))
    at = journal._current.tail
    journal.close(entry_of(1))
    journal._current.memory[at : at + 4] = bytes(4)
    journal = reopen()
    assert journal.recover() == Recovery(waiting=1, crashed=1, torn_records=1, lost_segments=0)


def test_a_lost_cursor_makes_all_come_again(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    for number in range(3):
        journal.open(opening_of(number))
        journal.close(entry_of(number))
    journal.read_closed(2)
    journal.acknowledge()
    journal._spool.cursor._memory[0] ^= 1
    assert [entry.opening.id for entry in settle(reopen())] == [opening_of(n).id for n in range(3)]


def test_segments_are_deleted_when_all_in_them_is_stored(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    for number in range(20):
        opening = opening_of(number, session=FAT)
        journal.open(opening)
        journal.close(entry_of(opening))
    assert len(segments(tmp_path)) > 3
    assert len(settle(journal, limit=3)) == 20
    assert segments(tmp_path) == [journal._current.number]


def test_one_long_attempt_does_not_hold_up_the_spool(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    journal.open(opening_of("long"))
    for number in range(60):
        opening = opening_of(number, session=FAT)
        journal.open(opening)
        journal.close(entry_of(opening))
        settle(journal)
    assert len(segments(tmp_path)) <= 3
    journal = reopen()
    assert journal.recover().crashed == 1
    assert [entry.opening for entry in settle(journal)] == [opening_of("long")]


def test_many_long_attempts_are_not_written_again_and_again(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    for number in range(30):
        journal.open(opening_of(number, session=FAT))
    before = segments(tmp_path)
    journal.acknowledge()
    assert segments(tmp_path) == before
    for number in range(30):
        journal.close(entry_of(opening_of(number, session=FAT)))
    assert len(settle(journal)) == 30
    assert segments(tmp_path) == [journal._current.number]


def test_a_full_spool_refuses_to_open_but_closes_what_is_open(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    opened = [opening_of(number, session=FAT) for number in range(14)]
    for opening in opened:
        journal.open(opening)
    with pytest.raises(Fault, match="spool is full") as caught:
        journal.open(opening_of(14, session=FAT))
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    for opening in opened:
        journal.close(entry_of(opening))
    assert journal.waiting == len(opened)
    with pytest.raises(Fault, match="spool is full"):
        journal.open(opening_of(500))


def test_a_full_spool_recovers_when_entries_are_stored(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    opened = [opening_of(number, session=FAT) for number in range(12)]
    for opening in opened:
        journal.open(opening)
    for opening in opened:
        journal.close(entry_of(opening))
    assert journal._parked
    assert [entry.opening for entry in settle(journal)] == opened
    journal.open(opening_of(500))
    journal.close(entry_of(500))
    assert settle(journal) == [entry_of(500)]


def test_parked_entries_are_crashed_ones_if_the_process_dies(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    opened = [opening_of(number, session=FAT) for number in range(12)]
    for opening in opened:
        journal.open(opening)
    for opening in opened:
        journal.close(entry_of(opening))
    parked = len(journal._parked)
    journal = reopen()
    assert journal.recover().crashed == parked
    assert sorted(entry.opening.id for entry in settle(journal)) == [one.id for one in opened]


def test_parked_entries_that_are_being_stored_are_not_written_too(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    opened = [opening_of(number, session=FAT) for number in range(14)]
    for opening in opened:
        journal.open(opening)
    for opening in opened:
        journal.close(entry_of(opening))
    written = journal.waiting - len(journal._parked)
    journal.read_closed(written)
    batch = journal.read_closed(500)
    assert len(batch) == 14
    journal._spool._max_bytes = 9 * SIZE  # somebody frees space on the disk
    with suppress(Fault):
        journal.open(opening_of(500))
    journal.acknowledge()
    assert settle(journal) == []


def test_parked_entries_are_written_when_there_is_room_again(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    opened = [opening_of(number, session=FAT) for number in range(14)]
    for opening in opened:
        journal.open(opening)
    for opening in opened:
        journal.close(entry_of(opening))
    assert journal._parked
    journal._spool._max_bytes = 9 * SIZE
    journal.open(opening_of(500))
    assert not journal._parked
    journal = reopen()
    assert journal.recover().crashed == 1
    assert [entry.opening for entry in settle(journal)] == [*opened, opening_of(500)]


def test_a_long_attempt_stays_where_it_is_while_there_is_no_room(reopen, opening_of, entry_of):
    journal = reopen(max_bytes=3 * SIZE)
    journal.open(opening_of("long"))
    opened = [opening_of(number, session=FAT) for number in range(11)]
    for opening in opened:
        journal.open(opening)
    for opening in opened[:9]:
        journal.close(entry_of(opening))
    while journal._current.append(OPENED, msgspec.msgpack.encode(opening_of("fill"))) >= 0:
        pass
    assert len(settle(journal)) == 9
    assert len(journal._spool.segments) == 3
    for opening in opened[9:]:
        journal.close(entry_of(opening))
    journal.close(entry_of(opening_of("long")))
    assert len(settle(journal)) == 3
    assert len(journal._spool.segments) == 1


def test_an_entry_of_an_unknown_version_is_kept_aside(reopen, opening_of, entry_of, tmp_path):
    journal = reopen()
    alien = msgspec.msgpack.encode(["unknown", 5])
    journal._current.append(CLOSED, alien)
    journal.open(opening_of(1))
    journal.close(entry_of(1))
    journal = reopen()
    assert settle(journal) == [entry_of(1)]
    assert (tmp_path / "set-aside.msgpack").read_bytes() == alien


def test_an_opening_of_an_unknown_version_is_kept_aside(reopen, opening_of, tmp_path):
    journal = reopen()
    alien = msgspec.msgpack.encode([opening_of(1).id, 5])
    journal._current.append(OPENED, alien)
    journal = reopen()
    assert journal.recover() == Recovery(0, 0, 0, 0)
    assert (tmp_path / "set-aside.msgpack").read_bytes() == alien


def test_an_entry_that_is_set_aside_can_be_read_by_people(reopen, entry_of, tmp_path):
    reopen().set_aside(entry_of(1))
    raw = (tmp_path / "set-aside.msgpack").read_bytes()
    assert msgspec.msgpack.decode(raw)[0][0] == entry_of(1).opening.id


def test_shutting_keeps_what_waits_for_the_next_start(tmp_path, clock, opening_of, entry_of):
    journal = Journal(tmp_path, clock=clock)
    journal.open(opening_of(1))
    journal.close(entry_of(1))
    journal.sync()
    journal.shut()
    journal = Journal(tmp_path, clock=clock)
    assert journal.recover().waiting == 1
    assert settle(journal) == [entry_of(1)]
    journal.shut()


def test_too_small_a_spool_is_refused(tmp_path, clock):
    with pytest.raises(ValueError, match="room for three"):
        Journal(tmp_path, clock=clock, segment_bytes=SIZE, max_bytes=2 * SIZE)


STEPS = st.sampled_from(
    ["open", "open", "close", "close", "read", "store", "store", "sync", "crash"]
)


class World:
    """A journal, a sink that takes each id once, and what must come out of it all."""

    def __init__(self, directory, clock, max_bytes):
        self.start = lambda: Journal(
            directory, clock=clock, segment_bytes=SIZE, max_bytes=max_bytes
        )
        self.journal = self.start()
        self.stored, self.must_be, self.going, self.batch = {}, {}, [], None
        self.parked = set()

    def open(self, opening):
        with suppress(Fault):  # full: the attempt does not start
            self.journal.open(opening)
            self.going.append(opening)
            self.must_be[opening.id] = "crashed"

    def close(self, entry):
        self.journal.close(entry)
        self.must_be[entry.opening.id] = "ok"

    def store(self):
        if self.batch is not None:
            self.take()
            self.journal.acknowledge()
            self.batch = None

    def crash(self, *, is_stored):
        if is_stored and self.batch is not None:
            self.take()  # the sink had them, but we died before we knew
        for _, payload in self.journal._parked:
            key = msgspec.msgpack.decode(payload, type=Entry).opening.id
            self.parked.add(key)
            if key not in self.stored:
                self.must_be[key] = "crashed"
        die(self.journal)
        self.journal, self.batch, self.going = self.start(), None, []
        assert self.journal.recover().torn_records == 0

    def take(self):
        for entry in self.batch:
            known = self.stored.setdefault(entry.opening.id, entry)
            assert known == entry or (entry.opening.id in self.parked)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(STEPS, st.integers(0, 1000)), max_size=150),
    st.sampled_from([3 * SIZE, 100 * SIZE]),
)
def test_each_attempt_is_settled_once_whatever_happens(
    tmp_path_factory, still_clock, opening_of, entry_of, steps, max_bytes
):
    directory = tmp_path_factory.mktemp("spool")
    world = World(directory, still_clock(), max_bytes)
    for count, (step, number) in enumerate([*steps, ("crash", 0)]):
        if step == "open":
            world.open(opening_of(count, session=FAT if number % 4 else None))
        elif step == "close" and world.going:
            world.close(entry_of(world.going.pop(number % len(world.going))))
        elif step == "sync":
            world.journal.sync()
        elif step == "read":
            world.batch = world.journal.read_closed(1 + number % 5)
        elif step == "store":
            world.store()
        elif step == "crash":
            world.crash(is_stored=number % 2)
    while world.journal.waiting:
        world.batch = world.journal.read_closed(7)
        world.store()
    assert {key: entry.outcome for key, entry in world.stored.items()} == world.must_be
    assert segments(directory) == [world.journal._current.number]
    assert world.journal.open_count == 0
    die(world.journal)
