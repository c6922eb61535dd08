"""A member that is typed otherwise does not cost the others."""

import msgspec
import pytest

from kilo_gateway.dialects.anthropic_messages.schema import (
    ABSENT,
    Reply,
    WireUsage,
    fitted,
    is_nothing,
)

REPLY = msgspec.json.Decoder(Reply)
USAGE = msgspec.json.Decoder(WireUsage)


def test_a_wrongly_typed_member_is_left_out_alone():
    reply = fitted(b'{"id":5,"model":"claude-x","stop_reason":["end_turn"]}', REPLY)
    assert reply == Reply(model="claude-x")


def test_a_count_that_is_another_number_is_made_whole():
    usage = fitted(b'{"input_tokens":3.0,"output_tokens":-1,"cache_read_input_tokens":"x"}', USAGE)
    assert usage == WireUsage(input_tokens=3)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b'"x"', b"\xff", b"[" * 5000])
def test_what_is_no_object_is_none(data):
    assert fitted(data, REPLY) is None


@pytest.mark.parametrize(
    ("raw", "answer"), [(b"", True), (b"null", True), (b"0", False), (b"{}", False)]
)
def test_absent_and_null_are_nothing(raw, answer):
    assert is_nothing(msgspec.Raw(raw)) is answer
    assert is_nothing(ABSENT)
