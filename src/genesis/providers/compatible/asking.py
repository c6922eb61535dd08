"""Asks a server for a streamed answer: one POST, its events to a reader, whatever fails as a ProviderError."""

from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from typing import Protocol

import httpx
import httpx_sse
import msgspec

from genesis.core.events import StreamEvent
from genesis.core.fault import ProviderError
from genesis.core.secret import Secret
from genesis.providers.compatible.bounds import BoundedStream
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.faults import from_network, refused, without_secrets
from genesis.providers.provider import Endpoint

ERROR_BYTES = 64 * 1024
_AGENT = "genesis/0.1"
_DONE = "[DONE]"
# A shorter value of a header is a word that may stand in any error.
_SHORTEST = 8
# Headers whose values anybody may read.
_PUBLIC = frozenset({b"accept", b"accept-encoding", b"content-type", b"user-agent", b"x-kilocode-feature", b"anthropic-version", b"anthropic-beta"})  # fmt: skip
# Not compressed: what comes is small pieces, and the size limit counts what comes.
_STREAM_HEADERS = {
    "Accept": "text/event-stream",
    "Accept-Encoding": "identity",
    "Content-Type": "application/json",
}


class Post(msgspec.Struct, frozen=True):
    """What is sent. `key` is known here so that it can be taken out of what the server says."""

    url: str
    headers: Mapping[bytes, bytes]
    body: bytes
    provider: str
    model: str
    key: Secret | None = None


class Reader(Protocol):
    """Makes StreamEvents of one answer's events."""

    @property
    def has_content(self) -> bool:
        """Has anything come that a person could see?"""
        ...

    @property
    def has_ended(self) -> bool:
        """Did the model say that it is done?"""
        ...

    def headers(self, headers: Mapping[str, str]) -> None:
        """What the reply's headers say."""
        ...

    def feed(self, data: str) -> Iterator[StreamEvent]:
        """One event's data."""
        ...

    def end(self, *, is_told: bool) -> Iterator[StreamEvent]:
        """The stream is over; `is_told`: the server said so."""
        ...


def url_under(base_url: str, path: str) -> str:
    """A path below a base URL, whether that ends with a slash or not."""
    return f"{base_url.rstrip('/')}/{path}"


def headers_of(
    endpoint: Endpoint, ours: Mapping[str, str], *, without: frozenset[str] = frozenset()
) -> Mapping[bytes, bytes]:
    """The headers of a request: the settings', and ours over them whatever case they are written in.

    `without` names, in lower case, those of the settings that are not sent.
    """
    taken = {name.lower() for name in ours} | without
    theirs = {name: one for name, one in endpoint.headers.items() if name.lower() not in taken}
    headers = theirs | dict(ours)
    if not any(name.lower() == "user-agent" for name in headers):
        headers["User-Agent"] = _AGENT
    # Keys may have letters up to U+00FF, which httpx would not take as text.
    return {
        name.encode("ascii", "replace"): value.encode("latin-1", "replace")
        for name, value in headers.items()
    }


def stream_headers(endpoint: Endpoint, ours: Mapping[str, str]) -> Mapping[bytes, bytes]:
    """The headers of a request for a streamed answer."""
    return headers_of(endpoint, _STREAM_HEADERS | dict(ours))


async def ask(
    post: Post, reader: Reader, connections: Connections
) -> AsyncGenerator[StreamEvent, None]:
    """One answer as it comes. Raises ProviderError, or GenesisError for settings that cannot be used."""
    try:
        async with (
            connections.client() as client,
            client.stream("POST", post.url, headers=post.headers, content=post.body) as response,
            aclosing(_answer(response, reader, post)) as events,
        ):
            async for event in events:
                yield event
    except ProviderError as error:
        raise _told(error, post, reader) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        fault = from_network(error, provider=post.provider, model=post.model)
        raise (_told(fault, post, reader) if isinstance(fault, ProviderError) else fault) from None


async def read_bounded(response: httpx.Response, most: int, *, is_cut: bool = False) -> bytes:
    """The body of a reply; of one that is longer, its beginning (`is_cut`), or httpx.ReadError."""
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > most:
            if is_cut:
                break
            raise httpx.ReadError(f"the reply is larger than {most} bytes")
    return bytes(body[:most])


def _told(error: ProviderError, post: Post, reader: Reader) -> ProviderError:
    error.provider, error.model = post.provider, post.model
    error.streamed = reader.has_content
    return without_secrets(error, _private(post))


def _private(post: Post) -> list[str]:
    """The key, and what the settings' headers carry."""
    values = [value.decode("latin-1") for name, value in post.headers.items() if name.lower() not in _PUBLIC]  # fmt: skip
    values += [value.partition(" ")[2] for value in values]  # what stands behind `Bearer`
    return [
        *(one for one in values if len(one) >= _SHORTEST),
        post.key.reveal() if post.key else "",
    ]


async def _answer(
    response: httpx.Response, reader: Reader, post: Post
) -> AsyncGenerator[StreamEvent, None]:
    if response.status_code != 200:
        body = await read_bounded(response, ERROR_BYTES, is_cut=True)
        raise refused(response, body, provider=post.provider, model=post.model)
    reader.headers(response.headers)
    is_told = False
    try:
        async with aclosing(_events(response)) as events:
            async for data in events:
                if data == _DONE:
                    is_told = True
                    break
                for one in reader.feed(data):
                    yield one
    except httpx.HTTPError:
        # A connection that breaks after the model's last word takes nothing away.
        if not reader.has_ended:
            raise
    for one in reader.end(is_told=is_told):
        yield one


async def _events(response: httpx.Response) -> AsyncGenerator[str, None]:
    """The data of the server-sent events of a reply, within bounds."""
    if response.headers.get("content-encoding", "").lower() not in {"", "identity"}:
        raise ProviderError("The provider answered with a compressed stream, unasked.")
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = BoundedStream(response.stream)
    try:
        async with aclosing(httpx_sse.EventSource(response).aiter_sse()) as events:
            async for event in events:
                data = event.data.strip()
                if data:
                    yield data
    except httpx_sse.SSEError:
        raise ProviderError(
            "The provider answered with something that is no event stream: is the baseUrl right?"
        ) from None
