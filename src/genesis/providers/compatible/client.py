"""Asks an OpenAI-compatible server: its models, and a streamed answer."""

from collections.abc import AsyncGenerator, Mapping
from typing import Any

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


async def list_models(
    endpoint: Endpoint,
    timeout_s: float,
    *,
    with_key: bool,
    connections: Connections | None = None,
    headers: Mapping[str, str] | None = None,
) -> tuple[int, bytes]:
    """GET `models`: status and body. Raises httpx.HTTPError, httpx.InvalidURL."""
    ours = {"Accept": "application/json"} | dict(headers or {})
    if with_key:
        ours |= bearer(endpoint)
    sent = headers_of(endpoint, ours, without=frozenset() if with_key else _KEY_HEADERS)
    url = url_under(endpoint.base_url, "models")
    async with (
        (connections or Connections()).client() as client,
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
