"""The events of a Messages answer as StreamEvents. No I/O: events in, events out."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.fault import ProviderError
from genesis.core.message import StopReason
from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.anthropic.body import FIELD
from genesis.providers.compatible.calls import (
    MOST_ARGUMENT_BYTES,
    MOST_CALLS,
    TOO_LARGE,
    TOO_MANY,
    is_json,
)
from genesis.providers.compatible.faults import error_in_stream
from genesis.providers.compatible.usage import count, priced

_STOPS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_use",
}


class _Call(msgspec.Struct):
    id: str
    name: str
    arguments: str = ""


class EventReader:
    """Reads one answer. `feed` takes an event's JSON; `end` gives the StreamEnd."""

    def __init__(self, cost: Cost, *, provider: str, model: str) -> None:
        self._cost = cost
        self._provider = provider
        self._model = model
        self._calls: list[_Call] = []
        self._open: _Call | None = None
        self._stop: str | None = None
        self._usage: dict[str, Any] = {}
        self._routed: str | None = None
        self.has_content = False

    @property
    def has_ended(self) -> bool:
        """Did the model say that it is done?"""
        return self._stop is not None

    def feed(self, data: str | bytes) -> Iterator[StreamEvent]:
        """The StreamEvents of one event. Raises ProviderError."""
        try:
            event = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._error("The provider sent a malformed stream event.") from None
        if not isinstance(event, dict):
            return
        match event.get("type"):
            case "error":
                error = event.get("error")
                raise error_in_stream(error, provider=self._provider, model=self._model)
            case "message_start":
                self._start(_object(event, "message"))
            case "content_block_start":
                self._begin(_object(event, "content_block"))
            case "content_block_delta":
                yield from self._delta(_object(event, "delta"))
            case "content_block_stop":
                self._open = None
            case "message_delta":
                self._count(_object(event, "usage"))
                self._stop = _text(_object(event, "delta"), "stop_reason") or self._stop
            case _:
                pass  # a ping, or what a later version of the API adds

    def headers(self, headers: Mapping[str, str]) -> None:
        """They say nothing of the answer."""

    def end(self, *, is_told: bool = False) -> Iterator[StreamEvent]:
        """The answer has ended: its tool calls and the StreamEnd. Raises ProviderError if it did for no good reason."""
        del is_told  # this API always gives a reason
        if self._stop is None:
            is_empty = not self.has_content and not self._calls
            raise self._error(
                "Request timed out: the provider ended an empty stream"
                if is_empty
                else "socket hang up: the stream closed before the answer was complete"
            )
        if self._stop not in _STOPS:
            raise self._error(f"Provider finish_reason: {self._stop}")
        stop = _STOPS[self._stop]
        # Of an answer that was cut short, the last call's arguments may be half.
        calls = [one for one in self._calls if stop != "length" or is_json(one.arguments)]
        for call in calls:
            yield ToolCallReady(call.id, call.name, call.arguments or "{}")
        if stop == "tool_use" and not calls:
            stop = "stop"
        usage = Usage(
            count(self._usage.get("input_tokens")),
            count(self._usage.get("output_tokens")),
            count(self._usage.get("cache_read_input_tokens")),
            count(self._usage.get("cache_creation_input_tokens")),
        )
        yield StreamEnd(stop, priced(usage, self._cost), self._routed)

    def _start(self, message: dict[str, Any]) -> None:
        self._count(_object(message, "usage"))
        served = _text(message, "model")
        # A dated name of the model that was asked for is no other model.
        if served and not served.startswith(self._model):
            self._routed = served

    def _begin(self, block: dict[str, Any]) -> None:
        if block.get("type") == "tool_use":
            self._open = _Call(_text(block, "id"), _text(block, "name"))
            self._calls.append(self._open)
            if len(self._calls) > MOST_CALLS:
                raise self._error(TOO_MANY)

    def _count(self, usage: dict[str, Any]) -> None:
        self._usage |= {name: value for name, value in usage.items() if value is not None}

    def _delta(self, delta: dict[str, Any]) -> Iterator[StreamEvent]:
        match delta.get("type"):
            case "text_delta" if text := _text(delta, "text"):
                self.has_content = True
                yield TextDelta(text)
            case "thinking_delta" if text := _text(delta, "thinking"):
                self.has_content = True
                yield ThinkingDelta(text, FIELD)
            case "signature_delta" if signature := _text(delta, "signature"):
                yield ThinkingDelta("", FIELD, signature)
            case "input_json_delta" if self._open is not None:
                self._open.arguments += _text(delta, "partial_json")
                if len(self._open.arguments) > MOST_ARGUMENT_BYTES:
                    raise self._error(TOO_LARGE)

    def _error(self, text: str) -> ProviderError:
        return ProviderError(text, provider=self._provider, model=self._model)


def _object(event: dict[str, Any], name: str) -> dict[str, Any]:
    value = event.get(name)
    return value if isinstance(value, dict) else {}


def _text(event: dict[str, Any], name: str) -> str:
    value = event.get(name)
    return value if isinstance(value, str) else ""
