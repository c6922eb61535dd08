"""Growing: the arguments of a call that are streamed in pieces, each with the path of the place where it belongs.

A path is JSONPath of the plainest kind: `$.city`, `$.items[0].name`. Texts that come for the same place follow each other.
What a few bytes can ask for is bounded: a path that is too deep, or a place far behind the end of its list, is left out.
"""

import itertools
import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.gemini.schema import PartialArg

_STEP: Final = re.compile(r"\.([^.\[\]]+)|\[(\d{1,5})\]|\['([^']*)'\]")
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MOST_STEPS: Final = 64
_MOST_SKIPPED: Final = 8  # places of a list of which nothing has come yet


class Growing:
    """The arguments of the call of that `index`, so far."""

    def __init__(self, index: int, args: msgspec.Raw) -> None:
        self.index = index
        try:
            first = msgspec.json.decode(args) if bytes(args) else {}
        except _UNREADABLE:
            first = {}
        self._value: dict[str, Any] = first if isinstance(first, dict) else {}

    def add(self, pieces: Iterable[PartialArg]) -> None:
        """Put pieces in their places; one whose path is none is left out."""
        for piece in pieces:
            steps = [
                int(found[2]) if found[2] else found[1] or found[3]
                for found in _STEP.finditer(piece.json_path)
            ]
            if 0 < len(steps) <= _MOST_STEPS and isinstance(steps[0], str):
                self._put(steps, _value_of(piece), is_text=piece.string_value is not None)

    def text(self) -> str:
        """All of it as JSON."""
        try:
            return msgspec.json.encode(self._value).decode()
        except RecursionError:  # what the call began with is nested too deeply
            return "{}"

    def _put(self, steps: list[Any], value: Any, *, is_text: bool) -> None:
        place: Any = self._value
        for step, following in itertools.pairwise(steps):
            place = _inside(place, step, [] if isinstance(following, int) else {})
        if not isinstance(place, dict | list):
            return
        before = _inside(place, steps[-1], None)
        whole = before + value if is_text and isinstance(before, str) else value
        last = steps[-1]
        is_list = isinstance(place, list)
        if is_list == isinstance(last, int) and (not is_list or last < len(place)):
            place[last] = whole


def _inside(place: Any, step: Any, new: Any) -> Any:
    """What is at a step, made if nothing is."""
    if isinstance(place, dict) and isinstance(step, str):
        return place.setdefault(step, new)
    if isinstance(place, list) and isinstance(step, int):
        if step > len(place) + _MOST_SKIPPED:
            return None
        while len(place) <= step:
            place.append(None)
        if place[step] is None:
            place[step] = new
        return place[step]
    return None


def _value_of(piece: PartialArg) -> Any:
    if piece.string_value is not None:
        return piece.string_value
    if piece.bool_value is not None:
        return piece.bool_value
    try:
        return msgspec.json.decode(piece.number_value) if bytes(piece.number_value) else None
    except _UNREADABLE:
        return None
