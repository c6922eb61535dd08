"""Vectors on the wire: an array of numbers, or base64 of little-endian 32-bit floats, and the one as the other."""

import binascii
import struct

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import raw_json, starts_with
from kilo_gateway.dialects.embeddings.ask import Encoding

_NUMBERS = msgspec.json.Decoder(list[float])
_TEXT = msgspec.json.Decoder(str)
_FLOAT_BYTES = 4


def is_packed(vector: msgspec.Raw) -> bool:
    """Whether it is base64 text."""
    return starts_with(vector, b'"')


def encoded(vector: msgspec.Raw, encoding: Encoding) -> msgspec.Raw:
    """A vector in an encoding; untouched if it is in it already. Raises Fault upstream_garbage."""
    if is_packed(vector) == (encoding == "base64"):
        return vector
    return packed(vector) if encoding == "base64" else numbers(vector)


def packed(vector: msgspec.Raw) -> msgspec.Raw:
    """An array of numbers as base64 text; each number becomes the nearest 32-bit float."""
    try:
        values = _NUMBERS.decode(vector)
        data = struct.pack(f"<{len(values)}f", *values)
    except (msgspec.DecodeError, OverflowError):
        raise _garbage("an embedding is no array of 32-bit floats") from None
    return raw_json(binascii.b2a_base64(data, newline=False).decode())


def numbers(vector: msgspec.Raw) -> msgspec.Raw:
    """Base64 text as an array of numbers, each the exact value of its 32-bit float."""
    data = unpacked(vector)
    if len(data) % _FLOAT_BYTES:
        raise _garbage("an embedding's base64 is not of 32-bit floats")
    return _array(struct.unpack(f"<{len(data) // _FLOAT_BYTES}f", data))


def bytes_as_numbers(vector: msgspec.Raw) -> msgspec.Raw:
    """Base64 text of signed bytes as an array of numbers."""
    data = unpacked(vector)
    return _array(struct.unpack(f"<{len(data)}b", data))


def unpacked(vector: msgspec.Raw) -> bytes:
    """The bytes of base64 text."""
    try:
        return binascii.a2b_base64(_TEXT.decode(vector), strict_mode=True)
    except (msgspec.DecodeError, ValueError):
        raise _garbage("an embedding is no base64") from None


def _array(values: tuple[float, ...]) -> msgspec.Raw:
    told = raw_json(values)
    if b"null" in bytes(told):
        raise _garbage("an embedding holds what is no number")
    return told


def _garbage(detail: str) -> Fault:
    return Fault(Kind.UPSTREAM_GARBAGE, "The upstream's embeddings cannot be read.", detail=detail)
