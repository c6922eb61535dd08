"""Streams: usage, errors and the end are seen in the bytes; whole events are passed on as they came (`passing`).

This wire has no terminal event: the chunk with a finish reason is the last one, then the body ends. Since each of several
candidates has its own end, a stream is read to the end of its body.
"""

from collections.abc import Callable

from typing_extensions import override

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.gemini.arrays import Regrouped
from kilo_gateway.dialects.gemini.replies import (
    error_body,
    error_of,
    finish_reason_of,
    read_envelope,
    usage_of,
    with_cost,
)
from kilo_gateway.dialects.passing import PassingStream, struck, with_data
from kilo_gateway.dialects.sse import Event, comment_bytes, event_bytes

# What an event that matters to us holds. Every chunk tells its usage so far. Text cannot fake them, since quotes in it are
# escaped.
_MARKS = (b'"usageMetadata"', b'"finishReason"', b'"error"', b'"promptFeedback"', b"[DONE]")

PriceOf = Callable[[Usage], int | None]


class Stream(PassingStream):
    """One streamed reply. `is_array`: the client gets it as a JSON array."""

    __slots__ = ("_array", "_cost_of", "_operation")

    marks = _MARKS

    def __init__(
        self,
        operation: Operation,
        *,
        wants_usage: bool = True,
        cost_of: PriceOf | None = None,
        is_array: bool = False,
    ) -> None:
        super().__init__()
        self._operation = operation
        self._cost_of = cost_of
        self._array = Regrouped() if is_array else None

    @override
    def feed(self, chunk: bytes) -> bytes:
        out = super().feed(chunk)
        if self._array is None:
            return out
        out = self._array.feed(out)
        return out + self._array.close() if self.has_ended else out

    @override
    def finish(self) -> bytes:
        out = super().finish()
        return out if self._array is None else self._array.feed(out) + self._array.close()

    @override
    def _see(self, event: Event, raw: bytes) -> bytes:
        """Take note of one event; give the bytes that the client sees of it."""
        if event.data.strip() == b"[DONE]":
            self.is_done = True  # no server of Google's writes it; some that speak like Google do
            return b""
        envelope = read_envelope(event.data)
        if envelope is None:
            return raw
        error = error_of(envelope.error)
        if error is not None and not envelope.candidates:
            self.error = error
            return struck(event, raw)[1]
        reason = finish_reason_of(envelope)
        self.finish_reason = reason or self.finish_reason
        usage = usage_of(envelope.usage_metadata, self._operation)
        if not usage.is_known:
            return raw
        self.usage = usage
        return self._with_cost(event, raw, usage) if reason else raw

    def _with_cost(self, event: Event, raw: bytes, usage: Usage) -> bytes:
        cost = self._cost_of(usage) if self._cost_of is not None else None
        if cost is None:
            return raw
        return with_data(event, raw, with_cost(event.data, cost, usage.raw))

    @override
    def _ending(self) -> bytes:
        return b""

    @override
    def _may_end(self) -> bool:
        return self.finish_reason is not None

    @override
    def _error_in(self, body: bytes) -> bytes | None:
        envelope = read_envelope(body)
        if envelope is None:
            envelope = read_envelope(body.strip()[1:-1])  # an error of a stream that is an array
        return error_of(envelope.error) if envelope is not None else None


def error_event(fault: Fault, request_id: str, *, is_array: bool = False) -> bytes:
    """A fault after the first byte: the error object as the last chunk. The status can no longer change."""
    body = error_body(fault, request_id)
    return b"\n,\r\n" + body + b"\n]" if is_array else event_bytes(body)


def keep_alive(*, is_array: bool = False) -> bytes:
    """What is sent while the model is silent: a comment, or white space between the elements of an array."""
    return b"\n" if is_array else comment_bytes("KILO PROCESSING")
