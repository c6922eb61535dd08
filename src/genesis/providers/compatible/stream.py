"""The chunks of an OpenAI-compatible answer as StreamEvents (genesis.md 6.3). No I/O: chunks in, events out."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from genesis.core.events import StreamEnd, StreamEvent, TextDelta, ThinkingDelta
from genesis.core.fault import ProviderError
from genesis.core.message import StopReason
from genesis.core.model import Cost
from genesis.core.usage import Usage
from genesis.providers.compatible.body import THOUGHTS
from genesis.providers.compatible.calls import MOST_ARGUMENT_BYTES, CallReader
from genesis.providers.compatible.faults import error_in_stream
from genesis.providers.compatible.usage import read_usage

# Where the thoughts of `reasoning_details` go back: their own list would need their signatures and order.
_DETAILS_FIELD = "reasoning"
_STOPS: dict[str, StopReason] = {
    "stop": "stop",
    "end": "stop",
    "length": "length",
    "tool_calls": "tool_use",
    "tool_call": "tool_use",
    "function_call": "tool_use",
}


class ChunkReader:
    """Reads one answer. `feed` takes a chunk's JSON; `end` gives what is left and the StreamEnd."""

    def __init__(self, cost: Cost, *, provider: str, model: str) -> None:
        self._cost = cost
        self._provider = provider
        self._model = model
        self._calls = CallReader()
        self._stop: str | None = None
        self._usage = Usage()
        self._after_calls = 0
        self.routed_model: str | None = None
        self.why: str | None = None
        self.has_content = False

    @property
    def has_ended(self) -> bool:
        """Did the model say that it is done? What fails after that loses nothing but, perhaps, the usage."""
        return self._stop is not None

    def headers(self, headers: Mapping[str, str]) -> None:
        """Which model a gateway chose, and why, where it tells."""
        chosen = headers.get("x-kilo-model")
        if chosen and chosen != self._model:
            self.routed_model = chosen
        self.why = headers.get("x-kilo-reason") or headers.get("x-kilo-decision")

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
        for choice in _objects(chunk.get("choices")):
            yield from self._choice(choice)

    def end(self, *, is_told: bool = False) -> Iterator[StreamEvent]:
        """The answer has ended: its tool calls and the StreamEnd. `is_told`: the server said `[DONE]`.

        Raises ProviderError if it ended for no good reason.
        """
        reason = self._stop
        if reason is None and is_told and (self.has_content or self._calls):
            reason = "stop"  # some servers give no reason
        if reason is None:
            is_empty = not self.has_content and not self._calls
            raise self._error(
                "Request timed out: the provider ended an empty stream"
                if is_empty
                else "socket hang up: the stream closed before the answer was complete"
            )
        if reason not in _STOPS:
            raise self._error(f"Provider finish_reason: {reason}")
        calls = list(self._calls.ready(is_cut=reason == "length"))
        yield from calls
        stop = _STOPS[reason]
        if stop != "length":
            stop = "tool_use" if calls else "stop"
        yield StreamEnd(stop, self._usage, self.routed_model, self.why)

    def _choice(self, choice: dict[str, Any]) -> Iterator[StreamEvent]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            yield from self._thoughts(delta)
            yield from self._text(delta.get("content"))
            for call in _objects(delta.get("tool_calls")):
                if problem := self._calls.feed(call):
                    raise self._error(problem)
        self._read_usage(choice.get("usage"))
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._stop = reason

    def _text(self, text: object) -> Iterator[StreamEvent]:
        if not isinstance(text, str) or not text:
            return
        if self._calls:
            self._after_calls += len(text.encode("utf-8", "replace"))
            if self._after_calls > MOST_ARGUMENT_BYTES:
                raise self._error("Exceeded post-tool-call text buffer limit")
        self.has_content = True
        yield TextDelta(text)

    def _thoughts(self, delta: dict[str, Any]) -> Iterator[StreamEvent]:
        """One name's thoughts: a server may send the same ones under several."""
        told = "".join(
            part["text"]
            for part in _objects(delta.get("reasoning_details"))
            if part.get("type") == "reasoning.text" and isinstance(part.get("text"), str)
        )
        field = _DETAILS_FIELD
        if not told:
            texts = ((name, delta.get(name)) for name in THOUGHTS)
            field, told = next(
                ((name, text) for name, text in texts if isinstance(text, str) and text), ("", "")
            )
        if told:
            self.has_content = True
            yield ThinkingDelta(told, field)

    def _read_usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            # A free name behind which a gateway chose another model says nothing of that model's price.
            is_unknown = self.routed_model is not None and self._cost == Cost()
            self._usage = read_usage(usage, None if is_unknown else self._cost)

    def _error(self, text: str) -> ProviderError:
        return ProviderError(text, provider=self._provider, model=self._model)


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, dict))
