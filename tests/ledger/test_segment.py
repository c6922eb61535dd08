"""Segments: whole records come back, torn ones do not, and damage stays where it is."""

import errno
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.ledger.segment import (
    CLOSED,
    HEADER_BYTES,
    OPENED,
    Segment,
    allocate,
    spool_fault,
)

SIZE = 65536


def payloads(segment):
    return [record.payload for record in segment.records(HEADER_BYTES)]


@pytest.fixture
def written(tmp_path):
    """A segment with three records, unmapped; the payloads are too long to be found by chance."""
    path = tmp_path / "1.segment"
    segment = Segment.create(path, SIZE)
    places = [segment.append(OPENED, bytes([65 + n]) * 100) for n in range(3)]
    segment.close()
    return path, places


def poke(path, at, data):
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def test_records_come_back_in_order(tmp_path):
    segment = Segment.create(tmp_path / "1.segment", SIZE)
    segment.append(OPENED, b"one")
    segment.append(CLOSED, b"two!!")
    found = [(record.kind, record.payload) for record in segment.records(HEADER_BYTES)]
    assert found == [(OPENED, b"one"), (CLOSED, b"two!!")]


@settings(deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=300), max_size=30))
def test_what_was_appended_is_loaded_by_another_process(tmp_path_factory, many):
    path = tmp_path_factory.mktemp("segment") / "1.segment"
    segment = Segment.create(path, SIZE)
    for payload in many:
        segment.append(CLOSED, payload)
    segment.close()
    loaded = Segment.load(path)
    assert (payloads(loaded), loaded.torn) == (many, 0)
    loaded.close()


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from([OPENED, CLOSED]), st.binary(min_size=1, max_size=40))),
    st.lists(st.tuples(st.integers(HEADER_BYTES, 600), st.binary(min_size=1, max_size=8))),
    st.integers(1, 5),
)
def test_closed_records_are_the_same_read_in_bulk_however_damaged(
    tmp_path_factory, many, damages, limit
):
    path = tmp_path_factory.mktemp("segment") / "1.segment"
    segment = Segment.create(path, SIZE)
    for kind, payload in many:
        segment.append(kind, payload)
    segment.close()
    for at, data in damages:
        poke(path, at, data)
    loaded = Segment.load(path)
    found, at = [], HEADER_BYTES
    while True:
        some, at = loaded.closed(at, limit)
        found += some
        if len(some) < limit:
            break
    records = loaded.records(HEADER_BYTES)
    assert found == [record.payload for record in records if record.kind == CLOSED]
    loaded.close()


def test_a_record_that_does_not_fit_is_refused(tmp_path):
    segment = Segment.create(tmp_path / "1.segment", 64)
    assert segment.append(OPENED, b"x" * 36) == HEADER_BYTES
    assert segment.append(OPENED, b"x") == -1
    assert payloads(segment) == [b"x" * 36]


def test_the_space_is_really_taken(tmp_path):
    Segment.create(tmp_path / "1.segment", SIZE)
    assert (tmp_path / "1.segment").stat().st_blocks * 512 >= SIZE


def test_a_loaded_segment_takes_only_the_space_that_was_written(written):
    path, _ = written
    loaded = Segment.load(path)
    assert path.stat().st_size == loaded.size == loaded.tail
    assert len(payloads(loaded)) == 3


def test_a_record_without_its_length_was_never_written(written):
    path, places = written
    poke(path, places[2], bytes(4))
    loaded = Segment.load(path)
    assert [payload[:1] for payload in payloads(loaded)] == [b"A", b"B"]
    assert loaded.torn == 1


def test_a_damaged_record_is_skipped_and_counted(written):
    path, places = written
    poke(path, places[1] + 20, b"?")
    loaded = Segment.load(path)
    assert [payload[:1] for payload in payloads(loaded)] == [b"A", b"C"]
    assert loaded.torn == 1


def test_records_behind_a_page_of_zeros_are_found(written):
    path, places = written
    poke(path, places[1], bytes(112))
    loaded = Segment.load(path)
    assert [payload[:1] for payload in payloads(loaded)] == [b"A", b"C"]
    assert loaded.torn == 1


def test_a_wrong_length_does_not_hide_what_follows(written):
    path, places = written
    poke(path, places[1], b"\xff\xff\xff\x7f")
    assert [payload[:1] for payload in payloads(Segment.load(path))] == [b"A", b"C"]


def test_a_truncated_segment_gives_what_is_left(written):
    path, places = written
    os.truncate(path, places[2] + 50)
    loaded = Segment.load(path)
    assert [payload[:1] for payload in payloads(loaded)] == [b"A", b"B"]
    assert loaded.torn == 1


def test_a_text_that_looks_like_a_record_is_none(tmp_path):
    other = Segment.create(tmp_path / "other", SIZE)
    other.append(CLOSED, b"forged")
    forged = bytes(other.memory[HEADER_BYTES : other.tail])
    segment = Segment.create(tmp_path / "1.segment", SIZE)
    at = segment.append(OPENED, b"1234" + forged)
    segment.append(OPENED, b"good")
    segment.memory[at + 12 : at + 13] = b"?"
    assert payloads(segment) == [b"good"]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 5000])
def test_a_file_without_a_header_is_not_a_segment(tmp_path, content):
    path = tmp_path / "1.segment"
    path.write_bytes(content)
    assert Segment.load(path) is None


@settings(deadline=None)
@given(st.data())
def test_no_damage_makes_loading_fail_or_records_up(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("segment") / "1.segment"
    segment = Segment.create(path, 4096)
    many = [bytes([n]) * 50 for n in range(1, 20)]
    for payload in many:
        segment.append(OPENED, payload)
    segment.close()
    at = data.draw(st.integers(HEADER_BYTES, 4000))
    poke(path, at, data.draw(st.binary(min_size=1, max_size=64)))
    loaded = Segment.load(path)
    found = payloads(loaded)
    assert found == [payload for payload in many if payload in found]
    assert len(found) >= len(many) - 3
    loaded.close()


def test_a_removed_segment_is_gone(tmp_path):
    segment = Segment.create(tmp_path / "1.segment", SIZE)
    segment.remove()
    assert not (tmp_path / "1.segment").exists()


def test_a_segment_in_a_missing_directory_is_a_fault(tmp_path):
    with pytest.raises(Fault) as caught:
        Segment.create(tmp_path / "missing" / "1.segment", SIZE)
    assert caught.value.kind is Kind.STORE_UNAVAILABLE
    assert str(tmp_path) not in caught.value.message


def test_a_full_disk_says_so_and_leaves_no_file(tmp_path):
    with pytest.raises(Fault, match="no disk space left"):
        Segment.create(tmp_path / "1.segment", 1 << 60)
    assert list(tmp_path.iterdir()) == []


def test_another_error_of_the_disk_names_permissions():
    assert "permissions" in spool_fault(OSError(errno.EIO, "broken")).message


def test_space_can_be_taken_where_the_system_has_no_call_for_it(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "posix_fallocate")
    with (tmp_path / "file").open("w+b") as file:
        allocate(file.fileno(), 100_000)
    assert (tmp_path / "file").read_bytes() == bytes(100_000)
