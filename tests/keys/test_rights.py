"""The table of rights as a file: private, replaced whole, and no damage to it stops a start."""

import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.grant import Grant
from kilo_gateway.keys.rights import PendingKey, Rights, read_rights, write_rights
from kilo_gateway.keys.secret import mint

MINTED = mint()
GRANT = Grant("k1", "ann", name="laptop", models=("openai/*",), expires_at=1.5)
RIGHTS = Rights(
    epoch=3,
    rows=((MINTED.digest.hex(), GRANT),),
    pending=(PendingKey("ab" * 32, "kg_live_abcdef", Grant("k2", "bob"), 2.5),),
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "rights.json"


def test_what_was_written_is_read(path):
    write_rights(path, RIGHTS)
    assert read_rights(path) == RIGHTS


def test_the_table_holds_pending_keys_too(path):
    write_rights(path, RIGHTS)
    assert read_rights(path).table() == [
        (MINTED.digest, GRANT),
        (b"\xab" * 32, Grant("k2", "bob")),
    ]


def test_only_the_owner_may_read_the_file(path):
    before = os.umask(0)
    try:
        write_rights(path, RIGHTS)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_holds_no_key(path):
    write_rights(path, RIGHTS)
    assert MINTED.key.encode() not in path.read_bytes()


def test_a_new_table_replaces_the_file_and_leaves_nothing_beside_it(path):
    write_rights(path, RIGHTS)
    write_rights(path, Rights(epoch=4, rows=()))
    assert read_rights(path) == Rights(epoch=4, rows=())
    assert [entry.name for entry in path.parent.iterdir()] == ["rights.json"]


def test_what_a_crash_left_half_written_is_no_hindrance(path):
    path.with_suffix(".new").write_bytes(b'{"epoch": 9, "ro')
    write_rights(path, RIGHTS)
    assert read_rights(path) == RIGHTS


def test_a_directory_that_is_gone_is_an_error_for_the_caller(tmp_path):
    with pytest.raises(OSError, match="rights"):
        write_rights(tmp_path / "gone" / "rights.json", RIGHTS)


def test_no_file_is_no_table(path):
    assert read_rights(path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b'{"epoch":1,"rows":[["\xff",{"key_id":"a","owner":"b"}]]}',
        b'{"epoch":1,"rows":[["not hex",{"key_id":"a","owner":"b"}]]}',
        b'{"epoch":1,"rows":[],"format":2}',
        b'{"epoch":1,"rows":[["ab"]]}',
    ],
)
def test_a_damaged_or_foreign_file_is_no_table(path, content):
    path.write_bytes(content)
    assert read_rights(path) is None


@given(at=st.integers(0, 2000), byte=st.integers(0, 255))
def test_one_wrong_byte_never_stops_a_start(tmp_path_factory, at, byte):
    path = tmp_path_factory.mktemp("rights") / "rights.json"
    write_rights(path, RIGHTS)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    rights = read_rights(path)
    assert rights is None or isinstance(rights.table(), list)
