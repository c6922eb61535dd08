"""Members of a request that no upstream knows, and those that it needs (gateway.md 8.1)."""

from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json
from kilo_gateway.dialects.rules.rule import REMOVED

STRANGE: Final = ("description", "usage", "reasoningEffort")


def drop_strange(fields: Fields) -> Fields | None:
    """Chat Completions: what some clients add for themselves."""
    return {name: REMOVED for name in STRANGE if name in fields} or None


def complete_items(fields: Fields) -> Fields | None:
    """Responses: an assistant's message among the input says that it is one, and complete."""
    raw = fields.get("input")
    if raw is None or not holds(raw, b'"assistant"'):
        return None
    items: Any = msgspec.json.decode(raw)
    changed = False
    for item in items if isinstance(items, list) else ():
        if not isinstance(item, dict) or item.get("role") != "assistant":
            continue
        for name, value in (("type", "message"), ("status", "completed")):
            if name not in item:
                item[name] = value
                changed = True
    return {"input": raw_json(items)} if changed else None


def summarise_thinking(fields: Fields, dialect: str) -> Fields | None:
    """Thoughts that are asked for are shown as a summary, unless the client says otherwise."""
    name = "thinking" if dialect == "anthropic_messages" else "reasoning"
    raw = fields.get(name)
    if raw is None:
        return None
    value: Any = msgspec.json.decode(raw)
    if not isinstance(value, dict):
        return None
    if name == "thinking":
        if str(value.get("type")) not in {"enabled", "adaptive"} or "display" in value:
            return None
        return {name: raw_json(value | {"display": "summarized"})}
    if "summary" in value or "generate_summary" in value or not value:
        return None
    return {name: raw_json(value | {"summary": "auto"})}
