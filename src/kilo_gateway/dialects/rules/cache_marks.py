"""Cache breakpoints where a client set none (gateway.md 8.3): behind the system prompt and behind the last thing said.

Vendors whose caching must be asked for then read the common part of a conversation from their cache, at a tenth of its price. A
client that sets one breakpoint itself is left alone.
"""

import itertools
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json
from kilo_gateway.dialects.rules.rule import REMOVED, dicts_in

_MARK: Final = {"type": "ephemeral"}
_OWN_MARKS: Final = (b'"cache_control"', b'"prompt_cache_breakpoint"')
_ENVIRONMENT: Final = "<environment_details>"
# Claude, and those of Qwen that cache what they are told to.
EXPLICIT: Final = ("claude", "qwen3-coder", "qwen3.5", "qwen3-max", "qwen-plus")


class _Head(msgspec.Struct, gc=False):
    role: Any = None


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_HEADS = msgspec.json.Decoder(list[_Head])


def mark_chat(fields: Fields) -> Fields | None:
    """Chat Completions: the first system message, and the last message of user or tool."""
    raw = fields.get("messages")
    if raw is None or _is_marked(raw):
        return None
    messages = _RAWS.decode(
        raw
    )  # of a long history two messages change: the others stay as they are
    roles = [head.role for head in _HEADS.decode(raw)]
    system = next((at for at, role in enumerate(roles) if role == "system"), None)
    backwards = range(len(roles) - 1, -1, -1)
    last = next((at for at in backwards if roles[at] in ("user", "tool")), None)
    is_marked = False
    for at in (system, last):
        if at is not None:
            message: dict[str, Any] = msgspec.json.decode(messages[at])
            if _mark(message):
                messages[at], is_marked = raw_json(message), True
    return {"messages": raw_json(messages)} if is_marked else None


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
    return holds(raw, *_OWN_MARKS)


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
