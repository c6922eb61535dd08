"""Tool-call ids in the vendor's alphabet: the call and its result get the same new id, always the same one for an old one."""

import hashlib
import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json
from kilo_gateway.dialects.rules.rule import dicts_in

_MISTRAL: Final = re.compile(r"[0-9A-Za-z]{9}").fullmatch
_SHORT: Final = 9
MISTRAL: Final = ("mistral", "codestral", "devstral", "magistral", "ministral")


def _digest(ident: str) -> str:
    return hashlib.sha256(ident.encode(errors="replace")).hexdigest()


def claude_ids(fields: Fields) -> Fields | None:
    """Claude takes no dot in an id."""
    return _renamed(fields, lambda ident: _digest(ident) if "." in ident else ident)


def mistral_ids(fields: Fields) -> Fields | None:
    """Mistral wants exactly nine letters or digits."""
    return _renamed(fields, lambda one: one if _MISTRAL(one) else _digest(one)[:_SHORT])


def no_strict(fields: Fields) -> Fields | None:
    """Mistral's own API refuses `strict` in a function."""
    raw = fields.get("tools")
    if raw is None or not holds(raw, b'"strict"'):
        return None
    tools: Any = msgspec.json.decode(raw)
    changed = False
    for tool in tools if isinstance(tools, list) else ():
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and "strict" in function:
            del function["strict"]
            changed = True
    return {"tools": raw_json(tools)} if changed else None


def _renamed(fields: Fields, rename: Callable[[str], str]) -> Fields | None:
    """`messages` of Chat Completions with every tool-call id renamed."""
    raw = fields.get("messages")
    if raw is None or not holds(raw, b'"tool_call'):
        return None
    messages: Any = msgspec.json.decode(raw)
    changed = False
    for message in messages if isinstance(messages, list) else ():
        if not isinstance(message, dict):
            continue
        calls = message.get("tool_calls")
        places = [(call, "id") for call in dicts_in(calls)]
        places.append((message, "tool_call_id"))
        for holder, key in places:
            ident = holder.get(key)
            if isinstance(ident, str) and ident and rename(ident) != ident:
                holder[key] = rename(ident)
                changed = True
    return {"messages": raw_json(messages)} if changed else None
