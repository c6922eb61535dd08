"""Members of a request, read with their types: what is of another type is a fault that names the place."""

from typing import Any, TypeVar

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.openai_responses.schema import NOTHING

Value = TypeVar("Value")
_TEXT = msgspec.json.Decoder(str | None)
_WHOLE = msgspec.json.Decoder(int | None)
_NUMBER = msgspec.json.Decoder(float | None)
_TRUTH = msgspec.json.Decoder(bool | None)
_WORDS = {"`": "", " | null": ""}


class Members:
    """The top-level members of a body. Null is as good as absent."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def has(self, name: str) -> bool:
        """Whether the member is there and is not null."""
        raw = self._fields.get(name)
        return raw is not None and bytes(memoryview(raw)[:5]) not in NOTHING

    def raw(self, name: str) -> msgspec.Raw:
        """The member's own bytes, none if it is absent."""
        return self._fields.get(name, msgspec.Raw())

    def text(self, name: str) -> str:
        """A string, "" if absent."""
        return self.read(name, _TEXT) or ""

    def whole(self, name: str) -> int | None:
        """A whole number."""
        return self.read(name, _WHOLE)

    def number(self, name: str) -> float | None:
        """A number."""
        return self.read(name, _NUMBER)

    def truth(self, name: str) -> bool | None:
        """True or false."""
        return self.read(name, _TRUTH)

    def read(self, name: str, decoder: msgspec.json.Decoder[Value]) -> Value | None:
        """A member of the decoder's type."""
        raw = self._fields.get(name)
        return None if raw is None else decode(raw, decoder, name)


def decode(raw: msgspec.Raw, decoder: msgspec.json.Decoder[Value], place: str) -> Value:
    """A value of the decoder's type. Raises Fault invalid_request that names the place and what is expected there."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        problem, _, inner = str(error).partition(" - at `$")
        for word, better in _WORDS.items():
            problem = problem.replace(word, better)
        raise refused(
            place + inner.rstrip("`"), f"is not as it should be: {problem.lower()}"
        ) from None


def refused(place: str, problem: str) -> Fault:
    """The fault for a member that cannot be read."""
    return Fault(Kind.INVALID_REQUEST, f"The field {place} {problem}.", param=place)


def given(values: dict[str, Any]) -> dict[str, Any]:
    """Only what has a value: None, "" and empty tuples are left out."""
    return {name: value for name, value in values.items() if value not in (None, "", ())}
