"""BoundedStream: a reply that may not grow without end, so that a broken server cannot fill the memory."""

from collections.abc import AsyncIterable, AsyncIterator

import httpx
from typing_extensions import override

from genesis.core.fault import ProviderError

MOST_LINE_BYTES = 4 * 1024 * 1024
MOST_REPLY_BYTES = 64 * 1024 * 1024


class BoundedStream(httpx.AsyncByteStream):
    """The bytes of a reply, as long as no line and not the whole is too long. Raises ProviderError."""

    def __init__(
        self,
        pieces: AsyncIterable[bytes],
        *,
        most_line: int = MOST_LINE_BYTES,
        most: int = MOST_REPLY_BYTES,
    ) -> None:
        self._pieces = pieces
        self._most_line = most_line
        self._most = most

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        total = line = 0
        async for piece in self._pieces:
            total += len(piece)
            newline = piece.rfind(b"\n")
            line = line + len(piece) if newline < 0 else len(piece) - newline - 1
            if line > self._most_line or total > self._most:
                raise ProviderError("Exceeded the size limit of a streamed reply")
            yield piece

    @override
    async def aclose(self) -> None:
        close = getattr(self._pieces, "aclose", None)
        if close is not None:
            await close()
