"""Streams, written: deltas into chunks for a client.

silent --Started--> speaking --finish()--> finish chunk, usage chunk, [DONE]
                       '--Failed--> error chunk, [DONE]
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
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
    UsageTold,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob
from kilo_gateway.dialects.openai_chat.answers import logprobs_told
from kilo_gateway.dialects.openai_chat.thoughts import sealed_detail, signed_detail, text_detail
from kilo_gateway.dialects.openai_chat.turns import EXECUTED_TOOL, NAME
from kilo_gateway.dialects.openai_chat.wording import (
    annotation_of,
    call_head,
    error_of,
    google_extra,
    image_of,
    sound_of,
    stop_word,
    tier_of,
    usage_of,
)
from kilo_gateway.dialects.sse import event_bytes

_DONE = event_bytes(b"[DONE]")
_encode = msgspec.json.Encoder().encode


class Writer:
    """A stream for a client."""

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._head = b""
        # Clients put the entries of a list together by their index, which counts from 0 in each list.
        self._detail = -1
        self._annotations = -1
        self._images = -1
        self._is_thinking = False
        self._text_length = 0
        self._part_start = 0
        self._calls: dict[int, CallStarted] = {}
        self._silent: dict[int, None] = {}
        self._logprobs: tuple[Logprob, ...] = ()
        self._has_refusal = False
        self._finished = Finished(None)
        self._usage = UNKNOWN_USAGE
        self._has_ended = False

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The events that these deltas make."""
        return b"".join(event for delta in deltas for event in self._events(delta))

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """Arguments that never came, the finish reason, usage, the end."""
        if self._has_ended:
            return b""
        self._has_ended = True
        events = [] if self._head else list(self._start(Started()))
        events += [self._arguments(index, "{}") for index in self._silent]
        stop = self._finished
        word = stop_word(stop.stop, has_calls=bool(self._calls), has_refusal=self._has_refusal)
        choice = {
            "index": 0,
            "delta": {},
            "logprobs": logprobs_told(self._logprobs),
            "finish_reason": word,
            "native_finish_reason": stop.raw_stop or stop.stop,
        }
        events.append(self._event(b'"choices":' + _encode([choice])))
        if self._shown.wants_usage and usage.is_known:
            told = _encode(usage_of(usage, cost_nanodollars))
            events.append(self._event(b'"choices":[],"usage":' + told))
        return b"".join((*events, _DONE))

    def _events(self, delta: Delta) -> Iterator[bytes]:
        if self._has_ended:
            return
        if isinstance(delta, Failed):
            yield self._failure(delta.error)
            return
        if not self._head:
            yield from self._start(delta if isinstance(delta, Started) else Started())
        if isinstance(delta, Finished):
            self._finished = delta
            return
        if isinstance(delta, UsageTold):
            self._usage = delta.usage
            return
        if isinstance(delta, LogprobsTold):
            self._logprobs += delta.tokens
            return
        said = self._said(delta)
        if said:
            yield self._delta(said)

    def _start(self, started: Started) -> Iterator[bytes]:
        shown = self._shown
        head = {
            "id": started.id or shown.call_id,
            "object": "chat.completion.chunk",
            "created": started.created or shown.created,
            "model": started.model or shown.model,
        }
        tier = tier_of(started.service_tier)
        if tier:
            head["service_tier"] = tier
        self._head = _encode(head)[:-1] + b","
        yield self._delta({"role": "assistant", "content": "", "refusal": None})

    def _said(self, delta: Delta) -> dict[str, Any] | None:  # noqa: C901, PLR0911, PLR0912 - a branch for each kind
        was_thinking, self._is_thinking = self._is_thinking, False
        match delta:
            case TextDelta():
                if delta.begins:
                    self._part_start = self._text_length
                self._text_length += len(delta.text)
                return {"content": delta.text}
            case ThinkingDelta():
                return self._thinking(delta, was_thinking=was_thinking)
            case CallDelta():
                if not delta.arguments:
                    return None
                self._silent.pop(delta.index, None)
                return _arguments(self._calls.get(delta.index), delta)
            case CallStarted():
                return self._call(delta)
            case RefusalDelta():
                self._has_refusal = True
                return {"refusal": delta.text}
            case TextCited():
                self._annotations += 1
                told = annotation_of(delta.citation, self._part_start)
                return {"annotations": [{"index": self._annotations, **told}]}
            case TextSigned():
                return {"extra_content": google_extra(delta.signature, delta.vendor)}
            case ThinkingSigned():
                index = self._detail if was_thinking else self._next_detail()
                return _details(signed_detail(delta.signature, delta.vendor, index))
            case ThinkingSealed():
                index = self._next_detail()
                return _details(sealed_detail(delta.data, delta.vendor, delta.id, index))
            case MediaMade():
                if delta.media.kind == "audio":
                    return {"audio": sound_of(delta.media)}
                self._images += 1
                return {"images": [{"index": self._images, **image_of(delta.media)}]}
            case OpaqueMade():
                return _opaque(delta)
            case _:
                self._is_thinking = was_thinking
                return None

    def _thinking(self, delta: ThinkingDelta, *, was_thinking: bool) -> dict[str, Any]:
        self._is_thinking = True
        if delta.begins or not was_thinking:
            self._next_detail()
        detail = text_detail(delta.text, self._detail, delta.id, is_summary=delta.is_summary)
        text = delta.text
        return {"reasoning": text, "reasoning_content": text, "reasoning_details": [detail]}

    def _next_detail(self) -> int:
        self._detail += 1
        return self._detail

    def _call(self, delta: CallStarted) -> dict[str, Any]:
        self._calls[delta.index] = delta
        if not delta.is_custom:
            self._silent[delta.index] = None
        head = call_head(delta.id, delta.name, is_custom=delta.is_custom)
        call: dict[str, Any] = {"index": delta.index, **head}
        said: dict[str, Any] = {"tool_calls": [call]}
        if delta.signature:
            call["extra_content"] = google_extra(delta.signature, delta.vendor)
            if delta.vendor == "google":
                index = self._next_detail()
                said |= _details(sealed_detail(delta.signature, "google", delta.id, index))
        return said

    def _arguments(self, index: int, text: str) -> bytes:
        return self._delta(_arguments(self._calls.get(index), CallDelta(index, text)))

    def _delta(self, said: dict[str, Any]) -> bytes:
        if self._logprobs and said.get("content"):
            told, self._logprobs = logprobs_told(self._logprobs), ()
            likely = {"index": 0, "delta": said, "logprobs": told, "finish_reason": None}
            return self._event(b'"choices":' + _encode([likely]))
        choice = b'"choices":[{"index":0,"delta":%b,"logprobs":null,"finish_reason":null}]'
        return self._event(choice % _encode(said))

    def _event(self, members: bytes) -> bytes:
        return b"data: " + self._head + members + b"}\n\n"

    def _failure(self, error: bytes) -> bytes:
        self._has_ended = True
        head = _encode({"id": self._shown.call_id})[:-1] + b"," if not self._head else self._head
        members = b'"error":%b,"choices":[{"index":0,"delta":{},"finish_reason":"error"}]'
        members %= error_of(error)
        if self._shown.wants_usage and self._usage.is_known:
            members += b',"usage":' + _encode(usage_of(self._usage, None))
        return b"data: " + head + members + b"}\n\n" + _DONE


def _details(detail: dict[str, object]) -> dict[str, Any]:
    return {"reasoning_details": [detail]}


def _arguments(started: CallStarted | None, delta: CallDelta) -> dict[str, Any]:
    is_custom = started is not None and started.is_custom
    told = (
        {"custom": {"input": delta.arguments}}
        if is_custom
        else {"function": {"arguments": delta.arguments}}
    )
    return {"tool_calls": [{"index": delta.index, **told}]}


def _opaque(delta: OpaqueMade) -> dict[str, Any] | None:
    part = delta.part
    if part.dialect != NAME:
        return None
    return {EXECUTED_TOOL if part.kind == EXECUTED_TOOL else "annotations": [part.raw]}
