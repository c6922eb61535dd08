"""Decoders: undo the content-encoding of a reply piece by piece, with bounded output per piece. No I/O.

A decoder never holds more than one piece (64 KiB; zstd: what 4 KiB of input give, at most 4 MiB), so that a bomb costs
only what its reader takes. Unknown, broken or truncated encodings are Fault(UPSTREAM_GARBAGE).
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import brotli
import zstandard

from kilo_gateway.core.fault import Fault, Kind

_PIECE_BYTES: Final = 64 * 1024
_ZSTD_INPUT_BYTES: Final = 4 * 1024
_ZSTD_OUTPUT_BYTES: Final = 4 * 1024 * 1024
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024  # RFC 9659: more must not be asked of a receiver
_MAX_STACKED: Final = 2


class Decoder(Protocol):
    """Incremental decoder of one body."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Non-empty pieces that `data` gives, made as they are asked for; take all before the next call."""
        ...

    def finish(self) -> None:
        """The body has ended: Fault if the encoding has not (an empty body is fine)."""
        ...


def decoder(content_encoding: bytes) -> Decoder | None:
    """The decoder for a Content-Encoding header; None for identity. Fault(UPSTREAM_GARBAGE) if one is unknown."""
    names = [name.strip().lower() for name in content_encoding.split(b",")]
    names = [name for name in names if name not in {b"", b"identity"}]
    if not names:
        return None
    if len(names) > _MAX_STACKED:
        raise _garbage("The upstream's reply has too many content encodings.", repr(names[:10]))
    for name in names:
        if name not in _MAKERS:
            raise _garbage("The upstream's reply has an unknown content encoding.", repr(name[:80]))
    stages = [_MAKERS[name]() for name in names]
    return stages[0] if len(stages) == 1 else _Stacked(stages[1], stages[0])


def _garbage(message: str, detail: str) -> Fault:
    return Fault(Kind.UPSTREAM_GARBAGE, message, detail=detail)


def _broken(name: str, detail: str) -> Fault:
    return _garbage("The upstream's reply could not be decompressed.", f"{name}: {detail}")


class _Gzip:
    """gzip, of one or more members (RFC 1952)."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(wbits=31)
        self._is_inside = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member.eof:
                self._member = zlib.decompressobj(wbits=31)
            self._is_inside = True
            try:
                piece = self._member.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise _broken("gzip", str(error)) from None
            self._is_inside = not self._member.eof
            data = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if self._is_inside:
            raise _broken("gzip", "truncated")


class _Deflate:
    """deflate: zlib format as RFC 9110 says, or the bare stream that some servers send."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(wbits=15)
        self._start = b""
        self._is_known = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        if not self._is_known:
            self._start = data = self._start + data
            if len(data) < 2:
                return
            # RFC 1950: method 8, and the first two bytes as a number are a multiple of 31.
            is_zlib = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._stream = zlib.decompressobj(wbits=15 if is_zlib else -15)
            self._is_known = True
        while data:
            if self._stream.eof:
                raise _broken("deflate", "bytes after its end")
            try:
                piece = self._stream.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise _broken("deflate", str(error)) from None
            data = self._stream.unused_data or self._stream.unconsumed_tail
            if piece:
                yield piece

    def finish(self) -> None:
        if self._start and not self._stream.eof:
            raise _broken("deflate", "truncated")


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()
        self._has_input = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._has_input = self._has_input or bool(data)
        while True:
            if data and self._stream.is_finished():
                raise _broken("br", "bytes after its end")
            try:
                piece = self._stream.process(data, output_buffer_limit=_PIECE_BYTES)
            except brotli.error as error:
                raise _broken("br", str(error)) from None
            if piece:
                yield piece
            if self._stream.can_accept_more_data() or self._stream.is_finished():
                return
            data = b""

    def finish(self) -> None:
        if self._has_input and not self._stream.is_finished():
            raise _broken("br", "truncated")


class _Zstd:
    """zstd (RFC 8878), of one or more frames. The library cannot stop in mid-input, so input is fed in slices."""

    def __init__(self) -> None:
        self._maker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
        self._frame = self._maker.decompressobj()
        self._is_inside = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _ZSTD_INPUT_BYTES):
            rest = data[start : start + _ZSTD_INPUT_BYTES]
            while rest:
                if self._frame.eof:
                    self._frame = self._maker.decompressobj()
                try:
                    piece = self._frame.decompress(rest)
                except zstandard.ZstdError as error:
                    raise _broken("zstd", str(error)) from None
                if len(piece) > _ZSTD_OUTPUT_BYTES:
                    raise _broken("zstd", "a bomb")
                self._is_inside = not self._frame.eof
                rest = self._frame.unused_data if self._frame.eof else b""
                if piece:
                    yield piece

    def finish(self) -> None:
        if self._is_inside:
            raise _broken("zstd", "truncated")


class _Stacked:
    """Two encodings, one over the other."""

    def __init__(self, outer: Decoder, inner: Decoder) -> None:
        self._outer = outer
        self._inner = inner

    def decode(self, data: bytes) -> Iterator[bytes]:
        for piece in self._outer.decode(data):
            yield from self._inner.decode(piece)

    def finish(self) -> None:
        self._outer.finish()
        self._inner.finish()


_MAKERS: Final[dict[bytes, Callable[[], Decoder]]] = {
    b"gzip": _Gzip,
    b"x-gzip": _Gzip,
    b"deflate": _Deflate,
    b"br": _Brotli,
    b"zstd": _Zstd,
}
