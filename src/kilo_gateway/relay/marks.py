"""Marks: signatures that came with tool calls, kept for clients that do not send them back.

Gemini wants the signature of a thought again, with the call that followed it. Clients of other dialects have no place for it, or
drop it; a call's id is all that they send back. What is kept is bounded, in memory only, and one key's calls are no other's.
"""

from collections import OrderedDict

MAX_MARKS = 10_000
MAX_MARK_CHARACTERS = 64 * 1024
_MAX_CHARACTERS = 32 * 1024 * 1024


class Marks:
    """All signatures of one process, the oldest of which go when there are too many."""

    __slots__ = ("_characters", "_kept")

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def of(self, key_id: str) -> "MarksOfKey":
        """Those of one API key's calls."""
        return MarksOfKey(self, key_id)

    def keep(self, key_id: str, call_id: str, signature: str) -> None:
        """Remember one. Those that are too long to be real are not kept."""
        if not call_id or len(signature) > MAX_MARK_CHARACTERS:
            return
        key = (key_id, call_id)
        self._characters -= len(self._kept.pop(key, ""))
        self._kept[key] = signature
        self._characters += len(signature)
        while len(self._kept) > MAX_MARKS or self._characters > _MAX_CHARACTERS:
            _, gone = self._kept.popitem(last=False)
            self._characters -= len(gone)

    def find(self, key_id: str, call_id: str) -> str:
        """What was kept, "" if nothing was."""
        return self._kept.get((key_id, call_id), "")


class MarksOfKey:
    """The signatures of one API key's calls. Fulfils `dialects.translate.Marks`."""

    __slots__ = ("_key_id", "_marks")

    def __init__(self, marks: Marks, key_id: str) -> None:
        self._marks = marks
        self._key_id = key_id

    def keep(self, call_id: str, signature: str) -> None:
        """A reply held this one."""
        self._marks.keep(self._key_id, call_id, signature)

    def find(self, call_id: str) -> str:
        """What was kept for a call, "" if nothing was."""
        return self._marks.find(self._key_id, call_id)
