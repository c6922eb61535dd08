"""Replies are read whatever they hold: members of another type are left out, the rest stays."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.bedrock.schema import Reply, WireUsage, fitted, is_nothing

USAGE = msgspec.json.Decoder(WireUsage)
REPLY = msgspec.json.Decoder(Reply)


def test_members_of_another_type_are_left_out():
    told = fitted(b'{"inputTokens":"many","outputTokens":3.0,"cacheReadInputTokens":-1}', USAGE)
    assert (told.input_tokens, told.output_tokens, told.cache_read_input_tokens) == (None, 3, None)
    assert fitted(b'{"stopReason":7,"message":"no"}', REPLY).message == "no"


def test_what_is_no_object_is_nothing():
    assert fitted(b"[]", USAGE) is None
    assert fitted(b"{", USAGE) is None
    assert is_nothing(msgspec.Raw(b"null"))
    assert is_nothing(msgspec.Raw())
    assert not is_nothing(msgspec.Raw(b"{}"))


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_nothing(noise):
    fitted(noise, USAGE)
    fitted(b'{"usage":' + noise + b"}", REPLY)
