"""Numbers and base64 of 32-bit floats: the one is the other."""

import base64
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.embeddings.vectors import (
    bytes_as_numbers,
    encoded,
    is_packed,
    numbers,
    packed,
)

FLOATS = st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), max_size=40)


def base64_of(values, kind="f"):
    return raw_json(base64.b64encode(struct.pack(f"<{len(values)}{kind}", *values)).decode())


@given(FLOATS)
def test_numbers_of_base64_are_the_same_floats(values):
    told = msgspec.json.decode(numbers(base64_of(values)))
    assert struct.pack(f"<{len(told)}f", *told) == struct.pack(f"<{len(values)}f", *values)


@given(FLOATS)
def test_base64_of_numbers_is_little_endian(values):
    assert packed(raw_json(values)) == base64_of(values)


@given(FLOATS)
def test_there_and_back_nothing_changes(values):
    assert packed(numbers(base64_of(values))) == base64_of(values)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e30, max_value=1e30)))
def test_any_number_becomes_the_nearest_float(values):
    told = msgspec.json.decode(numbers(packed(raw_json(values))))
    assert told == list(struct.unpack(f"<{len(values)}f", struct.pack(f"<{len(values)}f", *values)))


@given(st.lists(st.integers(-128, 127)))
def test_signed_bytes_are_numbers(values):
    assert msgspec.json.decode(bytes_as_numbers(base64_of(values, "b"))) == values


def test_what_is_in_the_encoding_already_is_not_touched():
    text, array = msgspec.Raw(b'"AACAPw=="'), msgspec.Raw(b"[1.00]")
    assert encoded(text, "base64") is text
    assert encoded(array, "float") is array
    assert bytes(encoded(array, "base64")) == bytes(text)
    assert bytes(encoded(text, "float")) == b"[1.0]"
    assert is_packed(text)
    assert not is_packed(array)


@pytest.mark.parametrize(
    ("vector", "encoding"),
    [
        (b'"AACAPw="', "float"),
        (b'"not base64"', "float"),
        (b'"AAAA"', "float"),
        (b'"AADAfw=="', "float"),  # no number
        (b"[1,null]", "base64"),
        (b"[1e300]", "base64"),
        (b'["a"]', "base64"),
        (b"{}", "base64"),
    ],
)
def test_what_cannot_be_read_is_the_upstreams_fault(vector, encoding):
    with pytest.raises(Fault) as caught:
        encoded(msgspec.Raw(vector), encoding)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE
