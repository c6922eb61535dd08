"""Cache breakpoints where a client set none (gateway.md 8.3): behind the system prompt and behind the last thing said.

Vendors whose caching must be asked for then read the common part of a conversation from their cache, at a tenth of its price. A
client that sets one breakpoint itself is left alone.
"""

import itertools
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json
from kilo_gateway.dialects.rules.rule import REMOVED, dicts_in

_MARK: Final = {"type": "ephemeral"}
_OWN_MARKS: Final = (b'"cache_control"', b'"prompt_cache_breakpoint"')
_ENVIRONMENT: Final = "<environment_details>"
# Claude, and those of Qwen that cache what they are told to.
EXPLICIT: Final = ("claude", "qwen3-coder", "qwen3.5", "qwen3-max", "qwen-plus")


def mark_chat(fields: Fields) -> Fields | None:
    """Chat Completions: the first system message, and the last message of user or tool."""
    raw = fields.get("messages")
    if raw is None or _is_marked(raw):
        return None
    messages: Any = msgspec.json.decode(raw)
    if not isinstance(messages, list):
        return None
    system = next((one for one in messages if _role(one) == "system"), None)
    last = next((one for one in reversed(messages) if _role(one) in {"user", "tool"}), None)
    marked = [_mark(one) for one in (system, last) if one is not None]
    return {"messages": raw_json(messages)} if any(marked) else None


def mark_messages(fields: Fields) -> Fields | None:
    """Anthropic Messages: a top-level `cache_control` goes to where it works; without one nothing is added."""
    top = fields.get("cache_control")
    if top is None:
        return None
    changes: Fields = {"cache_control": REMOVED}
    if any(_is_marked(fields[name]) for name in ("messages", "system") if name in fields):
        return changes
    mark: Any = msgspec.json.decode(top)
    system: Any = msgspec.json.decode(fields["system"]) if "system" in fields else None
    if isinstance(system, str) and system:
        system = [{"type": "text", "text": system}]
    if isinstance(system, list) and system and isinstance(system[-1], dict):
        system[-1]["cache_control"] = mark
        changes["system"] = raw_json(system)
    messages: Any = msgspec.json.decode(fields.get("messages", msgspec.Raw(b"[]")))
    for message in reversed(messages if isinstance(messages, list) else []):
        if isinstance(message, dict) and _mark(message, mark):
            changes["messages"] = raw_json(messages)
            break
    return changes


def _is_marked(raw: msgspec.Raw) -> bool:
    data = bytes(raw)
    return any(mark in data for mark in _OWN_MARKS)


def _role(message: object) -> str:
    return str(message.get("role")) if isinstance(message, dict) else ""


def _mark(message: dict[str, Any], mark: dict[str, Any] = _MARK) -> bool:
    """Put a breakpoint behind the last part that can be cached; whether there was one."""
    content = message.get("content")
    if isinstance(content, str):
        if not content:
            return False
        message["content"] = [{"type": "text", "text": content, "cache_control": mark}]
        return True
    thoughts = {"thinking", "redacted_thinking"}
    parts = [part for part in dicts_in(content) if str(part.get("type")) not in thoughts]
    if not parts:
        return False
    chosen = parts[-1]
    for before, part in itertools.pairwise(parts):
        # What the editor says of its state changes with every turn: the breakpoint stands in front of it.
        if message.get("role") == "user" and str(part.get("text", "")).startswith(_ENVIRONMENT):
            chosen = before
            break
    chosen["cache_control"] = mark
    return True
