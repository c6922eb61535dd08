"""Decoders: equal bytes for any chunking, clear faults, bounded pieces."""

import gzip
import itertools
import zlib
from collections.abc import Callable

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.encodings import decoder


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate raw": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "identity, GZIP": gzip.compress,
}
TEXT = b"".join(b'data: {"choices":[{"delta":{"content":"word %d"}}]}\n\n' % n for n in range(200))


def named(encoding: str) -> bytes:
    return encoding.removesuffix(" raw").encode()


def unpack(encoding: str, *pieces: bytes) -> bytes:
    undo = decoder(named(encoding))
    assert undo is not None
    data = b"".join(part for piece in pieces for part in undo.decode(piece))
    undo.finish()
    return data


def test_identity_needs_no_decoder():
    assert decoder(b"identity") is None
    assert decoder(b"") is None


@pytest.mark.parametrize("encoding", PACKERS)
def test_what_was_packed_comes_out(encoding):
    assert unpack(encoding, PACKERS[encoding](TEXT)) == TEXT


@pytest.mark.parametrize("encoding", PACKERS)
def test_byte_by_byte_gives_the_same(encoding):
    packed = PACKERS[encoding](TEXT)
    assert unpack(encoding, *(packed[n : n + 1] for n in range(len(packed)))) == TEXT


@given(
    encoding=st.sampled_from(sorted(PACKERS)),
    data=st.binary(max_size=2000),
    cuts=st.lists(st.integers(0, 2000)),
)
def test_any_chunking_gives_the_same(encoding, data, cuts):
    packed = PACKERS[encoding](data)
    borders = [0, *sorted(min(cut, len(packed)) for cut in cuts), len(packed)]
    assert unpack(encoding, *(packed[a:b] for a, b in itertools.pairwise(borders))) == data


@pytest.mark.parametrize("encoding", PACKERS)
def test_an_empty_body_is_fine(encoding):
    assert unpack(encoding) == b""


@pytest.mark.parametrize("encoding", PACKERS)
def test_a_truncated_body_is_a_fault(encoding):
    packed = PACKERS[encoding](TEXT)
    for cut in (1, len(packed) // 2, len(packed) - 1):
        with pytest.raises(Fault) as caught:
            unpack(encoding, packed[:cut])
        assert caught.value.kind == Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize("encoding", PACKERS)
def test_what_is_not_packed_is_a_fault(encoding):
    with pytest.raises(Fault) as caught:
        unpack(encoding, b'{"plain":"text, as some servers send whatever they said"}' * 10)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize("encoding", PACKERS)
def test_bytes_after_the_end_are_a_fault(encoding):
    with pytest.raises(Fault):
        unpack(encoding, PACKERS[encoding](TEXT) + b"surplus bytes")
    with pytest.raises(Fault):
        unpack(encoding, PACKERS[encoding](TEXT), b"surplus bytes")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_members_one_after_the_other_are_one_body(encoding):
    pack = PACKERS[encoding]
    assert unpack(encoding, pack(b"one") + pack(b"two"), pack(b"three")) == b"onetwothree"


@pytest.mark.parametrize("encoding", [b"lzma", b"gzip, lzma", b"gzip, gzip, gzip", b"chunked"])
def test_an_unknown_encoding_or_too_many_are_a_fault(encoding):
    with pytest.raises(Fault) as caught:
        decoder(encoding)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "deflate raw", "br"])
def test_a_bomb_gives_small_pieces_that_are_made_as_they_are_taken(encoding):
    undo = decoder(named(encoding))
    assert undo is not None
    pieces = undo.decode(PACKERS[encoding](bytes(30_000_000)))
    assert all(len(next(pieces)) <= 128 * 1024 for _ in range(20))


def test_a_zstd_bomb_is_a_fault():
    with pytest.raises(Fault) as caught:
        unpack("zstd", zstd(bytes(300_000_000)))
    assert "bomb" in caught.value.detail


def test_a_zstd_frame_that_wants_a_huge_window_is_a_fault():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = packer.compress(TEXT * 10) + packer.flush()
    with pytest.raises(Fault):
        unpack("zstd", packed)


def test_an_event_comes_out_as_soon_as_the_server_flushed_it():
    packer = zlib.compressobj(wbits=31)
    first = packer.compress(b"data: 1\n\n") + packer.flush(zlib.Z_SYNC_FLUSH)
    undo = decoder(b"gzip")
    assert undo is not None
    assert b"".join(undo.decode(first)) == b"data: 1\n\n"
