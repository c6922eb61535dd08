"""Anthropic: the plug-in's Provider, joined from its parts."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import msgspec

from genesis.core.events import StreamEvent
from genesis.core.model import Model
from genesis.providers.anthropic.body import body_of
from genesis.providers.anthropic.stream import EventReader
from genesis.providers.compatible.asking import Post, ask, stream_headers, url_under
from genesis.providers.compatible.body import encoded
from genesis.providers.compatible.client import list_models
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.listing import id_of
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "anthropic"
VERSION = "2023-06-01"
DISCOVERY_S = 5.0
CONTEXT_WINDOW = 200_000
MAX_TOKENS = 64_000


def provider() -> "Anthropic":
    """The plug-in, for the entry point."""
    return Anthropic()


class Anthropic:
    """Anthropic's API, or one that speaks it at another base URL."""

    def __init__(self, connections: Connections | None = None) -> None:
        self._connections = connections or Connections()

    def keep_connections(self) -> None:
        """Requests share connections from now on, until `aclose`."""
        self._connections.keep()

    async def aclose(self) -> None:
        """Close the connections that are kept."""
        await self._connections.aclose()

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = DISCOVERY_S, warn: Warn
    ) -> list[Model]:
        """Its models; none beyond the static ones, with a warning, when they cannot be had. Never raises."""
        try:
            async with asyncio.timeout(timeout_s):
                status, body = await list_models(
                    endpoint,
                    timeout_s,
                    with_key=False,
                    connections=self._connections,
                    headers=_headers(endpoint),
                )
        except TimeoutError:
            return _failed(f"no answer within {timeout_s:g} s", endpoint, warn)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return _failed(str(error) or type(error).__name__, endpoint, warn)
        if status != 200:
            return _failed(f"HTTP {status}", endpoint, warn)
        return _models(body, endpoint, warn)

    def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """One answer as it comes. Raises ProviderError."""
        name, model = endpoint.provider or ID, request.model.id
        post = Post(
            url=url_under(endpoint.base_url, "messages"),
            headers=stream_headers(endpoint, _headers(endpoint)),
            body=encoded(body_of(request)),
            provider=name,
            model=model,
            key=endpoint.key,
        )
        reader = EventReader(request.model.cost, provider=name, model=model)
        return ask(post, reader, self._connections)


def _headers(endpoint: Endpoint) -> dict[str, str]:
    headers = {"anthropic-version": VERSION}
    if endpoint.key:
        headers["x-api-key"] = endpoint.key.reveal()
    return headers


def _failed(why: str, endpoint: Endpoint, warn: Warn) -> list[Model]:
    shown = "".join(char for char in " ".join(why.split()) if char.isprintable())[:300]
    name = endpoint.provider or ID
    warn(f'The models of "{name}" could not be listed: {shown}. Those that are known are used.')
    return []


def _models(body: bytes, endpoint: Endpoint, warn: Warn) -> list[Model]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _failed("the answer is not JSON", endpoint, warn)
    data = content.get("data") if isinstance(content, dict) else None
    if not isinstance(data, list):
        return _failed("the answer has no list of models", endpoint, warn)
    found: dict[str, Model] = {}
    for entry in data:
        if ident := id_of(entry):
            name = entry.get("display_name")
            found.setdefault(
                ident,
                Model(
                    ident,
                    name if isinstance(name, str) and name else ident,
                    reasoning=True,
                    input=("text", "image"),
                    context_window=CONTEXT_WINDOW,
                    max_tokens=MAX_TOKENS,
                ),
            )
    return list(found.values())
