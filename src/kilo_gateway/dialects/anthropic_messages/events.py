"""Streams: usage, errors and the end are seen in the bytes; whole events are passed on as they came (`passing`).

message_start --content_block_*, ping--> message_delta (usage, stop reason) --> message_stop
    '--error: the end, in any place
"""

from collections.abc import Callable

import msgspec
from typing_extensions import override

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.anthropic_messages.replies import (
    REPLY,
    error_of,
    usage_of,
    wire_usage,
    with_cost,
)
from kilo_gateway.dialects.anthropic_messages.schema import (
    NOTHING,
    BlockDelta,
    StreamEvent,
    WireUsage,
    fitted,
)
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.passing import PassingStream, struck, with_data
from kilo_gateway.dialects.sse import Event, event_bytes

EVENT = msgspec.json.Decoder(StreamEvent)
DELTA = msgspec.json.Decoder(BlockDelta)
STOP = event_bytes(b'{"type":"message_stop"}', "message_stop")
_PING = event_bytes(b'{"type":"ping"}', "ping")

# What an event that matters to us holds. Text cannot fake it, since quotes in it are escaped; a key of that name in a
# tool's result only costs a closer look.
_MARKS = (
    b'"message_start"',
    b'"message_delta"',
    b'"message_stop"',
    b'"error"',
    b"event: error",
    b"event:error",
)

PriceOf = Callable[[Usage], int | None]


class Stream(PassingStream):
    """One streamed message."""

    __slots__ = ("_cost_of", "_started")

    marks = _MARKS

    def __init__(
        self, operation: Operation, *, wants_usage: bool = True, cost_of: PriceOf | None = None
    ) -> None:
        super().__init__()
        self._cost_of = cost_of
        self._started: WireUsage | None = None

    @override
    def _see(self, event: Event, raw: bytes) -> bytes:
        """Take note of one event; give the bytes that the client sees of it."""
        told = fitted(event.data, EVENT)
        kind = event.name if told is None else told.type or event.name
        if kind == "error":
            error = bytes(told.error) if told is not None else b""
            self.error = event.data if error in NOTHING else error
            return struck(event, raw)[1]
        if kind == "message_stop":
            self.is_done = True
        elif told is not None and kind == "message_start":
            message = fitted(told.message, REPLY)
            if message is not None:
                self._started = wire_usage(message.usage)
                self.usage = usage_of(message.usage)
        elif told is not None and kind == "message_delta":
            return self._see_end(told, event, raw)
        return raw

    def _see_end(self, told: StreamEvent, event: Event, raw: bytes) -> bytes:
        delta = fitted(told.delta, DELTA)
        if delta is not None:
            self.finish_reason = delta.stop_reason or self.finish_reason
        usage = usage_of(told.usage, self._started)
        if not usage.is_known:
            return raw
        self.usage = usage
        cost = self._cost_of(usage) if self._cost_of is not None else None
        return raw if cost is None else with_data(event, raw, with_cost(event.data, cost))

    @override
    def _may_end(self) -> bool:
        return self.finish_reason is not None

    @override
    def _ending(self) -> bytes:
        return STOP if self.error is None else b""  # an error is an end of its own

    @override
    def _error_in(self, body: bytes) -> bytes | None:
        reply = fitted(body, REPLY)
        return error_of(reply) if reply is not None else None


def error_event(fault: Fault, request_id: str) -> bytes:
    """A fault after the first byte: an error event, which ends the stream. The status can no longer change."""
    error = {"type": "api_error", "message": fault.message, "error_type": fault.error_type}
    body = raw_json({"type": "error", "error": error, "request_id": request_id})
    return event_bytes(bytes(body), "error")


def keep_alive() -> bytes:
    """What is sent while the model is silent."""
    return _PING
