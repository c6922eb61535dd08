"""Lenient decoding: what does not fit is left out, the rest is read."""

import msgspec

from kilo_gateway.dialects.openai_responses.schema import Item, Reply, decode_leniently

REPLY = msgspec.json.Decoder(Reply)


def test_a_member_of_another_type_is_absent_and_the_others_stay():
    reply = decode_leniently(REPLY, b'{"id":7,"model":"m","output":{},"created_at":1.5,"new":[]}')
    assert reply == Reply(model="m", created_at=1.5)


def test_what_is_no_object_is_none():
    for data in (b"[]", b"1", b"x", b"", b"\xff", b"[" * 5_000):
        assert decode_leniently(REPLY, data) is None


def test_arguments_that_are_an_object_are_absent():
    item = decode_leniently(msgspec.json.Decoder(Item), b'{"type":"x","arguments":{"a":1}}')
    assert item == Item(type="x")
