"""Recent: entries that need not be read from the spool again."""

from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.recent import Recent


def filled(entry_of, count, limit=10):
    recent = Recent((1, 0), limit)
    for number in range(1, count + 1):
        recent.add((1, number * 100), entry_of(number))
    return recent


def test_what_was_written_behind_a_place_comes_in_order(entry_of):
    recent = filled(entry_of, 4)
    assert recent.behind((1, 100), 2) == ([entry_of(2), entry_of(3)], (1, 300))


def test_the_same_comes_again_until_it_is_behind_us(entry_of):
    recent = filled(entry_of, 2)
    assert recent.behind((1, 0), 1) == recent.behind((1, 0), 1) == ([entry_of(1)], (1, 100))
    assert recent.behind((1, 100), 5) == ([entry_of(2)], (1, 200))
    assert recent.behind((1, 200), 5) == ([], (1, 200))


def test_what_was_let_go_must_be_read(entry_of):
    recent = filled(entry_of, 4, limit=2)
    assert recent.behind((1, 100), 5) is None
    assert recent.behind((1, 200), 5) == ([entry_of(3), entry_of(4)], (1, 400))


def test_a_later_segment_is_behind_an_earlier_one(entry_of):
    recent = filled(entry_of, 1)
    recent.add((2, 16), entry_of(2))
    assert recent.behind((1, 100), 5) == ([entry_of(2)], (2, 16))


def test_a_journal_that_let_entries_go_reads_them_from_its_files(
    tmp_path, clock, opening_of, entry_of
):
    journal = Journal(tmp_path / "spool", clock=clock, segment_bytes=65536)
    journal._recent = Recent(journal._end, 3)
    for number in range(5):
        journal.open(opening_of(number))
        journal.close(entry_of(number))
    found = []
    while journal.waiting:
        found += journal.read_closed(2)
        journal.acknowledge()
    assert found == [entry_of(number) for number in range(5)]
