"""Streams, written: deltas become chunks, as events or as the elements of an array.

    new --delta--> open --delta--> open --finish--> over
                     '--Failed--> error --> over

A call is one part of one chunk on this wire: its arguments are held back until another part begins, or the end comes.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    LogprobsTold,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    Started,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
)
from kilo_gateway.dialects.conversation import SealedThinking, ToolCall
from kilo_gateway.dialects.gemini import likelihoods, marks
from kilo_gateway.dialects.gemini.answers import (
    candidate_of,
    identity_of,
    stop_word,
    wire_usage_of,
    written_call,
    written_part,
)
from kilo_gateway.dialects.gemini.arrays import Framing
from kilo_gateway.dialects.gemini.grounding import Sources
from kilo_gateway.dialects.gemini.replies import status_word
from kilo_gateway.dialects.gemini.requests import is_array
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob

_FAILED = "The upstream failed in the middle of its answer. Try again, or use another model."


class _Call:
    """A call whose arguments are still coming."""

    def __init__(self, started: CallStarted) -> None:
        self.started = started
        self.arguments: list[str] = []

    def made(self) -> ToolCall:
        one = self.started
        return ToolCall(
            one.id, one.name, "".join(self.arguments), one.is_custom, one.signature, one.vendor
        )


class Writer:
    """A stream in this dialect."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._framing = Framing(is_array=is_array(shown.request))
        self._identity = identity_of("", "", shown)
        self._calls: dict[int, _Call] = {}
        self._sources = Sources()
        self._logprobs: tuple[Logprob, ...] = ()
        self._is_text = False
        self._finished = Finished(None)
        self._is_over = False

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The chunks that these deltas make."""
        out: list[bytes] = []
        for delta in deltas:
            if self._is_over:
                break
            out.append(self._written(delta))
        return b"".join(out)

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """The end: calls that were held back, why it stopped, usage."""
        if self._is_over:
            return b""
        self._is_over = True
        candidate = candidate_of([written_call(call.made()) for call in self._calls.values()])
        candidate["finishReason"] = stop_word(self._finished.stop)
        candidate |= likelihoods.written(self._logprobs)
        metadata = self._sources.metadata()
        if metadata:
            candidate["groundingMetadata"] = metadata
        last = {"candidates": [candidate], "usageMetadata": wire_usage_of(usage, cost_nanodollars)}
        return (
            self._framing.chunk(msgspec.json.encode(last | self._identity)) + self._framing.close()
        )

    def _written(self, delta: Delta) -> bytes:
        match delta:
            case Started():
                self._identity = identity_of(delta.id, delta.model, self._shown)
            case CallStarted():
                self._calls[delta.index] = _Call(delta)
            case CallDelta():
                if delta.index in self._calls:
                    self._calls[delta.index].arguments.append(delta.arguments)
            case TextCited():
                self._sources.cite(delta.citation)
            case LogprobsTold():
                self._logprobs += delta.tokens
            case Finished():
                self._finished = delta
            case Failed():
                return self._failed(delta.error)
            case _:
                self._note(delta)
                parts = list(_parts(delta))
                return self._chunk(parts, is_text=isinstance(delta, TextDelta)) if parts else b""
        return b""

    def _note(self, delta: Delta) -> None:
        """Text is kept until the end, since the places of sources are counted in it."""
        is_text = isinstance(delta, TextDelta | RefusalDelta)
        if isinstance(delta, TextDelta | RefusalDelta):
            begins = not self._is_text or (isinstance(delta, TextDelta) and delta.begins)
            self._sources.text(delta.text, begins=begins)
        self._is_text = is_text or (self._is_text and isinstance(delta, TextSigned))

    def _chunk(self, parts: list[Any], *, is_text: bool) -> bytes:
        """Parts of an answer, behind the calls that are complete by now."""
        calls = [written_call(call.made()) for call in self._calls.values()]
        self._calls.clear()
        candidate = candidate_of([*calls, *parts])
        if is_text and self._logprobs:
            candidate |= likelihoods.written(self._logprobs)
            self._logprobs = ()
        chunk = {"candidates": [candidate]}
        return self._framing.chunk(msgspec.json.encode(chunk | self._identity))

    def _failed(self, error: bytes) -> bytes:
        self._is_over = True
        return self._framing.chunk(error_of_upstream(error)) + self._framing.close()


def error_of_upstream(error: bytes) -> bytes:
    """An upstream's error object, of whichever vendor, in Google's shape."""
    try:
        told: Any = msgspec.json.decode(error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        told = {}
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        told = told["error"]
    message = (
        told if isinstance(told, str) else told.get("message") if isinstance(told, dict) else ""
    )
    code = told.get("code") if isinstance(told, dict) else None
    status = code if isinstance(code, int) and 400 <= code < 600 else 502
    body = {
        "error": {
            "code": status,
            "message": str(message) if message else _FAILED,
            "status": status_word(status),
        }
    }
    return msgspec.json.encode(body)


def _parts(delta: Delta) -> Iterable[Any]:
    match delta:
        case TextDelta() | RefusalDelta() if delta.text:
            yield {"text": delta.text}
        case TextSigned():
            yield {"text": "", "thoughtSignature": marks.written(delta.signature, delta.vendor)}
        case ThinkingDelta() if delta.text:
            yield {"text": delta.text, "thought": True}
        case ThinkingSigned():
            mark = marks.written(delta.signature, delta.vendor)
            yield {"text": "", "thought": True, "thoughtSignature": mark}
        case ThinkingSealed():
            yield from written_part(SealedThinking(delta.data, delta.vendor))
        case MediaMade():
            yield from written_part(delta.media)
        case OpaqueMade():
            yield from written_part(delta.part)
        case _:
            return
