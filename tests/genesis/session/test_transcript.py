"""A session's file: appended to, read back, safe against torn lines and other processes."""

from pathlib import Path

import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import text_of
from genesis.session.transcript import SUMMARY_HEAD, Compacted, Head, Session
from tests.genesis.session.fakes import said


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path / "sessions" / "a.jsonl", Head("a", 1.0, "/work"))


def reopened(session: Session) -> Session:
    again = Session.opened(session.path)
    assert again is not None
    return again


def texts(session: Session) -> list[str]:
    return [text_of(message) for message in session.messages]


def test_it_has_no_file_before_its_first_message(session: Session) -> None:
    session.choose(model="p/m", thinking="high")
    assert not session.path.exists()
    session.append(said("hi"))
    assert reopened(session).chosen.model == "p/m"
    assert reopened(session).head.workspace == "/work"


def test_only_the_user_can_read_it(session: Session) -> None:
    session.append(said("hi"))
    assert session.path.stat().st_mode & 0o777 == 0o600
    assert session.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("torn", [b'{"type":"message","mess', b"\xff\xfe", b"{"])
def test_a_torn_last_line_is_dropped(session: Session, torn: bytes) -> None:
    session.append(said("one"))
    with session.path.open("ab") as file:
        file.write(torn)
    again = reopened(session)
    assert texts(again) == ["one"]
    again.append(said("two"))
    assert texts(reopened(session)) == ["one", "two"]
    assert torn not in session.path.read_bytes().splitlines()


def test_a_damaged_line_in_the_middle_is_passed_over(session: Session) -> None:
    session.append(said("one"))
    with session.path.open("ab") as file:
        file.write(b'{"type":"from the future"}\nrubbish\n')
    session.append(said("two"))
    assert texts(reopened(session)) == ["one", "two"]


def test_a_file_without_a_head_is_no_session(session: Session) -> None:
    session.path.parent.mkdir()
    session.path.write_bytes(b'{"type":"sess')
    assert Session.opened(session.path) is None


def test_what_another_process_appends_is_read_once(session: Session) -> None:
    session.append(said("one"))
    other = reopened(session)
    other.append(said("two"))
    session.append(said("three"))
    session.refresh()
    assert texts(session) == ["one", "two", "three"]
    other.refresh()
    assert texts(other) == ["one", "two", "three"]


def test_one_turn_at_a_time(session: Session) -> None:
    session.append(said("one"))
    other = reopened(session).turn_lock()
    with session.turn_lock(), pytest.raises(GenesisError, match="another process"), other:
        pass


def test_a_turn_begins_with_all_that_was_said(session: Session) -> None:
    session.append(said("one"))
    reopened(session).append(said("two"))
    with session.turn_lock():
        assert texts(session) == ["one", "two"]


def test_the_model_reads_the_summary_and_what_came_after(session: Session) -> None:
    for text in ("one", "two", "three"):
        session.append(said(text))
    session.compact(Compacted("short", 2))
    context = reopened(session).context()
    assert [text_of(message) for message in context] == [SUMMARY_HEAD + "short", "three"]
    assert texts(reopened(session)) == ["one", "two", "three"]
