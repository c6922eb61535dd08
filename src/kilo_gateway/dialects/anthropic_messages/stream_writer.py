"""Deltas as the events of a stream, in the order of the real API."""

from collections.abc import Iterable
from typing import Any

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    MediaMade,
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
    link_of,
    message_of,
    stop_word,
    wire_citation,
    wire_usage_of,
)
from kilo_gateway.dialects.anthropic_messages.events import STOP
from kilo_gateway.dialects.anthropic_messages.replies import ERROR_WORDS
from kilo_gateway.dialects.anthropic_messages.schema import NAME, UNREADABLE, Raw
from kilo_gateway.dialects.body import Fields, raw_json, text_of
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.seal import wrap
from kilo_gateway.dialects.sse import event_bytes

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(Fields)
_WORDS = frozenset(ERROR_WORDS.values())
_NO_WORDS = "The upstream failed in the middle of its answer. Try again, or use another model."
_FREE_BEGIN, _FREE_END = '{"input":"', '"}'


class Writer:
    """A stream in the client's dialect.

        silent --first delta--> message_start --> open
        open    text, thinking: one block at a time; the next part stops it
                calls: a block each, open until the message ends, since what upstream interleaves may go on
        open --finish()--> blocks stop, message_delta (stop reason, usage), message_stop --> over
          '--Failed--> error --> over

    `message_start` waits for usage only as long as the same chunk of upstream's may tell it.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._out: list[bytes] = []
        self._started = Started()
        self._has_started = False
        self._is_over = False
        self._usage = UNKNOWN_USAGE
        self._finished = Finished(None)
        self._next = 0
        self._kind = ""  # of the open block, "" if none is
        self._index = -1
        self._calls: dict[
            int, tuple[int, bool]
        ] = {}  # call -> its block, and whether it is free text

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The events that these deltas make."""
        for delta in deltas:
            if self._is_over:
                break
            if isinstance(delta, Started):
                self._started = delta
            elif isinstance(delta, UsageTold):
                self._usage = delta.usage
            elif isinstance(delta, Failed):
                self._fail(delta.error)
            else:
                self._begin()
                self._take(delta)
        if not self._is_over:
            self._begin()
        return self._taken()

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """The end: what was open is stopped, usage is told, the terminal event comes."""
        if self._is_over:
            return b""
        self._begin()
        self._stop()
        for index, is_free in self._calls.values():
            self._stop_call(index, is_free=is_free)
        finished = self._finished
        told = wire_usage_of(usage if usage.is_known else self._usage, cost_nanodollars)
        if usage.input_tokens is None and self._usage.input_tokens is None:
            del told["input_tokens"]
        delta = {
            "stop_reason": stop_word(finished.stop, has_calls=bool(self._calls)),
            "stop_sequence": finished.stop_sequence or None,
            "stop_details": None,
        }
        self._event("message_delta", {"delta": delta, "usage": told})
        self._out.append(STOP)
        self._is_over = True
        return self._taken()

    def _taken(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _event(self, name: str, members: dict[str, Any]) -> None:
        self._out.append(event_bytes(_ENCODE({"type": name, **members}), name))

    def _begin(self) -> None:
        if self._has_started:
            return
        self._has_started = True
        started = self._started
        message = message_of(started.id, started.model, self._shown)
        usage = wire_usage_of(self._usage, service_tier=started.service_tier)
        self._event("message_start", {"message": {**message, "usage": usage}})

    def _take(self, delta: Delta) -> None:  # noqa: C901, PLR0912, PLR0915 - a branch for each kind of delta
        match delta:
            case TextDelta():
                if delta.begins or (delta.text and self._kind != "text"):
                    self._open("text", {"type": "text", "text": ""})
                self._grow("text", delta.text)
            case RefusalDelta():
                if self._kind != "refusal":
                    self._open("refusal", {"type": "text", "text": ""})
                self._grow("text", delta.text)
            case TextCited():
                if self._kind != "text":
                    self._open("text", {"type": "text", "text": ""})
                self._delta(self._index, "citations", "citation", wire_citation(delta.citation))
            case ThinkingDelta():
                if self._kind != "thinking" or delta.begins:
                    self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""})
                self._grow("thinking", delta.text)
            case ThinkingSigned():
                self._sign(wrap(delta.signature, delta.vendor, "anthropic"))
            case ThinkingSealed():
                data = wrap(delta.data, delta.vendor, "anthropic")
                self._whole({"type": "redacted_thinking", "data": data})
            case CallStarted():
                self._call(delta)
            case CallDelta():
                self._argue(delta)
            case MediaMade():
                self._open("text", {"type": "text", "text": ""})
                self._grow("text", link_of(delta.media))
                self._stop()
            case OpaqueMade():
                if delta.part.dialect == NAME:
                    self._whole(delta.part.raw)
            case Finished():
                self._finished = delta
            case _:
                pass  # a mark on text has no place here

    def _sign(self, mark: str) -> None:
        if self._kind != "thinking":
            self._open("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        self._grow("signature", mark)
        self._stop()

    def _call(self, call: CallStarted) -> None:
        self._stop()
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        if call.index in self._calls:
            index, is_free = self._calls[call.index]
            self._stop_call(index, is_free=is_free)
        index = self._start(block)
        self._calls[call.index] = index, call.is_custom
        if call.is_custom:
            self._argued(index, _FREE_BEGIN)

    def _stop_call(self, index: int, *, is_free: bool) -> None:
        if is_free:
            self._argued(index, _FREE_END)
        self._event("content_block_stop", {"index": index})

    def _argue(self, delta: CallDelta) -> None:
        opened = self._calls.get(delta.index)
        if opened is None or not delta.arguments:
            return
        index, is_free = opened
        self._argued(index, _escaped(delta.arguments) if is_free else delta.arguments)

    def _argued(self, index: int, text: str) -> None:
        self._delta(index, "input_json", "partial_json", text)

    def _whole(self, block: dict[str, Any] | Raw) -> None:
        self._stop()
        index = self._start(block)
        self._event("content_block_stop", {"index": index})

    def _open(self, kind: str, block: dict[str, Any]) -> None:
        self._stop()
        self._kind, self._index = kind, self._start(block)

    def _start(self, block: dict[str, Any] | Raw) -> int:
        index = self._next
        self._next += 1
        self._event("content_block_start", {"index": index, "content_block": block})
        return index

    def _grow(self, name: str, text: str) -> None:
        """More of the open block."""
        if text:
            self._delta(self._index, name, name, text)

    def _delta(self, index: int, kind: str, name: str, value: object) -> None:
        delta = {"type": f"{kind}_delta", name: value}
        self._event("content_block_delta", {"index": index, "delta": delta})

    def _stop(self) -> None:
        if self._kind:
            self._kind = ""
            self._event("content_block_stop", {"index": self._index})

    def _fail(self, error: bytes) -> None:
        """The upstream's words in this dialect's shape; a word of another vendor for the kind of error is our "api_error"."""
        self._is_over = True
        message, word = _told(error)
        body = {"type": word if word in _WORDS else "api_error", "message": message or _NO_WORDS}
        self._event("error", {"error": body})


def _told(error: bytes) -> tuple[str, str]:
    """What an error object says, and its type; a text says itself."""
    text = text_of(Raw(error))
    if text is not None:
        return text, ""
    try:
        members = _FIELDS.decode(error)
    except UNREADABLE:
        return "", ""
    nothing = Raw(b"null")
    return text_of(members.get("message", nothing)) or "", text_of(
        members.get("type", nothing)
    ) or ""


def _escaped(text: str) -> str:
    """As it stands inside a JSON string."""
    return bytes(raw_json(text))[1:-1].decode()
