"""Streams: usage, errors and the end are seen in the frames; whole frames are passed on as they came.

messageStart --contentBlockStart, -Delta, -Stop--> messageStop --metadata (usage)--> done
    '--an exception: the end, in any place

`metadata` is the last event of the service; where it came before `messageStop`, that is the end.
"""

from collections.abc import Callable

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.bedrock.replies import error_name, usage_of, with_cost
from kilo_gateway.dialects.bedrock.schema import StreamEvent, fitted
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.frames import Frame, Frames, event_frame, exception_frame, frame_bytes

EVENT = msgspec.json.Decoder(StreamEvent)
_BYTES_PER_TOKEN = 4
_NO_WORDS = "The upstream failed in the middle of its answer. Try again, or use another model."
# Statuses of the service's exceptions, by which they are told apart.
_STATUSES = {
    "throttlingException": 429,
    "validationException": 400,
    "accessDeniedException": 403,
    "resourceNotFoundException": 404,
    "modelNotReadyException": 503,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 504,
    "modelStreamErrorException": 502,
    "internalServerException": 500,
}
# Clients of AWS pass over events whose type they do not know.
_PING = event_frame("ping", b"{}")

PriceOf = Callable[[Usage], int | None]


class Stream:
    """One streamed message on its way to the client. Fulfils `dialect.ReplyStream`."""

    __slots__ = (
        "_cost_of",
        "_event_bytes",
        "_frames",
        "_has_stopped",
        "_has_usage",
        "error",
        "events",
        "failed_at_once",
        "finish_reason",
        "is_done",
        "usage",
    )

    def __init__(
        self, operation: Operation, *, wants_usage: bool = True, cost_of: PriceOf | None = None
    ) -> None:
        self._frames = Frames()
        self._cost_of = cost_of
        self._has_stopped = self._has_usage = False
        self._event_bytes = 0
        self.usage = UNKNOWN_USAGE
        self.finish_reason: str | None = None
        self.error: bytes | None = None
        self.is_done = False
        self.failed_at_once = False
        self.events = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing that upstream may still send matters."""
        return self.is_done or self.error is not None

    def feed(self, chunk: bytes) -> bytes:
        """Whole frames for the client out of the next bytes from upstream."""
        if self.has_ended:
            return b""
        kept: list[bytes] = []
        for frame in self._frames.feed(chunk):
            kept.append(self._see(frame))
            if self.has_ended:
                break
            self.events += 1
            self._event_bytes += len(frame.payload)
        return b"".join(kept)

    def finish(self) -> bytes:
        """Upstream's clean end. Raises Fault when the reply was cut, or was none."""
        if self.has_ended:
            return b""
        if not self.events and not self._frames.held_bytes:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream answered with an empty stream.")
        if not self._has_stopped or self._frames.held_bytes:
            raise cut(self._frames)
        self.is_done = True
        return b""

    def estimated_output_tokens(self) -> int:
        """A guess from what has passed, for a reply that ended before its usage."""
        return 0 if self.failed_at_once else min(self.events, self._event_bytes // _BYTES_PER_TOKEN)

    def _see(self, frame: Frame) -> bytes:
        if frame.is_failure:
            self.error = error_in(frame)
            self.failed_at_once = self.events == 0
            return _struck(frame)
        if frame.event == "messageStop":
            told = fitted(frame.payload, EVENT)
            self.finish_reason = (told.stop_reason if told is not None else None) or "end_turn"
            self._has_stopped = True
            self.is_done = self._has_usage
        elif frame.event == "metadata":
            return self._see_usage(frame)
        return frame.raw

    def _see_usage(self, frame: Frame) -> bytes:
        self._has_usage = True
        self.is_done = self._has_stopped
        told = fitted(frame.payload, EVENT)
        usage = usage_of(told.usage) if told is not None else UNKNOWN_USAGE
        if not usage.is_known:
            return frame.raw
        self.usage = usage
        cost = self._cost_of(usage) if self._cost_of is not None else None
        if cost is None:
            return frame.raw
        return frame_bytes(frame.headers, with_cost(frame.payload, cost))


def cut(frames: Frames) -> Fault:
    """The fault of a stream that ended in the middle."""
    return Fault(
        Kind.UPSTREAM_DISCONNECT,
        "The upstream ended its stream without finishing the answer.",
        detail=f"no messageStop; {frames.held_bytes} bytes of a frame",
    )


def error_in(frame: Frame) -> bytes:
    """The error object of an exception: what it says, its type, and the status that belongs to it."""
    told = fitted(frame.payload, EVENT) or StreamEvent()
    headers = frame.headers
    kind = headers.get(":exception-type") or headers.get(":error-code") or ""
    status = told.original_status_code or 0
    code = status if 400 <= status < 600 else _STATUSES.get(kind[:1].lower() + kind[1:], 500)
    message = told.message or told.original_message or headers.get(":error-message") or ""
    return bytes(raw_json({"message": message, "type": kind, "code": code}))


def _struck(frame: Frame) -> bytes:
    """An upstream's error without its keys, accounts and addresses; as it came if it names none."""
    payload = strike_json(frame.payload)
    return frame.raw if payload == frame.payload else frame_bytes(frame.headers, payload)


def failure(message: str, status: int) -> bytes:
    """An exception that ends a stream."""
    name = error_name(status)
    shown = raw_json({"message": message or _NO_WORDS})
    return exception_frame(name[0].lower() + name[1:], bytes(shown))


def error_event(fault: Fault, _request_id: str) -> bytes:
    """A fault after the first byte: an exception, which ends the stream. The status can no longer change."""
    return failure(fault.message, fault.status)


def keep_alive() -> bytes:
    """What is sent while the model is silent."""
    return _PING
