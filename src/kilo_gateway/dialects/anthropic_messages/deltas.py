"""Streams taken apart: events as deltas. Their `Writer` is in stream_writer.py."""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    OpaqueMade,
    RefusalDelta,
    Started,
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
)
from kilo_gateway.dialects.anthropic_messages.answers import (
    explained,
    stop_of,
    vendor_of,
)
from kilo_gateway.dialects.anthropic_messages.blocks import BLOCK, citation_of, citations_of
from kilo_gateway.dialects.anthropic_messages.events import DELTA, EVENT
from kilo_gateway.dialects.anthropic_messages.replies import (
    REPLY,
    error_of,
    usage_of,
    wire_usage,
)
from kilo_gateway.dialects.anthropic_messages.schema import (
    NAME,
    UNREADABLE,
    Block,
    BlockDelta,
    Raw,
    Reply,
    StreamEvent,
    WireUsage,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.body import Fields, is_json, raw_json, write_fields
from kilo_gateway.dialects.conversation import Opaque, Vendor
from kilo_gateway.dialects.seal import unwrap
from kilo_gateway.dialects.sse import Event
from kilo_gateway.dialects.sse import Reader as EventReader

_FIELDS = msgspec.json.Decoder(Fields)
_MOST_HEAD_BYTES = 65_536


class _Open:
    """A block that has begun: what it is, and what came of it so far."""

    __slots__ = ("block", "call", "has_begun", "input", "mark", "members", "raw")

    def __init__(self, raw: Raw) -> None:
        self.raw = raw
        self.block = fitted(raw, BLOCK) or Block("unknown")
        self.call = -1
        self.has_begun = False
        self.input: list[str] = []
        self.mark = self.block.signature or ""
        self.members: dict[str, str] = {}


class Reader:
    """An upstream's stream, taken apart.

        waiting --message_start--> open --message_delta--> ended --message_stop--> done
                                    |  content_block_start, _delta ..., _stop: one part each
           '------------error-------'--> failed: what follows is not read

    A part begins with its first delta, or at its end if it had none. A signature is given whole, at the end of its thoughts;
    so are blocks that only this dialect has.
    """

    def __init__(self) -> None:
        self._events = EventReader()
        self._head = b""
        self._has_events = False
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._last = ""
        self._vendor: Vendor = "anthropic"
        self._usage: WireUsage | None = None
        self._has_finished = False
        self._has_failed = False
        self.is_done = False
        self._verbs: dict[str, Callable[[StreamEvent], Iterator[Delta]]] = {
            "message_start": self._starts,
            "content_block_start": self._begins,
            "content_block_delta": self._grows,
            "content_block_stop": lambda told: self._closes(told.index or 0),
            "message_delta": self._finishes,
            "message_stop": self._stops,
        }

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete."""
        if self.is_done or self._has_failed:
            return []
        if not self._has_events and len(self._head) < _MOST_HEAD_BYTES:
            self._head += chunk
        return self._read(self._events.feed(chunk))

    def finish(self) -> Sequence[Delta]:
        """Upstream's clean end. Raises Fault if the reply is cut, or was none."""
        if self.is_done or self._has_failed:
            return []
        deltas = self._read(self._events.close())
        if self._is_over():
            return deltas
        if self._has_finished:
            self.is_done = True
            return [*deltas, *self._ends()]
        if not self._has_events:
            reply = fitted(self._head.strip(), REPLY)
            error = error_of(reply) if reply is not None else None
            if error is not None:
                self._has_failed = True
                return [Failed(error)]
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(self._head[:200]),
            )
        raise Fault(
            Kind.UPSTREAM_DISCONNECT,
            "The upstream ended its stream without finishing the answer.",
            detail="no message_delta with a stop reason, no message_stop",
        )

    def _is_over(self) -> bool:
        return self.is_done or self._has_failed

    def _read(self, events: Iterable[Event]) -> list[Delta]:
        deltas: list[Delta] = []
        for event in events:
            self._has_events, self._head = True, b""
            deltas += self._event(event)
            if self.is_done or self._has_failed:
                break
        return deltas

    def _event(self, event: Event) -> Iterator[Delta]:
        if event.data.strip() == b"[DONE]":
            return
        told = fitted(event.data, EVENT)
        if told is None and event.name != "error":
            if is_json(event.data):
                return
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream sent an event that is cut or no JSON.",
                detail=repr(event.data[-200:]),
            )
        kind = event.name if told is None else told.type or event.name
        if kind == "error" or told is None:
            self._has_failed = True
            own = told is not None and not is_nothing(told.error)
            yield Failed(bytes(told.error) if told is not None and own else event.data)
        elif kind in self._verbs:
            yield from self._verbs[kind](told)

    def _starts(self, told: StreamEvent) -> Iterator[Delta]:
        message = fitted(told.message, REPLY) or Reply()
        self._vendor = vendor_of(message.model)
        self._usage = wire_usage(message.usage)
        tier = self._usage.service_tier if self._usage is not None else None
        yield Started(message.id or "", message.model or "", service_tier=tier or "")
        usage = usage_of(message.usage)
        if usage.is_known:
            yield UsageTold(usage)

    def _begins(self, told: StreamEvent) -> Iterator[Delta]:
        index = told.index or 0
        if index in self._open:
            yield from self._closes(index)
        opened = self._open[index] = _Open(told.content_block)
        block = opened.block
        if block.type == "text":
            if block.text:
                yield self._text(opened, block.text)
            for citation in citations_of(block.citations):
                yield from self._cited(opened, citation.raw)
        elif block.type == "thinking":
            if block.thinking:
                yield self._thought(opened, block.thinking)
        elif block.type == "tool_use":
            opened.call = self._calls
            self._calls += 1
            self._last = "call"
            yield CallStarted(opened.call, block.id or "", block.name or "")

    def _grows(self, told: StreamEvent) -> Iterator[Delta]:
        delta, opened = fitted(told.delta, DELTA), self._open.get(told.index or 0)
        if delta is None or opened is None:
            return
        if delta.type == "text_delta":
            if delta.text:
                yield self._text(opened, delta.text)
        elif delta.type == "input_json_delta":
            yield from self._input(opened, delta.partial_json or "")
        elif delta.type == "thinking_delta":
            if delta.thinking:
                yield self._thought(opened, delta.thinking)
        elif delta.type == "signature_delta":
            opened.mark += delta.signature or ""
        elif delta.type == "citations_delta":
            yield from self._cited(opened, delta.citation)
        else:
            _note(opened, told.delta)

    def _text(self, opened: _Open, text: str) -> Delta:
        begins = not opened.has_begun and self._last == "text"
        opened.has_begun, self._last = True, "text"
        return TextDelta(text, begins)

    def _cited(self, opened: _Open, raw: Raw) -> Iterator[Delta]:
        if not opened.has_begun:
            yield self._text(opened, "")
        if not is_nothing(raw):
            yield TextCited(citation_of(raw))

    def _thought(self, opened: _Open, text: str) -> Delta:
        begins = not opened.has_begun and self._last == "thinking"
        opened.has_begun, self._last = True, "thinking"
        return ThinkingDelta(text, begins=begins)

    def _input(self, opened: _Open, text: str) -> Iterator[Delta]:
        if not text:
            return
        opened.has_begun = True
        if opened.call >= 0:
            yield CallDelta(opened.call, text)
        else:
            opened.input.append(text)

    def _closes(self, index: int) -> Iterator[Delta]:
        opened = self._open.pop(index, None)
        if opened is None:
            return
        block = opened.block
        if block.type == "text":
            if not opened.has_begun:
                yield self._text(opened, "")
        elif block.type == "thinking":
            if not opened.has_begun:
                yield self._thought(opened, "")
            mark, vendor = unwrap(opened.mark, self._vendor)
            if mark:
                yield ThinkingSigned(mark, vendor)
        elif block.type == "redacted_thinking":
            self._last = "sealed"
            yield ThinkingSealed(*unwrap(block.data or "", self._vendor))
        elif block.type == "tool_use":
            if not opened.has_begun and not is_nothing(block.input):
                yield CallDelta(opened.call, bytes(block.input).decode(errors="replace"))
        else:
            self._last = "opaque"
            yield OpaqueMade(Opaque(NAME, block.type, _whole(opened)))

    def _finishes(self, told: StreamEvent) -> Iterator[Delta]:
        delta = fitted(told.delta, DELTA) or BlockDelta()
        usage = usage_of(told.usage, self._usage)
        if delta.stop_reason:
            yield from self._close_all()
            for refusal in explained(Reply(stop_details=delta.stop_details)):
                yield RefusalDelta(refusal.text)
            self._has_finished = True
            word = delta.stop_reason
            yield Finished(stop_of(word), word, delta.stop_sequence or "")
        if usage.is_known:
            yield UsageTold(usage)

    def _stops(self, _told: StreamEvent) -> Iterator[Delta]:
        self.is_done = True
        yield from self._ends()

    def _ends(self) -> Iterator[Delta]:
        yield from self._close_all()
        if not self._has_finished:
            self._has_finished = True
            yield Finished(None)

    def _close_all(self) -> Iterator[Delta]:
        for index in sorted(self._open):
            yield from self._closes(index)


def _note(opened: _Open, raw: Raw) -> None:
    """A delta that only this dialect has: its texts are more of the block's members of those names."""
    try:
        members = _FIELDS.decode(raw)
    except UNREADABLE:
        return
    for name, value in members.items():
        if name != "type":
            text = fitted(value, _TEXT)
            if text is not None:
                opened.members[name] = opened.members.get(name, "") + text


_TEXT = msgspec.json.Decoder(str)


def _whole(opened: _Open) -> Raw:
    """A block with what its deltas told."""
    if not opened.input and not opened.members:
        return opened.raw
    try:
        members = _FIELDS.decode(opened.raw)
    except UNREADABLE:
        return opened.raw
    told = "".join(opened.input).encode(errors="replace")
    if opened.input and is_json(told):
        members["input"] = Raw(told)
    for name, text in opened.members.items():
        before = fitted(members.get(name, Raw(b"null")), _TEXT)
        members[name] = raw_json((before or "") + text)
    return Raw(write_fields(members))
