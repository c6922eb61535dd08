"""Spools: one owner, bounded room, a cursor that lasts."""

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.ledger.segment import HEADER_BYTES, OPENED
from kilo_gateway.ledger.spool import Cursor, Spool, flush_file

SIZE = 65536


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path, SIZE, 3 * SIZE)
    yield spool
    spool.shut()


def names(path):
    return sorted(file.name for file in path.iterdir())


def test_a_second_owner_is_refused_and_told_what_to_do(spool, tmp_path):
    with pytest.raises(Fault, match="Another gateway process") as caught:
        Spool(tmp_path, SIZE, 3 * SIZE)
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert str(tmp_path) not in caught.value.message


def test_the_directory_is_free_again_after_shutting(tmp_path):
    Spool(tmp_path, SIZE, 3 * SIZE).shut()
    Spool(tmp_path, SIZE, 3 * SIZE).shut()


def test_files_are_for_their_owner_only(spool, tmp_path):
    assert {file.stat().st_mode & 0o077 for file in tmp_path.iterdir()} == {0}


def test_no_more_segments_than_the_allowance(spool):
    spool.next_segment(kept=1)
    with pytest.raises(Fault, match="spool is full"):
        spool.next_segment(kept=1)
    spool.next_segment(kept=0)
    with pytest.raises(Fault, match="spool is full"):
        spool.next_segment(kept=0)


def test_there_is_room_again_when_the_oldest_is_dropped(spool):
    spool.next_segment(kept=0)
    spool.next_segment(kept=0)
    spool.drop_oldest()
    assert spool.next_segment(kept=0).number == 4


def test_a_spare_is_prepared_when_half_is_used_and_becomes_the_next(spool, tmp_path):
    spool.sync()
    assert "1.spare" not in names(tmp_path)
    spool.current.append(OPENED, b"x" * (SIZE // 2))
    spool.sync()
    assert "1.spare" in names(tmp_path)
    spare = spool._spare
    assert spool.next_segment(kept=1) is spare
    assert names(tmp_path) == ["000000000001.segment", "000000000002.segment", "cursor", "lock"]


def test_syncing_marks_what_is_on_the_disk(spool):
    spool.current.append(OPENED, b"x")
    spool.sync()
    assert spool.current.synced == spool.current.tail


def test_segments_are_found_again_in_order(tmp_path):
    first = Spool(tmp_path, SIZE, 3 * SIZE)
    first.current.append(OPENED, b"one")
    first.next_segment(kept=0).append(OPENED, b"two")
    first.shut()
    again = Spool(tmp_path, SIZE, 3 * SIZE)
    found = [r.payload for s in again.segments for r in s.records(HEADER_BYTES)]
    assert found == [b"one", b"two"]
    assert [segment.number for segment in again.segments] == [1, 2, 3]
    again.shut()


def test_starting_again_and_again_takes_no_room(tmp_path):
    for _ in range(9):
        spool = Spool(tmp_path, SIZE, 3 * SIZE)
        spool.current.append(OPENED, b"x")
        spool.shut()
    spool = Spool(tmp_path, SIZE, 3 * SIZE)
    spool.next_segment(kept=0)
    assert len(spool.segments) == 11
    spool.shut()


def test_a_file_that_is_no_segment_is_put_out_of_the_way(tmp_path):
    (tmp_path / "000000000001.segment").write_bytes(b"x" * 100)
    spool = Spool(tmp_path, SIZE, 3 * SIZE)
    assert spool.lost_segments == 1
    assert "000000000001.damaged" in names(tmp_path)
    spool.shut()


def test_numbers_are_not_used_twice_when_all_segments_are_gone(tmp_path):
    cursor = Cursor(tmp_path / "cursor")
    cursor.write(7, 100)
    cursor.close()
    spool = Spool(tmp_path, SIZE, 3 * SIZE)
    assert spool.current.number == 8
    spool.shut()


def test_the_cursor_is_remembered(tmp_path):
    cursor = Cursor(tmp_path / "cursor")
    assert cursor.read() == (0, 0)
    cursor.write(3, 400)
    cursor.close()
    assert Cursor(tmp_path / "cursor").read() == (3, 400)


def test_a_torn_cursor_starts_from_the_beginning(tmp_path):
    cursor = Cursor(tmp_path / "cursor")
    cursor.write(3, 400)
    cursor._memory[9] ^= 1
    assert cursor.read() == (0, 0)


def test_a_directory_that_cannot_be_made_is_a_fault(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Fault, match="permissions"):
        Spool(tmp_path / "file" / "spool", SIZE, 3 * SIZE)


def test_a_failed_start_gives_the_directory_back(tmp_path):
    (tmp_path / "cursor").mkdir()
    with pytest.raises(Fault, match="permissions"):
        Spool(tmp_path, SIZE, 3 * SIZE)
    (tmp_path / "cursor").rmdir()
    Spool(tmp_path, SIZE, 3 * SIZE).shut()


def test_flushing_a_file_that_is_gone_is_nothing(tmp_path):
    flush_file(tmp_path / "gone")


def test_what_is_kept_aside_is_appended(spool, tmp_path):
    spool.keep_aside(b"one")
    spool.keep_aside(b"two")
    assert (tmp_path / "set-aside.msgpack").read_bytes() == b"onetwo"


def test_what_is_kept_aside_is_bounded(spool, tmp_path, monkeypatch):
    monkeypatch.setattr("kilo_gateway.ledger.spool._SET_ASIDE_LIMIT_BYTES", 3)
    spool.keep_aside(b"one")
    spool.keep_aside(b"two")
    assert (tmp_path / "set-aside.msgpack").read_bytes() == b"one"


def test_a_spare_that_a_dead_process_left_is_deleted(tmp_path):
    (tmp_path / "9.spare").write_bytes(b"left")
    Spool(tmp_path, SIZE, 3 * SIZE).shut()
    assert "9.spare" not in names(tmp_path)


def test_shutting_leaves_no_spare(tmp_path):
    spool = Spool(tmp_path, SIZE, 3 * SIZE)
    spool.current.append(OPENED, b"x" * (SIZE // 2))
    spool.sync()
    spool.shut()
    assert [name for name in names(tmp_path) if name.endswith(".spare")] == []


def test_a_segment_is_prepared_only_if_the_allowance_has_room_for_two(spool, tmp_path):
    spool.next_segment(kept=0)
    spool.current.append(OPENED, b"x" * (SIZE // 2))
    spool.sync()
    assert [name for name in names(tmp_path) if name.endswith(".spare")] == []
