"""Tool results that a vendor cannot take: NUL bytes (of a file that was no text), and `$ref` keys, which Gemini follows.

Only results of the tool `read` are cleaned of NUL: there it means that a binary file was read, which the sentence says.
"""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json
from kilo_gateway.dialects.rules.rule import dicts_in

BINARY: Final = "The file holds bytes that are no text (NUL), so it cannot be shown here."
_NUL: Final = "\0"
_ESCAPED_NUL: Final = b"\\u0000"
_READ: Final = "read"


def clean_nul(fields: Fields, dialect: str) -> Fields | None:
    """Results of `read` that hold NUL, replaced by a sentence."""
    member = "input" if dialect == "openai_responses" else "messages"
    raw = fields.get(member)
    if raw is None or not holds(raw, _ESCAPED_NUL):
        return None
    items = _decoded(raw)
    if not isinstance(items, list):
        return None
    names = dict(_names(items))
    changed = False
    for holder, key, call_id in _results(items):
        if names.get(call_id) == _READ and _clean(holder, key):
            changed = True
    return {member: raw_json(items)} if changed else None


def _clean(holder: dict[str, Any], key: str) -> bool:
    """Replace the text at a place, or each text part there; whether one had to be."""
    value = holder.get(key)
    if isinstance(value, str):
        if _NUL in value:
            holder[key] = BINARY
            return True
        return False
    dirty = [
        part
        for part in dicts_in(value)
        if isinstance(part.get("text"), str) and _NUL in part["text"]
    ]
    for part in dirty:
        part["text"] = BINARY
    return bool(dirty)


def _names(items: list[Any]) -> Iterator[tuple[str, str]]:
    """(id of a call, name of its tool), in any of the three shapes."""
    for item in items:
        if not isinstance(item, dict):
            continue
        for call in dicts_in(item.get("tool_calls")):
            if isinstance(call.get("function"), dict):
                yield str(call.get("id")), str(call["function"].get("name"))
        if item.get("type") == "function_call":
            yield str(item.get("call_id")), str(item.get("name"))
        for block in _blocks(item):
            if block.get("type") == "tool_use":
                yield str(block.get("id")), str(block.get("name"))


def _results(items: list[Any]) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(what holds a result, its key there, id of its call)."""
    for item in items:
        if not isinstance(item, dict):
            continue
        if item.get("role") == "tool":
            yield item, "content", str(item.get("tool_call_id"))
        if item.get("type") == "function_call_output":
            yield item, "output", str(item.get("call_id"))
        for block in _blocks(item):
            if block.get("type") == "tool_result":
                yield block, "content", str(block.get("tool_use_id"))


def _blocks(item: dict[str, Any]) -> list[dict[str, Any]]:
    return dicts_in(item.get("content"))


def rename_refs(fields: Fields) -> Fields | None:
    """`$ref` keys in JSON results of Chat Completions become `_ref` for Gemini's models."""
    raw = fields.get("messages")
    if raw is None or not holds(raw, b"$ref"):
        return None
    items = _decoded(raw)
    if not isinstance(items, list):
        return None
    changed = False
    for holder, key, _ in _results(items):
        text = holder.get(key)
        if isinstance(text, str) and "$ref" in text:
            value = _decoded(text.encode())
            if isinstance(value, dict | list):
                holder[key] = msgspec.json.encode(_renamed(value)).decode()
                changed = True
    return {"messages": raw_json(items)} if changed else None


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {("_ref" if key == "$ref" else key): _renamed(one) for key, one in value.items()}
    return [_renamed(one) for one in value] if isinstance(value, list) else value


def _decoded(raw: bytes | msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
