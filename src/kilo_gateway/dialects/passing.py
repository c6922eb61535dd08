"""Passing: a stream whose client and upstream speak the same dialect: whole events go on as they came.

    started --first event--> flowing --the dialect's end--> done
       |                        |--error event------------> failed
       '--JSON instead of SSE---'

Most events hold nothing for us: they are recognised by what their bytes do not contain, and never parsed. An event that
counts tokens, or may be an error or the end, is taken apart by the dialect (`_see`). What follows the end or an error is
dropped. Of an error, what tells of the operator's account is struck out.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.body import is_json
from kilo_gateway.dialects.sse import Event, Splitter, event_bytes, events_of

_BOM = b"\xef\xbb\xbf"
_MOST_EMPTY_BYTES = 400
_BYTES_PER_TOKEN = 4
_MOST_ERROR_BYTES = 65_536
_TOO_LONG = (
    b'{"error":{"message":"The upstream failed in the middle of its answer. Try again, or use another model.",'
    b'"type":"provider_error","code":502}}'
)


class PassingStream(ABC):
    """One streamed reply on its way to the client.

    `feed(chunk)` takes upstream's bytes and gives the client's; `finish()` is called at a clean end and gives the rest,
    with a terminal event if upstream sent none. Read after that, or at any moment: `usage`, `finish_reason`, `is_done`
    (upstream said it is complete), `error` (the error object it sent), `failed_at_once` (it was the first event), `events`, `event_bytes`.

    A dialect says by `marks` which events matter, and looks at them in `_see`.
    """

    marks: ClassVar[tuple[bytes, ...]]

    __slots__ = (
        "_empty_bytes",
        "_seen",
        "_splitter",
        "error",
        "event_bytes",
        "events",
        "failed_at_once",
        "finish_reason",
        "is_done",
        "usage",
    )

    def __init__(self) -> None:
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
        if not self._may_end():
            raise Fault(
                Kind.UPSTREAM_DISCONNECT,
                "The upstream ended its stream without finishing the answer.",
                detail="no finish reason, no usage, no terminal event",
            )
        return out + self._ending()

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
        mark = _first_mark(block, self.marks)
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
                kept.append(self._ending())
            if self.has_ended:
                return b"".join(kept)
            self._seen += 1
        return b"".join(kept) + block[end:]

    @abstractmethod
    def _see(self, event: Event, raw: bytes) -> bytes:
        """Take note of one event; give the bytes that the client sees of it."""

    @abstractmethod
    def _ending(self) -> bytes:
        """The dialect's terminal event, for a stream that ends without one."""

    @abstractmethod
    def _error_in(self, body: bytes) -> bytes | None:
        """The error object of a whole JSON body, which some servers answer a stream request with; None if it is none."""

    def _may_end(self) -> bool:
        """Whether a clean end without a terminal event is the end of the answer."""
        return self.finish_reason is not None or self.usage.is_known

    def _refuse(self, body: bytes) -> None:
        self.error = self._error_in(body)
        self.failed_at_once = True
        if self.error is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no event stream.",
                detail=repr(body[:200]),
            )


def struck(event: Event, raw: bytes) -> tuple[Event, bytes]:
    """An upstream's error without its keys, accounts and addresses; as it came if it names none."""
    data = strike_json(event.data) if len(event.data) <= _MOST_ERROR_BYTES else _TOO_LONG
    if data == event.data:
        return event, raw
    return Event(event.name, data, event.id), with_data(event, raw, data)


def with_data(event: Event, raw: bytes, data: bytes) -> bytes:
    """An event's bytes with other data.

    Comments, id and line ends stay; only data in several lines, which nobody sends, is written anew.
    """
    if event.data in raw:
        return raw.replace(event.data, data)
    return event_bytes(data.replace(b"\n", b"\ndata: "), event.name)


def _first_mark(block: bytes, marks: tuple[bytes, ...]) -> int:
    """Offset of the first thing that may matter to us, -1 if the block holds none."""
    first = -1
    for mark in marks:
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
        if event.data.strip() != b"[DONE]" and not is_json(event.data):
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
