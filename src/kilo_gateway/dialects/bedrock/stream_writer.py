"""Deltas as the frames of a stream, in the order of the real service."""

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
    TextCited,
    TextDelta,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
    UsageTold,
)
from kilo_gateway.dialects.bedrock.answers import METRICS, stop_word, wire_usage_of
from kilo_gateway.dialects.bedrock.events import failure
from kilo_gateway.dialects.bedrock.marks import write_sealed, write_signature
from kilo_gateway.dialects.bedrock.schema import NAME, UNREADABLE, Block, Raw, is_nothing
from kilo_gateway.dialects.bedrock.turns import link_of, wire_citation
from kilo_gateway.dialects.body import Fields, raw_json, text_of
from kilo_gateway.dialects.conversation import Opaque
from kilo_gateway.dialects.frames import event_frame
from kilo_gateway.dialects.hub import Shown

_ENCODE = msgspec.json.Encoder().encode
_FIELDS = msgspec.json.Decoder(Fields)
_WHOLE = msgspec.json.Decoder(int)
_BLOCK = msgspec.json.Decoder(Block)
_RAWS = msgspec.json.Decoder(list[Raw])
_FREE_BEGIN, _FREE_END = '{"input":"', '"}'


class Writer:
    """A stream in the client's dialect.

        silent --first delta--> messageStart --> open
        open    text, thoughts: one block at a time; the next part stops it
                calls: a block each, open until the message ends, since what upstream interleaves may go on
        open --finish()--> blocks stop, messageStop, metadata (usage) --> over
          '--Failed--> an exception --> over

    Blocks of calls alone have a start, as the service has it.
    """

    def __init__(self, shown: Shown) -> None:
        del shown  # neither ids nor the model's name have a place in the events
        self._out: list[bytes] = []
        self._has_started = self._is_over = False
        self._usage = UNKNOWN_USAGE
        self._finished = Finished(None)
        self._next = 0
        self._kind = ""  # of the open block, "" if none is
        self._index = -1
        # call -> its block, and whether it is free text
        self._calls: dict[int, tuple[int, bool]] = {}

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The frames that these deltas make."""
        for delta in deltas:
            if self._is_over:
                break
            if isinstance(delta, UsageTold):
                self._usage = delta.usage
            elif isinstance(delta, Failed):
                self._is_over = True
                self._out.append(failure(*_told(delta.error)))
            else:
                self._begin()
                self._take(delta)
        return self._taken()

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """The end: what was open is stopped, usage is told last."""
        if self._is_over:
            return b""
        self._is_over = True
        self._begin()
        self._stop()
        for index, is_free in self._calls.values():
            self._stop_call(index, is_free=is_free)
        stop = stop_word(self._finished.stop, self._finished.raw_stop, has_calls=bool(self._calls))
        self._event("messageStop", {"stopReason": stop})
        told = wire_usage_of(usage if usage.is_known else self._usage, cost_nanodollars)
        self._event("metadata", {"usage": told, "metrics": METRICS})
        return self._taken()

    def _taken(self) -> bytes:
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _event(self, name: str, members: dict[str, Any]) -> None:
        self._out.append(event_frame(name, _ENCODE(members)))

    def _begin(self) -> None:
        if not self._has_started:
            self._has_started = True
            self._event("messageStart", {"role": "assistant"})

    def _take(self, delta: Delta) -> None:  # noqa: C901, PLR0912, PLR0915 - a branch for each kind of delta
        match delta:
            case TextDelta():
                self._open("text", anew=delta.begins)
                self._grow({"text": delta.text})
            case RefusalDelta():
                self._open("refusal")
                self._grow({"text": delta.text})
            case TextCited():
                if self._kind != "text":
                    self._open("text")
                    self._grow({"text": ""})
                self._grow({"citation": wire_citation(delta.citation)})
            case ThinkingDelta():
                self._open("thinking", anew=delta.begins)
                self._think({"text": delta.text})
            case ThinkingSigned():
                self._open("thinking")
                self._think({"signature": write_signature(delta.signature, delta.vendor)})
                self._stop()
            case ThinkingSealed():
                self._open("sealed", anew=True)
                self._think({"redactedContent": write_sealed(delta.data, delta.vendor)})
                self._stop()
            case CallStarted():
                self._call(delta)
            case CallDelta():
                self._argue(delta)
            case MediaMade():
                self._open("text", anew=True)
                self._grow({"text": link_of(delta.media)})
                self._stop()
            case OpaqueMade():
                if delta.part.dialect == NAME:
                    self._own(delta.part)
            case Finished():
                self._finished = delta
            case _:
                pass  # ids and marks on text have no place here

    def _open(self, kind: str, *, anew: bool = False) -> None:
        if self._kind != kind or anew:
            self._stop()
            self._kind, self._index = kind, self._next
            self._next += 1

    def _grow(self, delta: dict[str, Any], index: int | None = None) -> None:
        shown = self._index if index is None else index
        self._event("contentBlockDelta", {"contentBlockIndex": shown, "delta": delta})

    def _think(self, told: dict[str, Any]) -> None:
        self._grow({"reasoningContent": told})

    def _stop(self) -> None:
        if self._kind:
            self._kind = ""
            self._event("contentBlockStop", {"contentBlockIndex": self._index})

    def _start(self, start: dict[str, Any]) -> int:
        self._stop()
        index = self._next
        self._next += 1
        self._event("contentBlockStart", {"contentBlockIndex": index, "start": start})
        return index

    def _call(self, call: CallStarted) -> None:
        if call.index in self._calls:
            index, is_free = self._calls[call.index]
            self._stop_call(index, is_free=is_free)
        index = self._start({"toolUse": {"toolUseId": call.id, "name": call.name}})
        self._calls[call.index] = index, call.is_custom
        if call.is_custom:
            self._argued(index, _FREE_BEGIN)

    def _argue(self, delta: CallDelta) -> None:
        opened = self._calls.get(delta.index)
        if opened is not None and delta.arguments:
            index, is_free = opened
            self._argued(index, _escaped(delta.arguments) if is_free else delta.arguments)

    def _argued(self, index: int, text: str) -> None:
        self._grow({"toolUse": {"input": text}}, index)

    def _stop_call(self, index: int, *, is_free: bool) -> None:
        if is_free:
            self._argued(index, _FREE_END)
        self._event("contentBlockStop", {"contentBlockIndex": index})

    def _own(self, part: Opaque) -> None:
        """A call of the service's own tool, or its result. What else is only this dialect's has no events."""
        try:
            block = _BLOCK.decode(part.raw)
        except UNREADABLE:
            return
        if block.tool_use is not None:
            call = block.tool_use
            told = {"toolUseId": call.tool_use_id, "name": call.name, "type": call.type}
            index = self._start({"toolUse": told})
            if not is_nothing(call.input):
                self._argued(index, bytes(call.input).decode(errors="replace"))
        elif block.tool_result is not None:
            result = block.tool_result
            shown = {"toolUseId": result.tool_use_id, "type": result.type, "status": result.status}
            index = self._start({"toolResult": {k: v for k, v in shown.items() if v is not None}})
            if not is_nothing(result.content):
                self._grow({"toolResult": result.content}, index)
        else:
            return
        self._event("contentBlockStop", {"contentBlockIndex": index})


def _told(error: bytes) -> tuple[str, int]:
    """What an error object says, and the status it names; a text says itself."""
    text = text_of(Raw(error))
    if text is not None:
        return text, 500
    nothing = Raw(b"null")
    try:
        members = _FIELDS.decode(error)
    except UNREADABLE:
        return "", 500
    try:
        status = _WHOLE.decode(members.get("code", nothing))
    except UNREADABLE:
        status = 500
    message = text_of(members.get("message", nothing)) or ""
    return message, status if 400 <= status < 600 else 500


def _escaped(text: str) -> str:
    """As it stands inside a JSON string."""
    return bytes(raw_json(text))[1:-1].decode()
