"""Tool turns: every call has one result, right behind the turn that made it (gateway.md 8.2).

Vendors refuse a conversation in which a call has no result, or a result no call; clients send such ones after an interruption.
Messages are looked at turn by turn, a turn being an answer and what follows it: a call that comes twice goes, a missing result is made
up (it says so), a result that belongs to no call of the turn, or comes twice, goes. What is in order stays byte for byte.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, holds, raw_json

MISSING: Final = "There is no result: this tool call was interrupted before it finished."


class _Call(msgspec.Struct, gc=False):
    id: str | None = None


class _ChatHead(msgspec.Struct, gc=False):
    role: str = ""
    tool_call_id: str | None = None
    tool_calls: list[_Call] | None = None


_RAWS = msgspec.json.Decoder(list[msgspec.Raw])
_CHAT = msgspec.json.Decoder(list[_ChatHead])
_CHAT_MARKS: Final = b'"tool_call'


def repair_chat(fields: Fields) -> Fields | None:
    """`messages` of Chat Completions, if they need it."""
    raw = fields.get("messages")
    if raw is None or not holds(raw, _CHAT_MARKS):
        return None
    try:
        heads, raws = _CHAT.decode(raw), _RAWS.decode(raw)
    except msgspec.MsgspecError:
        return None  # the vendor says what is wrong with it
    repaired = _ChatTurns(heads, raws).repaired()
    return None if repaired is None else {"messages": raw_json(repaired)}


class _ChatTurns:
    """The walk over a chat's messages. `changed` once anything had to be done."""

    def __init__(self, heads: Sequence[_ChatHead], raws: Sequence[msgspec.Raw]) -> None:
        self._heads = heads
        self._raws = raws
        self._out: list[msgspec.Raw] = []
        self._changed = False

    def repaired(self) -> list[msgspec.Raw] | None:
        """The messages as they should be; None if they are so already."""
        starts = [at for at, head in enumerate(self._heads) if head.role == "assistant"]
        for at in range(starts[0] if starts else len(self._heads)):
            self._keep_unless_result(at, set())
        for start, end in zip(starts, [*starts[1:], len(self._heads)], strict=False):
            self._turn(start, end)
        return self._out if self._changed else None

    def _turn(self, start: int, end: int) -> None:
        calls = self._heads[start].tool_calls or []
        ids = list(dict.fromkeys(call.id for call in calls if call.id))
        raw = self._raws[start]
        if len(ids) < sum(1 for call in calls if call.id):
            self._changed = True
            raw = _without_doubles(raw)
        self._out.append(raw)
        told = {self._heads[at].tool_call_id for at in range(start + 1, end)}
        for ident in ids:
            if ident not in told:
                self._changed = True
                self._out.append(
                    raw_json({"role": "tool", "tool_call_id": ident, "content": MISSING})
                )
        open_ids: set[str | None] = set(ids)
        for at in range(start + 1, end):
            self._keep_unless_result(at, open_ids)

    def _keep_unless_result(self, at: int, open_ids: set[str | None]) -> None:
        """A message stays, but a result only if its call is open; then it is no more."""
        head = self._heads[at]
        if head.role == "tool":
            if head.tool_call_id not in open_ids:
                self._changed = True
                return
            open_ids.discard(head.tool_call_id)
        self._out.append(self._raws[at])


def _without_doubles(raw: msgspec.Raw) -> msgspec.Raw:
    message: dict[str, Any] = msgspec.json.decode(raw)
    kept: dict[Any, Any] = {}
    for number, call in enumerate(message["tool_calls"]):
        kept.setdefault(call.get("id") or number, call)
    message["tool_calls"] = list(kept.values())
    return raw_json(message)


class _Block(msgspec.Struct, gc=False):
    type: str = ""
    id: str | None = None
    tool_use_id: str | None = None


class _MessageHead(msgspec.Struct, gc=False):
    role: str = ""
    content: list[_Block] | str | None = None


_MESSAGES = msgspec.json.Decoder(list[_MessageHead])


def repair_messages(fields: Fields) -> Fields | None:
    """`messages` of Anthropic Messages, if they need it."""
    raw = fields.get("messages")
    if raw is None or not holds(raw, b'"tool_'):
        return None
    try:
        heads = _MESSAGES.decode(raw)
        if _is_in_order(heads):
            return None
        messages: list[dict[str, Any]] = msgspec.json.decode(raw)
    except msgspec.MsgspecError:
        return None
    return {"messages": raw_json(_reordered(messages))}


def _blocks(head: _MessageHead) -> list[_Block]:
    return head.content if isinstance(head.content, list) else []


def _is_in_order(heads: Sequence[_MessageHead]) -> bool:
    """Whether each answer's calls are answered, once each, at the front of the message behind it, and nothing else is."""
    wanted: list[str] = []
    for head in heads:
        blocks = _blocks(head)
        if head.role == "assistant":
            if wanted:
                return False
            wanted = [block.id or "" for block in blocks if block.type == "tool_use"]
            if len(set(wanted)) < len(wanted):
                return False
            continue
        results = [block.tool_use_id or "" for block in blocks if block.type == "tool_result"]
        front = blocks[: len(results)]
        if sorted(results) != sorted(wanted) or any(one.type != "tool_result" for one in front):
            return False
        wanted = []
    return not wanted


def _reordered(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    group: list[dict[str, Any]] = []
    answer: dict[str, Any] | None = None
    for message in messages:
        if message.get("role") != "assistant":
            group.append(message)
            continue
        out += _turn(answer, group)
        answer, group = message, []
    return out + _turn(answer, group)


def _turn(answer: dict[str, Any] | None, group: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """An answer and the messages behind it, in order."""
    calls: dict[str, dict[str, Any]] = {}
    if answer is not None and isinstance(answer.get("content"), list):
        content: dict[Any, Any] = {}
        for number, block in enumerate(answer["content"]):
            is_call = isinstance(block, dict) and block.get("type") == "tool_use"
            key = ("call", str(block.get("id"))) if is_call else number
            content.setdefault(key, block)
            if is_call:
                calls.setdefault(str(block.get("id")), block)
        answer = answer | {"content": list(content.values())}
    found: dict[str, Any] = {}
    rest: list[dict[str, Any]] = []
    for message in group:
        rest += _without_results(message, calls, found)
    if not calls:
        return ([answer] if answer is not None else []) + rest
    results = [
        found.get(ident, {"type": "tool_result", "tool_use_id": ident, "content": MISSING})
        for ident in calls
    ]
    ordered = [found[ident] for ident in found] + [
        one for one in results if one not in found.values()
    ]
    if rest and rest[0].get("role") == "user":
        rest[0] = rest[0] | {"content": ordered + _as_blocks(rest[0].get("content"))}
    else:
        rest.insert(0, {"role": "user", "content": ordered})
    return ([answer] if answer is not None else []) + rest


def _without_results(
    message: dict[str, Any], calls: dict[str, Any], found: dict[str, Any]
) -> list[dict[str, Any]]:
    """The message without its results, which go to `found` if they belong to a call; nothing if nothing else is in it."""
    content = message.get("content")
    if not isinstance(content, list):
        return [message]
    kept = []
    for block in content:
        if not (isinstance(block, dict) and block.get("type") == "tool_result"):
            kept.append(block)
        elif str(block.get("tool_use_id")) in calls:
            found.setdefault(str(block.get("tool_use_id")), block)
    return [message | {"content": kept}] if kept else []


def _as_blocks(content: object) -> list[Any]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content if isinstance(content, list) else []
