"""Thoughts that a client sends back (gateway.md 8.1): `reasoning_details` mean something to routers, and to the vendor that signed.

Any other server is told their text as `reasoning_content` if it wants that, else nothing: some refuse members that they do not know.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json
from kilo_gateway.dialects.rules.rule import Facts, dicts_in

WORD: Final = b'"reasoning_details"'
_DETAILS: Final = "reasoning_details"
_MARKS: Final = ("signature", "data")
# Servers that take thoughts back in the member in which they tell them.
_TAKERS: Final = frozenset({"reasoning_content_back", "thinking_object"})


def fold(fields: Fields, facts: Facts) -> Fields | None:
    """Chat Completions: details out of the messages, their text to where the server reads it."""
    raw = fields.get("messages")
    if raw is None or not holds(raw, WORD):
        return None
    messages: Any = msgspec.json.decode(raw)
    takes_text = not facts.quirks.isdisjoint(_TAKERS)
    changed = [_fold(one, takes_text=takes_text) for one in dicts_in(messages) if _DETAILS in one]
    return {"messages": raw_json(messages)} if any(changed) else None


def _fold(message: dict[str, Any], *, takes_text: bool) -> bool:
    """Whether the message was changed: one with a vendor's marks is that vendor's, unless the server has no place for marks."""
    details = dicts_in(message[_DETAILS])
    if not takes_text and _is_marked(details):
        return False
    del message[_DETAILS]
    text = "".join(str(one.get("text") or one.get("summary") or "") for one in details)
    if takes_text and text and not message.get("reasoning_content"):
        message["reasoning_content"] = text
    return True


def _is_marked(details: Iterable[dict[str, Any]]) -> bool:
    return any(one.get(mark) for one in details for mark in _MARKS)
