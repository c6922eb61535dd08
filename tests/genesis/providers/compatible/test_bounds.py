"""A reply may not grow without end."""

import pytest

from genesis.core.fault import ProviderError
from genesis.providers.compatible.bounds import BoundedStream


class Pieces:
    def __init__(self, *pieces):
        self.pieces = pieces
        self.is_closed = False

    async def __aiter__(self):
        for piece in self.pieces:
            yield piece

    async def aclose(self):
        self.is_closed = True


async def read(*pieces, most_line=10, most=30):
    return [one async for one in BoundedStream(Pieces(*pieces), most_line=most_line, most=most)]


async def test_what_fits_passes():
    pieces = [b"data: 1\n", b"123456789", b"0\n12345", b"67890"]
    assert await read(*pieces) == pieces


@pytest.mark.parametrize("pieces", [[b"12345678901"], [b"a\n12345", b"678901"], [b"123\n"] * 8])
async def test_a_line_or_a_reply_that_is_too_long_is_an_error(pieces):
    with pytest.raises(ProviderError, match="Exceeded the size limit"):
        await read(*pieces)


async def test_closing_closes_what_is_inside():
    inner = Pieces()
    await BoundedStream(inner).aclose()
    assert inner.is_closed
