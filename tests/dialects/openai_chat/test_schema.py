"""The wire structs: an absent member and null are told from a value, and unknown members are no trouble."""

import msgspec
import pytest

from kilo_gateway.dialects.openai_chat.schema import ABSENT, Envelope, GroqExtra, WireUsage


@pytest.mark.parametrize("struct", [Envelope, WireUsage, GroqExtra])
def test_an_empty_object_is_read_with_everything_absent(struct):
    read = msgspec.json.decode(b"{}", type=struct)
    for value in msgspec.structs.asdict(read).values():
        assert value is None or bytes(value) == bytes(ABSENT)


@pytest.mark.parametrize("value", [b"null", b'{"a": 1}', b'"text"', b"5"])
def test_a_member_that_is_kept_as_it_came_may_be_anything(value):
    envelope = msgspec.json.decode(b'{"usage":%b,"error":%b}' % (value, value), type=Envelope)
    assert (bytes(envelope.usage), bytes(envelope.error)) == (value, value)


def test_unknown_members_are_no_trouble():
    assert msgspec.json.decode(b'{"new":{"a":[1]},"id":"x"}', type=Envelope).id == "x"
