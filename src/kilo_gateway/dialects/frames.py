"""AWS event stream frames (application/vnd.amazon.eventstream), read incrementally and written.

    total length u32 | headers' length u32 | CRC-32 of these 8 bytes | headers | payload | CRC-32 of all before it

Numbers are big-endian. A header is a name of 1-255 bytes, a byte for its type, and a value; only texts are kept, since
all that Bedrock sends are such (`:message-type`, `:event-type`, `:exception-type`, `:content-type`).

Every way of cutting the bytes into chunks gives the same frames. Both checksums are checked, and lengths are bounded before
anything is kept, so that what is no event stream is found out within its first twelve bytes.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from zlib import crc32

import msgspec

from kilo_gateway.core.fault import Fault, Kind

# What AWS allows: 16 MiB of payload, 128 KiB of headers.
MOST_HEADER_BYTES = 128 * 1024
MOST_FRAME_BYTES = 16 * 1024 * 1024 + MOST_HEADER_BYTES + 16
_PRELUDE_BYTES = 12
_CRC_BYTES = 4
_PRELUDE = struct.Struct(">III")
_LENGTHS = struct.Struct(">II")
_NUMBER = struct.Struct(">I")
_SHORT = struct.Struct(">H")
_TEXT, _BYTES = 7, 6
# Bytes of a value by its type: true, false, byte, short, integer, long, (bytes, text), timestamp, UUID.
_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One frame: its headers that are texts, its payload, and all of it as it came."""

    headers: Mapping[str, str]
    payload: bytes
    raw: bytes

    @property
    def event(self) -> str:
        """The type of the event, or of the exception; "" if it names none."""
        headers = self.headers
        return headers.get(":event-type") or headers.get(":exception-type") or ""

    @property
    def is_failure(self) -> bool:
        """Whether the frame tells of an error: an exception of the service's model, or an error outside of it."""
        return self.headers.get(":message-type") in {"exception", "error"}


class Frames:
    """Cuts a byte stream into frames: `feed(chunk)` gives those that became complete.

    Raises Fault upstream_invalid_reply for what is no event stream, or is damaged.
    """

    __slots__ = ("_held", "_needed")

    def __init__(self) -> None:
        self._held = bytearray()
        self._needed = _PRELUDE_BYTES

    @property
    def held_bytes(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._held)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take a chunk, give the frames that it completed."""
        held = self._held
        held += chunk
        if len(held) < self._needed:
            return []
        frames: list[Frame] = []
        position = 0
        while len(held) - position >= _PRELUDE_BYTES:
            size = _checked_size(held, position)
            if len(held) - position < size:
                self._needed = size
                break
            frames.append(_frame(bytes(held[position : position + size])))
            position += size
        else:
            self._needed = _PRELUDE_BYTES
        del held[:position]
        return frames


def _checked_size(held: bytearray, position: int) -> int:
    """The size of the frame whose prelude begins at an offset."""
    size, header_bytes, checksum = _PRELUDE.unpack_from(held, position)
    if crc32(held[position : position + 8]) != checksum:
        raise _garbage(f"the checksum of a prelude is wrong: {bytes(held[position:][:40])!r}")
    if not _PRELUDE_BYTES + _CRC_BYTES + header_bytes <= size <= MOST_FRAME_BYTES:
        raise _garbage(f"a frame of {size} bytes with {header_bytes} bytes of headers")
    if header_bytes > MOST_HEADER_BYTES:
        raise _garbage(f"{header_bytes} bytes of headers")
    return int(size)


def _frame(raw: bytes) -> Frame:
    body = memoryview(raw)[:-_CRC_BYTES]
    if crc32(body) != _NUMBER.unpack_from(raw, len(body))[0]:
        raise _garbage("the checksum of a frame is wrong")
    end = _PRELUDE_BYTES + _NUMBER.unpack_from(raw, 4)[0]
    try:
        headers = dict(_headers(raw, end))
    except (struct.error, UnicodeDecodeError, KeyError, ValueError):
        raise _garbage("the headers of a frame cannot be read") from None
    return Frame(headers, raw[end:-_CRC_BYTES], raw)


def _headers(raw: bytes, end: int) -> Iterator[tuple[str, str]]:
    at = _PRELUDE_BYTES
    while at < end:
        begin = at + 1
        at = begin + raw[at]
        name, kind = raw[begin:at].decode(), raw[at]
        at += 1
        if kind in {_TEXT, _BYTES}:
            size = _SHORT.unpack_from(raw, at)[0]
            at += 2
        else:
            size = _SIZES[kind]
        if at + size > end:
            raise ValueError(name)
        if kind == _TEXT:
            yield name, raw[at : at + size].decode()
        at += size


def _garbage(detail: str) -> Fault:
    return Fault(
        Kind.UPSTREAM_GARBAGE,
        "The upstream answered with something that is no event stream.",
        detail=detail,
    )


def frame_bytes(headers: Mapping[str, str], payload: bytes) -> bytes:
    """A frame with these headers, all of them texts."""
    told = b"".join(
        b"%c%b\x07%b%b" % (len(name.encode()), name.encode(), _SHORT.pack(len(value)), value)
        for name, value in ((name, value.encode()) for name, value in headers.items())
    )
    lengths = _LENGTHS.pack(_PRELUDE_BYTES + len(told) + len(payload) + _CRC_BYTES, len(told))
    body = b"".join((lengths, _NUMBER.pack(crc32(lengths)), told, payload))
    return body + _NUMBER.pack(crc32(body))


def event_frame(event: str, payload: bytes) -> bytes:
    """An event with JSON in it, as the service writes it."""
    return frame_bytes(
        {":event-type": event, ":content-type": "application/json", ":message-type": "event"},
        payload,
    )


def exception_frame(exception: str, payload: bytes) -> bytes:
    """An error with JSON in it, which ends the stream."""
    return frame_bytes(
        {
            ":exception-type": exception,
            ":content-type": "application/json",
            ":message-type": "exception",
        },
        payload,
    )


def redacted(out: bytes, redact: Callable[[bytes], bytes]) -> bytes:
    """Whole frames, their payloads redacted."""
    return b"".join(
        frame_bytes(frame.headers, redact(frame.payload)) for frame in Frames().feed(out)
    )
