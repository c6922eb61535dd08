"""Asks an OpenAI-compatible server: its models, and a streamed answer."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

import httpx

from genesis.core.events import StreamEvent
from genesis.providers.compatible.asking import (
    Post,
    ask,
    headers_of,
    read_bounded,
    stream_headers,
    url_under,
)
from genesis.providers.compatible.body import body_of, encoded, extra_body
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.stream import ChunkReader
from genesis.providers.provider import ChatRequest, Endpoint

_LIST_BYTES = 32 * 1024 * 1024
_KEY_HEADERS = frozenset({"authorization"})


class ListingError(Exception):
    """A server's models could not be had; the text says why, in few words."""


async def list_models(
    endpoint: Endpoint,
    timeout_s: float,
    *,
    with_key: bool,
    connections: Connections | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """GET `models`: status and body, all of it within the time. Raises ListingError."""
    try:
        async with asyncio.timeout(timeout_s):
            return await _listed(
                endpoint, timeout_s, connections or Connections(), with_key, headers
            )
    except TimeoutError:
        raise ListingError(f"no answer within {timeout_s:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise ListingError(str(error) or type(error).__name__) from error


async def _listed(
    endpoint: Endpoint,
    timeout_s: float,
    connections: Connections,
    with_key: bool,
    headers: Mapping[str, str] | None,
) -> tuple[int, bytes]:
    ours = {"Accept": "application/json"} | dict(headers or {})
    if with_key:
        ours |= bearer(endpoint)
    sent = headers_of(endpoint, ours, without=frozenset() if with_key else _KEY_HEADERS)
    url = url_under(endpoint.base_url, "models")
    async with (
        connections.client() as client,
        # A public list may have moved; a key is not carried after it.
        client.stream(
            "GET", url, headers=sent, timeout=timeout_s, follow_redirects=not with_key
        ) as response,
    ):
        return response.status_code, await read_bounded(response, _LIST_BYTES)


def stream_chat(
    endpoint: Endpoint,
    request: ChatRequest,
    body: dict[str, Any] | None = None,
    *,
    provider: str,
    headers: Mapping[str, str] | None = None,
    connections: Connections | None = None,
) -> AsyncGenerator[StreamEvent, None]:
    """One answer as it comes. `body` is what a provider's wrapper made of the request; `headers` are its own.

    Raises ProviderError, or GenesisError for settings that cannot be used. Closing it ends the request.
    """
    model = request.model.id
    payload = (body_of(request) if body is None else body) | extra_body(request)
    post = Post(
        url=url_under(endpoint.base_url, "chat/completions"),
        headers=stream_headers(endpoint, dict(headers or {}) | bearer(endpoint)),
        body=encoded(payload),
        provider=provider,
        model=model,
        key=endpoint.key,
    )
    reader = ChunkReader(request.model.cost, provider=provider, model=model)
    return ask(post, reader, connections or Connections())


def bearer(endpoint: Endpoint) -> dict[str, str]:
    """The header that carries the key, if there is one."""
    return {"Authorization": f"Bearer {endpoint.key.reveal()}"} if endpoint.key else {}
