"""A JSON object body as its top-level members, each still in the client's own bytes.

The path of a call parses no more than this: one pass over the bytes finds the members, what is not looked at is never
built. A member can be replaced and the body written again; every other value stays byte for byte. Writing anew also
settles what a body with a doubled key means: the gateway and the upstream read the same, last, one.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import NoReturn

import msgspec

from kilo_gateway.core.fault import Fault, Kind

Fields = dict[str, msgspec.Raw]

_FIELDS: msgspec.json.Decoder[Fields] = msgspec.json.Decoder(Fields)
_ANY = msgspec.json.Decoder(msgspec.Raw)
_TEXT = msgspec.json.Decoder(str)
_ENCODE = msgspec.json.Encoder().encode
# The members as one JSON object, values as they are. Every call passes here: no function around it.
write_fields: Callable[[Fields], bytes] = _ENCODE
_BOM = b"\xef\xbb\xbf"


def read_fields(body: bytes) -> Fields:
    """The top-level members of a JSON object.

    Raises Fault invalid_request, with line and column where JSON breaks, for anything that is not UTF-8, not JSON, not
    an object, or nested deeper than the interpreter's recursion limit (about 1,000 levels).
    """
    if body[:3] == _BOM:
        body = body[3:]
    if not body.isascii():
        _check_utf8(body)
    try:
        return _FIELDS.decode(body)
    except msgspec.ValidationError:
        raise _invalid('The request body must be a JSON object, such as {"model": ...}.') from None
    except msgspec.DecodeError as error:
        _refuse_malformed(body, str(error))
    except RecursionError:
        raise _invalid(
            "The request body is nested too deeply (about 1,000 levels are accepted)."
        ) from None


def is_json(data: bytes) -> bool:
    """Whether bytes are one whole JSON value."""
    try:
        _ANY.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def text_of(raw: msgspec.Raw) -> str | None:
    """The value if it is a JSON string, else None."""
    try:
        return _TEXT.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def raw_json(value: object) -> msgspec.Raw:
    """A value as a member."""
    return msgspec.Raw(_ENCODE(value))


def holds(raw: msgspec.Raw, *words: bytes) -> bool:
    """Whether one of these words stands in a value. It is looked for in place: a large value is not copied for it."""
    return any(_pattern(word).search(raw) is not None for word in words)


@cache
def _pattern(word: bytes) -> re.Pattern[bytes]:
    """Of the few words of the rules."""
    return re.compile(re.escape(word))


def starts_with(raw: msgspec.Raw, byte: bytes) -> bool:
    """Whether a value begins with that byte: b"[" for an array, b"{" for an object."""
    view = memoryview(raw)
    return len(view) > 0 and view[0] == byte[0]


def _invalid(message: str) -> Fault:
    return Fault(Kind.INVALID_REQUEST, message)


def _check_utf8(body: bytes) -> None:
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise _invalid(f"The request body is not valid UTF-8 (byte {error.start}).") from None


def _refuse_malformed(body: bytes, problem: str) -> NoReturn:
    if not body.strip():
        raise _invalid("The request body is empty: send a JSON object.")
    text, _, position = problem.removeprefix("JSON is malformed: ").rpartition(" (byte ")
    if not text:
        raise _invalid(
            f"Malformed JSON: {problem.lower()} (the body ends after {len(body)} bytes)."
        )
    offset = int(position.rstrip(")"))
    line = body.count(b"\n", 0, offset) + 1
    column = offset - body.rfind(b"\n", 0, offset)
    raise _invalid(f"Malformed JSON: {text} at line {line}, column {column} (byte {offset}).")
