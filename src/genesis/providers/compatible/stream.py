"""The chunks of an OpenAI-compatible answer as StreamEvents (genesis.md 6.3). No I/O: chunks in, events out."""

from collections.abc import Iterator
from typing import Any

import msgspec

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.message import StopReason
from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.compatible.faults import error_in_stream

MOST_ARGUMENT_BYTES = 256_000
_THOUGHTS = ("reasoning_content", "reasoning", "reasoning_text")
_STOPS: dict[str, StopReason] = {
    "stop": "stop",
    "end": "stop",
    "length": "length",
    "tool_calls": "tool_use",
    "tool_call": "tool_use",
    "function_call": "tool_use",
}
_PER = 1_000_000


class _Call(msgspec.Struct):
    id: str = ""
    name: str = ""
    arguments: list[str] = []
    size: int = 0
    signature: str | None = None


class ChunkReader:
    """Reads one answer. `feed` takes a chunk's JSON; `end` gives what is left and the StreamEnd."""

    def __init__(self, cost: Cost, *, provider: str, model: str) -> None:
        self._cost = cost
        self._provider = provider
        self._model = model
        self._calls: dict[int, _Call] = {}
        self._stop: str | None = None
        self._usage = Usage()
        self.routed_model: str | None = None
        self.why: str | None = None
        self.has_content = False

    def feed(self, data: str | bytes) -> Iterator[StreamEvent]:
        """The events of one chunk; nothing for one that is no object. Raises ProviderError."""
        try:
            chunk = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._error("The provider sent a malformed stream chunk.") from None
        if not isinstance(chunk, dict):
            return
        if chunk.get("error"):
            raise error_in_stream(chunk["error"], provider=self._provider, model=self._model)
        served = chunk.get("model")
        if isinstance(served, str) and served and served != self._model:
            self.routed_model = self.routed_model or served
        self._read_usage(chunk.get("usage"))
        for choice in chunk.get("choices") or ():
            if isinstance(choice, dict):
                yield from self._choice(choice)

    def end(self) -> Iterator[StreamEvent]:
        """The answer has ended: its tool calls and the StreamEnd. Raises ProviderError if it ended for no good reason."""
        reason = self._stop
        if reason is None:
            if not self.has_content and not self._calls:
                raise self._error("Request timed out: the provider ended an empty stream")
            raise self._error("socket hang up: the stream ended before the answer was complete")
        if reason not in _STOPS:
            raise self._error(f"Provider finish_reason: {reason}")
        for number in sorted(self._calls):
            call = self._calls[number]
            ident = call.id or f"call_{number}"
            yield ToolCallReady(ident, call.name, "".join(call.arguments), call.signature)
        stop = _STOPS[reason]
        if stop == "tool_use" and not self._calls:
            stop = "stop"
        elif stop == "stop" and self._calls:
            stop = "tool_use"
        yield StreamEnd(stop, self._usage, self.routed_model, self.why)

    def _choice(self, choice: dict[str, Any]) -> Iterator[StreamEvent]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._thoughts(delta)
            text = delta.get("content")
            if isinstance(text, str) and text:
                self.has_content = True
                yield TextDelta(text)
            for call in delta.get("tool_calls") or ():
                if isinstance(call, dict):
                    self._tool_call(call)
        self._read_usage(choice.get("usage"))
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._stop = reason

    def _thoughts(self, delta: dict[str, Any]) -> Iterator[StreamEvent]:
        details = delta.get("reasoning_details")
        if isinstance(details, list):
            texts = [
                part["text"]
                for part in details
                if isinstance(part, dict)
                and part.get("type") == "reasoning.text"
                and isinstance(part.get("text"), str)
            ]
            if "".join(texts):
                self.has_content = True
                yield ThinkingDelta("".join(texts), "reasoning")
                return
        for field in _THOUGHTS:
            text = delta.get(field)
            if isinstance(text, str) and text:
                self.has_content = True
                yield ThinkingDelta(text, field)
                return

    def _tool_call(self, wire: dict[str, Any]) -> None:
        index = wire.get("index")
        number = index if isinstance(index, int) else len(self._calls)
        call = self._calls.setdefault(number, _Call())
        function = wire.get("function")
        function = function if isinstance(function, dict) else {}
        call.id = call.id or _text(wire.get("id"))
        call.name = call.name or _text(function.get("name"))
        arguments = _text(function.get("arguments"))
        call.arguments.append(arguments)
        call.size += len(arguments.encode("utf-8", "replace"))
        if call.size > MOST_ARGUMENT_BYTES:
            raise self._error("Exceeded tool-call argument buffer limit")
        call.signature = call.signature or _signature(wire, function)

    def _read_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._usage = read_usage(usage, self._cost)

    def _error(self, text: str) -> ProviderError:
        return ProviderError(
            text, provider=self._provider, model=self._model, streamed=self.has_content
        )


def read_usage(usage: dict[str, Any], cost: Cost) -> Usage:
    """Tokens of a `usage` object, cached ones apart from the input, and their cost at the catalog's prices."""
    details = usage.get("prompt_tokens_details")
    details = details if isinstance(details, dict) else {}
    prompt, output = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    cached = _count(details.get("cached_tokens"))
    written = _count(details.get("cache_write_tokens"))
    fresh = None if prompt is None else max(0, prompt - (cached or 0))
    told = usage.get("cost")
    if isinstance(told, int | float) and told >= 0:
        spent: float | None = float(told)
    elif fresh is None and output is None:
        spent = None
    else:
        rates = (
            (fresh, cost.input),
            (output, cost.output),
            (cached, cost.cache_read),
            (written, cost.cache_write),
        )
        spent = sum((tokens or 0) * rate for tokens, rate in rates) / _PER
    return Usage(fresh, output, cached, written, spent)


def _signature(wire: dict[str, Any], function: dict[str, Any]) -> str | None:
    extra = wire.get("extra_content")
    google = extra.get("google") if isinstance(extra, dict) else None
    found = (
        google.get("thought_signature")
        if isinstance(google, dict)
        else function.get("thought_signature")
    )
    return found if isinstance(found, str) else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value >= 0 else None
