"""What a client sends: the body, bounded; the credential; the attribution headers."""

import asyncio
import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

import msgspec
import zstandard

from kilo_gateway.core.fault import Fault, Kind

if TYPE_CHECKING:
    from kilo_gateway.edge.repeat import Repeat

# Gives the next bytes of a body as they come, b"" at its end. Raises ClientGoneError.
NextPiece = Callable[[], Awaitable[bytes]]
HeaderMap = Mapping[bytes, bytes]

_ANONYMOUS = b"anonymous"
_ZSTD_WINDOW_BYTES = 8 * 1024 * 1024
_ZSTD_STEP_BYTES = (
    1024  # at most 256 blocks, each of 128 KiB at most: 32 MiB before size is looked at
)
_KEY_HEADERS = (b"x-api-key", b"x-goog-api-key", b"api-key")


class Inbound(msgspec.Struct, eq=False):
    """One request in progress: what its head told, when it came (monotonic seconds), and its body as it arrives.

    Of a header that is sent twice the last one counts. `repeat` is set if the head was recognised: then what was read of
    it before holds. `dialect` is that of its path, in which faults are told. `id` names the request to people,
    `entry_id` is what that was made from, if we made it. `wait` waits until more of the body has come; `pieces` are
    those that nobody has taken yet. Once `is_answered`, what still comes is dropped.
    """

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    arrived: float
    wait: "Callable[[Inbound], Awaitable[None]]"
    keep_alive: bool = True
    wants_chunks: bool = True
    is_complete: bool = False
    pieces: list[bytes] = []
    buffered: int = 0
    repeat: "Repeat | None" = None
    expects_continue: bool = False
    is_answered: bool = False
    waiter: asyncio.Future[None] | None = None
    id: str = ""
    entry_id: str = ""
    dialect: str = "openai_chat"

    async def next_piece(self) -> bytes:
        """The body's next bytes, b"" at its end. Raises ClientGoneError."""
        while not self.pieces:
            if self.is_complete:
                return b""
            await self.wait(self)
        data = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        self.pieces.clear()
        self.buffered = 0
        return data

    def whole(self) -> bytes | None:
        """The body (once), if all of it is here; None if more is to come, or it came in many pieces."""
        pieces = self.pieces
        if not self.is_complete or len(pieces) > 1:
            return None
        self.buffered = 0
        return pieces.pop() if pieces else b""

    def wake(self) -> None:
        """Something has come: whoever waits goes on."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class ClientGoneError(Exception):
    """The client left while it was still sending; there is nobody to answer."""


def credential(headers: HeaderMap) -> bytes | None:
    """The key that a request presents, or None. `Bearer anonymous` is none (gateway.md 2.3)."""
    value = headers.get(b"authorization")
    if value is not None and value[:7].lower() == b"bearer ":
        key = value[7:].strip()
        if key and key != _ANONYMOUS:
            return key
    for name in _KEY_HEADERS:
        key = headers.get(name, b"").strip()
        if key:
            return key
    return None


async def read_body(next_piece: NextPiece, headers: HeaderMap, limit_bytes: int) -> bytes:
    """The whole body, decompressed. Raises Fault request_too_large, unsupported_encoding or invalid_request, and
    ClientGoneError. How long a client may take is the listener's to watch."""
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    body = await next_piece()
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    if body and (more := await next_piece()):
        body = await _read_rest(next_piece, [body, more], limit_bytes)
    return unpacked(body, headers, limit_bytes)


def unpacked(body: bytes, headers: HeaderMap, limit_bytes: int) -> bytes:
    """A body that has come, decompressed. Raises Fault as `read_body` does."""
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    encoding = headers.get(b"content-encoding")
    return body if encoding is None else decompress(body, encoding, limit_bytes)


async def _read_rest(next_piece: NextPiece, pieces: list[bytes], limit_bytes: int) -> bytes:
    size = sum(map(len, pieces))
    while size <= limit_bytes:
        piece = await next_piece()
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
    raise _too_large(limit_bytes)


def decompress(body: bytes, encoding: bytes, limit_bytes: int) -> bytes:
    """Undo a request's `Content-Encoding` (gzip, zstd), never making more than the limit."""
    name = encoding.strip().lower()
    if name in {b"", b"identity"}:
        return body
    try:
        if name in {b"gzip", b"x-gzip"}:
            plain = _gunzip(body, limit_bytes)
        elif name == b"zstd":
            plain = _unzstd(body, limit_bytes)
        else:
            raise Fault(
                Kind.UNSUPPORTED_ENCODING,
                "The Content-Encoding of the request is not supported: send gzip, zstd or none.",
            )
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise Fault(
            Kind.INVALID_REQUEST, f"The request body is not valid {name.decode('latin-1')}."
        ) from None
    if len(plain) > limit_bytes:
        raise _too_large(limit_bytes)
    return plain


def _gunzip(body: bytes, limit_bytes: int) -> bytes:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    plain = inflater.decompress(body, limit_bytes + 1)
    if len(plain) <= limit_bytes and (not inflater.eof or inflater.unused_data):
        raise EOFError
    return plain


def _unzstd(body: bytes, limit_bytes: int) -> bytes:
    inflater = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
    plain = bytearray()
    for start in range(0, len(body), _ZSTD_STEP_BYTES):
        plain += inflater.decompress(body[start : start + _ZSTD_STEP_BYTES])
        if len(plain) > limit_bytes:
            return bytes(plain)
    if not inflater.eof or inflater.unused_data:
        raise EOFError
    return bytes(plain)


def _too_large(limit_bytes: int) -> Fault:
    return Fault(
        Kind.BODY_TOO_LARGE,
        f"The request body is larger than {limit_bytes:,} bytes (server.max_body_bytes).",
    )
