"""Server-sent events, read incrementally: every way of cutting the bytes into chunks gives the same events.

What real servers send, and what is read here: LF, CRLF or CR line ends, `data:` with and without the space, comments
(lines that begin with a colon), a byte order mark, several `data` lines in one event, half a UTF-8 character at the
end of a chunk, and a last event without its blank line. The grammar is WHATWG HTML section 9.2.

Two readers for two needs. `Splitter` only finds where events end, so that whole events can be passed on as the bytes
they came in: nothing is decoded. `Reader` also takes the events apart.
"""

from collections.abc import Iterator

import msgspec

from kilo_gateway.core.fault import Fault, Kind

MAX_EVENT_BYTES = 16 * 1024 * 1024
_BOM = b"\xef\xbb\xbf"


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event: `name` is "" when the stream gave none; `data` is its data lines joined by a newline."""

    name: str
    data: bytes
    id: str = ""


class Splitter:
    """Cuts a byte stream behind complete events.

    `feed(chunk)` gives all bytes up to the end of the last complete event (b"" if there is none yet); `rest()` gives
    what is left at the end of the stream. Raises Fault upstream_invalid_reply when one event passes the limit.
    """

    __slots__ = ("_held", "_held_bytes", "_limit")

    def __init__(self, limit_bytes: int = MAX_EVENT_BYTES) -> None:
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._limit = limit_bytes

    def feed(self, chunk: bytes) -> bytes:
        """Take a chunk, give the complete events."""
        if not self._held:
            if chunk.endswith((b"\n\n", b"\r\n\r\n")):
                return chunk
        elif b"\n" in chunk or b"\r" in chunk or self._held[-1].endswith((b"\n", b"\r")):
            chunk = b"".join((*self._held, chunk))
            self._held.clear()
            self._held_bytes = 0
        else:
            return self._hold(chunk)
        cut = _last_border(chunk)
        if cut < len(chunk):
            self._hold(chunk[cut:])
        return chunk[:cut]

    def rest(self) -> bytes:
        """What came after the last complete event; empties the splitter."""
        left = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        return left

    def _hold(self, chunk: bytes) -> bytes:
        self._held.append(chunk)
        self._held_bytes += len(chunk)
        if self._held_bytes > self._limit:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream sent an event that is too large.",
                detail=f"more than {self._limit} bytes without an event's end",
            )
        return b""


def _last_border(data: bytes) -> int:
    """Offset behind the last blank line, 0 if there is none."""
    cut = data.rfind(b"\n\n") + 2
    if b"\r" in data:
        cut = max(cut, data.rfind(b"\n\r\n") + 3, data.rfind(b"\r\r") + 2)
        return cut if cut > 3 or _is_border(data[:cut]) else 0
    return cut if cut > 1 else 0


def _is_border(head: bytes) -> bool:
    return head.endswith((b"\n\n", b"\n\r\n", b"\r\r"))


class Reader:
    """Takes a stream apart: `feed(chunk)` gives the events that became complete, `close()` a last unfinished one."""

    __slots__ = ("_splitter", "_started")

    def __init__(self, limit_bytes: int = MAX_EVENT_BYTES) -> None:
        self._splitter = Splitter(limit_bytes)
        self._started = False

    def feed(self, chunk: bytes) -> list[Event]:
        """Take a chunk, give the events that it completed."""
        return self._events(self._splitter.feed(chunk))

    def close(self) -> list[Event]:
        """The stream has ended: a last event without its blank line counts."""
        return self._events(self._splitter.rest())

    def _events(self, block: bytes) -> list[Event]:
        if not block:
            return []
        if not self._started:
            self._started = True
            block = block.removeprefix(_BOM)
        return events_in(block)


def events_in(block: bytes) -> list[Event]:
    """The events of a block that ends at an event's end, as `events_of` gives them, without their bytes."""
    if b"\r" in block:
        plain = block.replace(b"\r\n", b"\n")
        if b"\r" in plain:
            return [event for event, _ in events_of(block)]
        block = plain
    events = list[Event]()
    for piece in block.split(b"\n\n"):
        event = _usual(piece)
        if event is not None:
            events.append(event)
        elif piece:
            events += [event for event, _ in events_of(piece)]
    return events


def _usual(piece: bytes) -> Event | None:
    """An event in one of the two shapes that nearly all have, a line of data or a name and a line of data; None if it has another.

    Streams that are translated are taken apart event by event: line by line, that cost more than to write the new events.
    """
    name = ""
    if piece.startswith(b"event: "):
        head, _, piece = piece.partition(b"\n")
        name = head[7:].decode(errors="replace")
    if piece.startswith(b"data: ") and b"\n" not in piece:
        return Event(name, piece[6:])
    return None


def events_of(block: bytes) -> Iterator[tuple[Event, bytes]]:
    """Events of a block that ends at an event's end, each with its own bytes (comments in front of it included).

    Bytes that hold no event (comments only, blank lines) come with the event that follows them; trailing ones are
    not given.
    """
    start = 0
    name, ident, data = "", "", list[bytes]()
    for line, end in _lines(block):
        if line:
            key, _, value = line.partition(b":")
            value = value.removeprefix(b" ")
            if key == b"data":
                data.append(value)
            elif key == b"event":
                name = value.decode(errors="replace")
            elif key == b"id":
                ident = value.decode(errors="replace")
            continue
        if data:
            yield Event(name, b"\n".join(data), ident), block[start:end]
            start = end
        name, ident, data = "", "", []
    if data:
        yield Event(name, b"\n".join(data), ident), block[start:]


def _lines(block: bytes) -> Iterator[tuple[bytes, int]]:
    """Lines without their ends, and the offset behind each end. LF, CRLF and CR all end a line."""
    position, size = 0, len(block)
    has_cr = b"\r" in block
    while position < size:
        newline = block.find(b"\n", position)
        end = newline if newline >= 0 else size
        if has_cr:
            carriage = block.find(b"\r", position, end)
            if carriage >= 0:
                after = (
                    carriage + 2 if block[carriage + 1 : carriage + 2] == b"\n" else carriage + 1
                )
                yield block[position:carriage], after
                position = after
                continue
        yield block[position:end], end + 1
        position = end + 1


def event_bytes(data: bytes, name: str = "") -> bytes:
    """One event as it goes to a client. `data` must hold no line end."""
    head = b"event: " + name.encode() + b"\n" if name else b""
    return head + b"data: " + data + b"\n\n"


def comment_bytes(text: str) -> bytes:
    """A comment, which every conforming client ignores: our keep-alive."""
    return b": " + text.encode() + b"\n\n"
