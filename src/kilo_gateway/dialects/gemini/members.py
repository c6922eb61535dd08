"""Members: objects of a request, each value still bytes, by their camelCase names.

The API takes every member in camelCase and in snake_case, one object where an array of them is meant, and null for what is
not set. All of that ends here: what is read behind this file has one spelling and no nulls.
"""

from functools import lru_cache
from typing import Any, TypeVar

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import Fields, starts_with

_Value = TypeVar("_Value")

_FIELDS = msgspec.json.Decoder(Fields)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_FLAG = msgspec.json.Decoder(bool)
_NUMBER = msgspec.json.Decoder(float)
_TEXTS = msgspec.json.Decoder(list[str])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_EXACT = 2**63


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """`system_instruction` -> `systemInstruction`; a name that is in camelCase stays."""
    if "_" not in name or name.startswith("_"):
        return name
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def is_null(raw: msgspec.Raw) -> bool:
    """Whether a value is null. Large ones are not copied to see it."""
    view = memoryview(raw)
    return view.nbytes <= 4 and bytes(view) in {b"null", b""}


def members(raw: msgspec.Raw, param: str) -> Fields:
    """The members of an object. Raises Fault invalid_request if it is none."""
    try:
        fields = _FIELDS.decode(raw)
    except _UNREADABLE:
        raise invalid(param, "must be an object") from None
    return named(fields)


def named(fields: Fields) -> Fields:
    """Members by their camelCase names, without those that are null."""
    return {camel(name): value for name, value in fields.items() if not is_null(value)}


def items(raw: msgspec.Raw, param: str) -> list[msgspec.Raw]:
    """The values of an array; an object that stands where an array is meant is its only one."""
    if starts_with(raw, b"{"):
        return [raw]
    try:
        return _ITEMS.decode(raw)
    except _UNREADABLE:
        raise invalid(param, "must be an array") from None


def text(raw: msgspec.Raw, param: str) -> str:
    """A string."""
    return _decoded(_TEXT, raw, param, "must be a string")


def optional_text(fields: Fields, name: str, param: str) -> str:
    """A string member, "" if it is not set."""
    return text(fields[name], f"{param}.{name}") if name in fields else ""


def optional_flag(fields: Fields, name: str, param: str) -> bool | None:
    """A member that is true or false."""
    if name not in fields:
        return None
    return _decoded(_FLAG, fields[name], f"{param}.{name}", "must be true or false")


def optional_number(fields: Fields, name: str, param: str) -> float | None:
    """A number."""
    if name not in fields:
        return None
    return _decoded(_NUMBER, fields[name], f"{param}.{name}", "must be a number")


def optional_whole(fields: Fields, name: str, param: str) -> int | None:
    """A whole number, which may be written as 40.0."""
    number = optional_number(fields, name, param)
    if number is None:
        return None
    if not number.is_integer() or abs(number) > _MOST_EXACT:
        raise invalid(f"{param}.{name}", "must be a whole number")
    return int(number)


def optional_texts(fields: Fields, name: str, param: str) -> tuple[str, ...]:
    """An array of strings."""
    if name not in fields:
        return ()
    found = _decoded(_TEXTS, fields[name], f"{param}.{name}", "must be an array of strings")
    return tuple(found)


def invalid(param: str, problem: str) -> Fault:
    """The Fault that names a field and what is wrong with it."""
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)


def _decoded(
    decoder: "msgspec.json.Decoder[_Value]", raw: msgspec.Raw, param: str, problem: str
) -> _Value:
    try:
        return decoder.decode(raw)
    except _UNREADABLE:
        raise invalid(param, problem) from None


def compact(raw: msgspec.Raw | bytes) -> str:
    """JSON text without the space between its tokens; numbers and the order of members stay as they are written."""
    try:
        return msgspec.json.format(bytes(raw), indent=-1).decode(errors="replace")
    except _UNREADABLE:
        return bytes(raw).decode(errors="replace")


def plain(raw: msgspec.Raw) -> Any:
    """A small JSON value as Python's own; None if it is nested too deeply."""
    try:
        return msgspec.json.decode(raw)
    except _UNREADABLE:
        return None
