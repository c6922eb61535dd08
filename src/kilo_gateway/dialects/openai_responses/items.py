"""Items that the model makes, as parts of the hub: read alike from a reply and from the history in a request.

A reasoning item becomes its pieces of thinking; what is sealed in it is the signature of the last one, or a sealed thought
if there is no text. So one block of another dialect carries both, and `writing` and `making` put them together again.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

import msgspec

from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from kilo_gateway.dialects.openai_responses import marks
from kilo_gateway.dialects.openai_responses.content import NAME, part_of
from kilo_gateway.dialects.openai_responses.schema import ContentPart, Head, Item, decode_leniently

Wire = TypeVar("Wire")
HEAD = msgspec.json.Decoder(Head)
ITEM = msgspec.json.Decoder(Item)
PART = msgspec.json.Decoder(ContentPart)
CALLS = frozenset({"function_call", "custom_tool_call"})
READ = CALLS | {"message", "reasoning", "image_generation_call"}
_PENDING = "#"  # the id of a mark on a call or a text that is not yet at its place


class Decode(Protocol):
    """Decodes a value that stands in a place: strictly in requests, leniently in replies."""

    def __call__(
        self, raw: msgspec.Raw, decoder: msgspec.json.Decoder[Wire], place: str, /
    ) -> Wire:
        """The struct."""
        ...


def lenient(raw: msgspec.Raw, decoder: msgspec.json.Decoder[Wire], _place: str) -> Wire:
    """What can be read of a reply's value."""
    found = decode_leniently(decoder, raw)
    return decoder.decode(b"{}") if found is None else found


def parts_of(raw: msgspec.Raw, maker: Vendor, decode: Decode, place: str = "output") -> list[Part]:
    """The parts of one item. `maker` is the vendor of the model."""
    kind = decode(raw, HEAD, place).type or "message"
    if kind not in READ:
        return [Opaque(NAME, kind, msgspec.Raw(bytes(raw)))]
    item = decode(raw, ITEM, place)
    match kind:
        case "message":
            return list(contents(item.content, decode, f"{place}.content"))
        case "reasoning":
            return thoughts(item, maker, decode, place)
        case "image_generation_call" if item.result:
            form = item.output_format or "png"
            return [Media("image", f"image/{form}", item.result)]
        case "image_generation_call":
            return [Opaque(NAME, kind, msgspec.Raw(bytes(raw)))]
        case _:
            return [call_of(item)]


def call_of(item: Item) -> ToolCall:
    """A call of a client's tool."""
    is_custom = item.type == "custom_tool_call"
    return ToolCall(
        item.call_id or item.id or "",
        item.name or "",
        (item.input if is_custom else item.arguments) or "",
        is_custom,
        item_id=item.id or "",
    )


def contents(content: str | list[msgspec.Raw] | None, decode: Decode, place: str) -> Iterable[Part]:
    """The parts of a message."""
    if isinstance(content, str):
        yield Text(content)
        return
    for number, raw in enumerate(content or ()):
        yield part_of(decode(raw, PART, f"{place}[{number}]"), raw)


def thoughts(item: Item, maker: Vendor, decode: Decode, place: str) -> list[Part]:
    """A reasoning item: summaries, then raw thoughts, then what is sealed."""
    pieces = [(raw, True) for raw in item.summary or ()]
    if not isinstance(item.content, str):
        pieces += [(raw, False) for raw in item.content or ()]
    ident = item.id or ""
    found: list[Part] = [
        Thinking(decode(raw, PART, place).text or "", is_summary=is_summary, id=ident)
        for raw, is_summary in pieces
    ]
    if isinstance(item.content, str) and item.content:
        found.append(Thinking(item.content, id=ident))
    if item.encrypted_content:
        mark = marks.read(item.encrypted_content, maker)
        last = found[-1] if found else None
        if mark.of != "thoughts":
            found.append(SealedThinking(mark.data, mark.vendor, _PENDING + mark.of))
        elif isinstance(last, Thinking):
            found[-1] = msgspec.structs.replace(last, signature=mark.data, vendor=mark.vendor)
        else:
            found.append(SealedThinking(mark.data, mark.vendor, ident))
    return found


def with_marks(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Marks on calls and texts put where they belong: on the next call, on the last text."""
    placed: list[Part] = []
    pending: SealedThinking | None = None
    for part in parts:
        if isinstance(part, SealedThinking) and part.id.startswith(_PENDING):
            last = placed[-1] if placed else None
            if part.id == f"{_PENDING}call":
                pending = part
            elif isinstance(last, Text):
                placed[-1] = msgspec.structs.replace(last, signature=part.data, vendor=part.vendor)
        elif isinstance(part, ToolCall) and pending is not None:
            placed.append(
                msgspec.structs.replace(part, signature=pending.data, vendor=pending.vendor)
            )
            pending = None
        else:
            placed.append(part)
    return tuple(placed)
