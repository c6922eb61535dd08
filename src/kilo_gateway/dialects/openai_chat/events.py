"""Streams: usage, errors and the end are seen in the bytes; whole events are passed on as they came (`passing`).

A client that did not ask for usage does not see the chunk that only carries it.
"""

from collections.abc import Callable

from typing_extensions import override

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.openai_chat.replies import (
    error_of,
    finish_reason_of,
    read_envelope,
    usage_of,
    with_cost,
)
from kilo_gateway.dialects.passing import PassingStream, struck, with_data
from kilo_gateway.dialects.sse import Event, comment_bytes, event_bytes

_DONE = event_bytes(b"[DONE]")

# What an event that matters to us holds: token counts, a finish reason, an error, the end. Text cannot fake them, since
# quotes in it are escaped; keys in other places only cost a closer look.
_MARKS = (
    b'_tokens"',
    b'"finish_reason":"',
    b"[DONE]",
    b'"error"',
    b'"finish_reason": "',
    b"event: error",
    b"event:error",
)

PriceOf = Callable[[Usage], int | None]


class Stream(PassingStream):
    """One streamed reply of Chat Completions or Completions."""

    __slots__ = ("_cost_of", "_operation", "_wants_usage")

    marks = _MARKS

    def __init__(
        self, operation: Operation, *, wants_usage: bool, cost_of: PriceOf | None = None
    ) -> None:
        super().__init__()
        self._operation = operation
        self._wants_usage = wants_usage
        self._cost_of = cost_of

    @override
    def _see(self, event: Event, raw: bytes) -> bytes:
        """Take note of one event; give the bytes that the client sees of it."""
        data = event.data
        if data.strip() == b"[DONE]":
            self.is_done = True
            return raw
        envelope = read_envelope(data)
        if envelope is None:
            if event.name == "error":
                self.error = data
                return struck(event, raw)[1]
            return raw
        error = error_of(envelope)
        if error is not None or event.name == "error":
            self.error = error or data
            event, raw = struck(event, raw)
        self.finish_reason = finish_reason_of(envelope) or self.finish_reason
        usage = usage_of(envelope, self._operation)
        if not usage.is_known:
            return raw
        self.usage = usage
        if not envelope.choices and not self._wants_usage and self.error is None:
            return b""
        if envelope.choices is None and self.error is None and self._operation == "chat":
            # SDKs walk over the choices of every chunk.
            data = b'{"choices":[],' + event.data.lstrip()[1:]
            event, raw = Event(event.name, data, event.id), with_data(event, raw, data)
        return self._with_cost(event, raw, usage)

    def _with_cost(self, event: Event, raw: bytes, usage: Usage) -> bytes:
        if self._cost_of is None or not self._wants_usage:
            return raw
        cost = self._cost_of(usage)
        if cost is None:
            return raw
        return with_data(event, raw, with_cost(event.data, cost))

    @override
    def _ending(self) -> bytes:
        return _DONE

    @override
    def _error_in(self, body: bytes) -> bytes | None:
        envelope = read_envelope(body)
        return error_of(envelope) if envelope is not None else None


def error_event(fault: Fault, request_id: str) -> bytes:
    """A fault after the first byte: an error event, then the terminal event. The status can no longer change."""
    body = raw_json(
        {
            "error": {
                "message": fault.message,
                "type": fault.error_type,
                "code": fault.status,
                "param": fault.param,
            },
            "error_type": fault.error_type,
            "request_id": request_id,
            "choices": [{"index": 0, "delta": {}, "finish_reason": "error"}],
        }
    )
    return event_bytes(bytes(body)) + _DONE


def keep_alive() -> bytes:
    """What is sent while the model is silent."""
    return comment_bytes("KILO PROCESSING")
