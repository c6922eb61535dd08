"""What a former version left in the spool is read by this one: entries that wait, and attempts that it died in."""

import msgspec
import pytest

from kilo_gateway.ledger.former import former_entry, former_opening
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.ledger.segment import CLOSED, OPENED

# As they stood in the spool before attributions were written as one.
OPENING = [
    f"{1:026d}", "call-1", 1, "key-1", "owner-1", "small", "openai/gpt-5", "openai", "gpt-5", "openai_chat",
    "chat", True, 1_799_999_990.0, 77, "cli", "s-1", "code", "p", 4.5, "m-1", "vim", "box",
]  # fmt: skip
USAGE = {
    "input_tokens": 1000,
    "output_tokens": 10,
    "cache_read_tokens": None,
    "source": "reported",
    "raw": b'{"prompt_tokens":1000}',
}
ENTRY = [
    OPENING, 1_800_000_000.0, "ok", 200, USAGE, None, "", "", 20, 900, "req-1", "stop", False,
]  # fmt: skip
CLIENT = {
    "feature": "cli", "mode": "code", "project": "p", "client_version": 4.5, "editor": "vim", "machine": "box"
}  # fmt: skip

encode = msgspec.msgpack.encode


@pytest.fixture
def now(opening_of, entry_of):
    opening = opening_of(1, session="s-1", message="m-1", **CLIENT)
    return opening, entry_of(opening)


def test_records_of_the_first_form_are_those_of_this_one(now):
    assert (former_opening(encode(OPENING)), former_entry(encode(ENTRY))) == now


def test_what_is_neither_form_is_refused():
    for read in (former_opening, former_entry):
        with pytest.raises(msgspec.DecodeError):
            read(encode(["unknown", 5]))


def test_what_a_former_process_left_is_settled(tmp_path, clock, now):
    journal = Journal(tmp_path, clock=clock)
    journal._current.append(CLOSED, encode(ENTRY))
    journal._current.append(OPENED, encode([f"{2:026d}", *OPENING[1:]]))
    journal.shut()
    journal = Journal(tmp_path, clock=clock)
    assert journal.recover().crashed == 1
    closed, crashed = journal.read_closed(10)
    assert (closed, crashed.outcome, crashed.opening.about) == (now[1], "crashed", now[0].about)
    journal.shut()
