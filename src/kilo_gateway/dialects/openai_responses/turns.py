"""Turns: the items of `input` as messages. What the model made in a row is one message, so are results in a row."""

import msgspec

from kilo_gateway.dialects.conversation import (
    Media,
    Message,
    Opaque,
    Part,
    Role,
    Text,
    ToolResult,
    Vendor,
)
from kilo_gateway.dialects.openai_responses.content import NAME
from kilo_gateway.dialects.openai_responses.items import (
    CALLS,
    HEAD,
    ITEM,
    contents,
    parts_of,
    with_marks,
)
from kilo_gateway.dialects.openai_responses.members import decode, refused
from kilo_gateway.dialects.openai_responses.schema import Item

_INPUT = msgspec.json.Decoder(str | list[msgspec.Raw] | None)
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output"})
_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
# Items that stand for what only their vendor has: without it, the answer would be another one.
_KEPT_BY_VENDOR = frozenset({"item_reference", "compaction", "compaction_summary"})


class Turns:
    """Reads items in their order. `needs` and `unknown` are names of what no other dialect can carry."""

    def __init__(self, maker: Vendor) -> None:
        self._maker = maker
        self._row = ""  # of what the open row of items is: "made", "results", "" = none
        self._parts: list[Part] = []
        self._messages: list[Message] = []
        self.needs: dict[str, None] = {}
        self.unknown: dict[str, None] = {}

    def read(self, raw: msgspec.Raw) -> None:
        """The whole `input`."""
        found = decode(raw, _INPUT, "input")
        if isinstance(found, str):
            self._messages.append(Message("user", (Text(found),)))
            return
        for number, item in enumerate(found or ()):
            self._take(item, f"input[{number}]")

    def done(self) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
        """What stands in front as system, and the messages."""
        self._close()
        system: list[Text] = []
        count = 0
        for message in self._messages:
            texts = [part for part in message.parts if isinstance(part, Text)]
            if message.role != "system" or len(texts) < len(message.parts):
                break
            system += texts
            count += 1
        return tuple(system), tuple(self._messages[count:])

    def _take(self, raw: msgspec.Raw, place: str) -> None:
        head = decode(raw, HEAD, place)
        kind = head.type or ("message" if head.role else "")
        if not kind:
            raise refused(f"{place}.type", "is missing: it tells what the item is")
        if kind == "message" and head.role in _ROLES:
            self._message(decode(raw, ITEM, place), _ROLES[head.role], place)
        elif kind in _RESULTS:
            self._join("results", _result(decode(raw, ITEM, place), kind, place))
        elif kind == "message" or _is_told_by_client(kind):
            self._join("results", Opaque(NAME, kind, raw))
        else:
            if kind in _KEPT_BY_VENDOR:
                self.needs[kind] = None
            self._join("made", *parts_of(raw, self._maker, decode, place))
            if kind in CALLS and decode(raw, ITEM, place).namespace:
                self.unknown["namespace"] = None

    def _message(self, item: Item, role: Role, place: str) -> None:
        parts = tuple(contents(item.content, decode, f"{place}.content"))
        if item.phase:
            self.unknown["phase"] = None
        if role == "assistant":
            self._join("made", *parts)
            return
        self._close()
        self._messages.append(Message(role, parts))

    def _join(self, row: str, *parts: Part) -> None:
        if row != self._row:
            self._close()
            self._row = row
        self._parts += parts

    def _close(self) -> None:
        if self._row and self._parts:
            role: Role = "assistant" if self._row == "made" else "user"
            self._messages.append(Message(role, with_marks(self._parts)))
        self._row = ""
        self._parts = []


def _is_told_by_client(kind: str) -> bool:
    return kind.endswith(("_output", "_response")) or kind == "additional_tools"


def _result(item: Item, kind: str, place: str) -> ToolResult:
    found = contents(item.output, decode, f"{place}.output")
    parts = tuple(
        part
        if isinstance(part, Text | Media)
        else Text(bytes(part.raw).decode() if isinstance(part, Opaque) else "")
        for part in found
    )
    if not item.call_id:
        raise refused(f"{place}.call_id", "is missing: it tells which call this is the output of")
    return ToolResult(item.call_id, parts, is_custom=kind == "custom_tool_call_output")
