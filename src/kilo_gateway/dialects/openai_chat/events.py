"""Streams: usage, errors and the end are seen in the bytes; whole events are passed on as they came.

    started --first event--> flowing --data: [DONE]--> done
       |                        |--error event-------> failed
       '--JSON instead of SSE---'

Most events hold nothing for us: they are recognised by what their bytes do not contain, and never parsed. An event
that counts tokens, or may be an error, is taken apart. What follows [DONE] or an error is dropped. Of an error, what tells
of the operator's account is struck out. A client that did
not ask for usage does not see the chunk that only carries it.
"""

from collections.abc import Callable

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.openai_chat.replies import (
    error_of,
    finish_reason_of,
    read_envelope,
    usage_of,
    with_cost,
)
from kilo_gateway.dialects.sse import Event, Splitter, comment_bytes, event_bytes, events_of

_DONE = event_bytes(b"[DONE]")
_BOM = b"\xef\xbb\xbf"
_MOST_EMPTY_BYTES = 400
_BYTES_PER_TOKEN = 4
_MOST_ERROR_BYTES = 65_536
_TOO_LONG = (
    b'{"error":{"message":"The upstream failed in the middle of its answer. Try again, or use another model.",'
    b'"type":"provider_error","code":502}}'
)

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


class Stream:
    """One streamed reply on its way to the client.

    `feed(chunk)` takes upstream's bytes and gives the client's; `finish()` is called at a clean end and gives the rest,
    with a terminal event if upstream sent none. Read after that, or at any moment: `usage`, `finish_reason`, `is_done`
    (upstream said it is complete), `error` (the error object it sent), `failed_at_once` (it was the first event), `events`, `event_bytes`.
    """

    __slots__ = (
        "_cost_of",
        "_empty_bytes",
        "_operation",
        "_seen",
        "_splitter",
        "_wants_usage",
        "error",
        "event_bytes",
        "events",
        "failed_at_once",
        "finish_reason",
        "is_done",
        "usage",
    )

    def __init__(
        self, operation: Operation, *, wants_usage: bool, cost_of: PriceOf | None = None
    ) -> None:
        self._operation = operation
        self._wants_usage = wants_usage
        self._cost_of = cost_of
        self._splitter = Splitter()
        self.usage = UNKNOWN_USAGE
        self.finish_reason: str | None = None
        self.error: bytes | None = None
        self.is_done = False
        self.failed_at_once = False
        self._seen = 0
        self._empty_bytes = 0
        self.events = 0
        self.event_bytes = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing that upstream may still send matters."""
        return self.is_done or self.error is not None

    def feed(self, chunk: bytes) -> bytes:
        """Bytes for the client out of the next bytes from upstream; b"" while an event is incomplete."""
        block = self._splitter.feed(chunk)
        return self._pass(block) if block else b""

    def finish(self) -> bytes:
        """Upstream's body has ended as HTTP wants it: what was held back, and a terminal event if none came.

        Raises Fault when the body was no stream at all, or ended in the middle of an event.
        """
        rest = self._splitter.rest()
        out = b""
        if rest.strip():
            if self.events == 0 and not _looks_like_events(rest):
                self._refuse(rest)
            out = self._pass(_whole(rest))
        if self.has_ended:
            return out
        if self.events == 0:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream answered with an empty stream.")
        if self.finish_reason is None and not self.usage.is_known:
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream ended its stream without finishing the answer.",
                detail="no finish_reason, no usage, no [DONE]",
            )
        return out + _DONE

    def estimated_output_tokens(self) -> int:
        """A guess from what has passed, for a reply that ended before its usage: one token an event at least."""
        if self.failed_at_once:
            return 0
        text_bytes = max(0, self.event_bytes - self.events * self._empty_bytes)
        return max(self.events, text_bytes // _BYTES_PER_TOKEN)

    def _pass(self, block: bytes) -> bytes:
        if self.has_ended:
            return b""
        if self.events == 0 and block.startswith(_BOM):
            block = block[3:]
        count = block.count(b"data:")
        self._seen = self.events
        if not self._empty_bytes and count:
            # The first event carries the role and no text: all others are as long, and their text besides.
            self._empty_bytes = min(block.find(b"\n\n") + 2, _MOST_EMPTY_BYTES)
        self.events += count
        if count:
            self.event_bytes += len(block)
        mark = _first_mark(block)
        if mark < 0:
            return block
        start = _event_start(block, mark)
        self._seen += block.count(b"data:", 0, start)
        return block[:start] + self._take_apart(block[start:])

    def _take_apart(self, block: bytes) -> bytes:
        kept: list[bytes] = []
        end = 0
        for event, raw in events_of(block):
            end += len(raw)
            shown = self._see(event, raw)
            if shown:
                kept.append(shown)
            if self.error is not None:
                self.failed_at_once = self._seen == 0
                # No client is left waiting for more, whatever upstream does after an error.
                kept.append(_DONE)
            if self.has_ended:
                return b"".join(kept)
            self._seen += 1
        return b"".join(kept) + block[end:]

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
                return _struck(event, raw)[1]
            return raw
        error = error_of(envelope)
        if error is not None or event.name == "error":
            self.error = error or data
            event, raw = _struck(event, raw)
        self.finish_reason = finish_reason_of(envelope) or self.finish_reason
        usage = usage_of(envelope, self._operation)
        if not usage.is_known:
            return raw
        self.usage = usage
        if envelope.choices == [] and not self._wants_usage and self.error is None:
            return b""
        return self._with_cost(event, raw, usage)

    def _with_cost(self, event: Event, raw: bytes, usage: Usage) -> bytes:
        if self._cost_of is None or not self._wants_usage:
            return raw
        cost = self._cost_of(usage)
        if cost is None:
            return raw
        return _with_data(event, raw, with_cost(event.data, cost))

    def _refuse(self, body: bytes) -> None:
        """Some servers answer a stream request with a plain JSON error under an event-stream content type."""
        envelope = read_envelope(body)
        self.error = error_of(envelope) if envelope is not None else None
        self.failed_at_once = True
        if self.error is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(body[:200]),
            )


def _struck(event: Event, raw: bytes) -> tuple[Event, bytes]:
    """An upstream's error without its keys, accounts and addresses; as it came if it names none."""
    data = strike_json(event.data) if len(event.data) <= _MOST_ERROR_BYTES else _TOO_LONG
    if data == event.data:
        return event, raw
    return Event(event.name, data, event.id), _with_data(event, raw, data)


def _with_data(event: Event, raw: bytes, data: bytes) -> bytes:
    """An event's bytes with other data.

    Comments, id and line ends stay; only data in several lines, which nobody sends, is written anew.
    """
    if event.data in raw:
        return raw.replace(event.data, data)
    return event_bytes(data.replace(b"\n", b"\ndata: "), event.name)


def _first_mark(block: bytes) -> int:
    """Offset of the first thing that may matter to us, -1 if the block holds none."""
    first = -1
    for mark in _MARKS:
        at = block.find(mark) if first < 0 else block.find(mark, 0, first)
        if at >= 0:
            first = at
    return first


def _event_start(block: bytes, at: int) -> int:
    """Where the event begins that holds an offset."""
    start = block.rfind(b"\n\n", 0, at) + 2
    if b"\r" in block:
        start = max(start, block.rfind(b"\n\r\n", 0, at) + 3, block.rfind(b"\r\r", 0, at) + 2)
        return start if start > 3 or block[:start].endswith((b"\n\n", b"\n\r\n", b"\r\r")) else 0
    return start if start > 1 else 0


def _whole(rest: bytes) -> bytes:
    """A last event with its blank line. Raises Fault if it was cut in the middle of its JSON."""
    for event, _ in events_of(rest):
        if event.data.strip() != b"[DONE]" and read_envelope(event.data) is None:
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream ended its stream in the middle of an event.",
                detail=repr(event.data[-200:]),
            )
    has_blank_line = rest.endswith((b"\n\n", b"\n\r\n", b"\r\r"))
    return rest if has_blank_line else rest.rstrip(b"\r\n") + b"\n\n"


def _looks_like_events(block: bytes) -> bool:
    return (
        block.removeprefix(_BOM).lstrip().startswith((b"data:", b"event:", b"id:", b":", b"retry:"))
    )


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
