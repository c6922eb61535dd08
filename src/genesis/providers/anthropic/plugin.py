"""Anthropic: the plug-in's Provider, joined from its parts."""

from collections.abc import AsyncIterator
from typing import Any

from genesis.core.events import StreamEvent
from genesis.core.model import Model
from genesis.providers.anthropic.body import body_of
from genesis.providers.anthropic.stream import EventReader
from genesis.providers.compatible.asking import Post, ask, stream_headers, url_under
from genesis.providers.compatible.body import encoded
from genesis.providers.compatible.connections import KeepsConnections
from genesis.providers.compatible.discovery import DISCOVERY_S, Listing, discovered
from genesis.providers.compatible.listing import id_of
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "anthropic"
VERSION = "2023-06-01"
CONTEXT_WINDOW = 200_000
MAX_TOKENS = 64_000


def provider() -> "Anthropic":
    """The plug-in, for the entry point."""
    return Anthropic()


class Anthropic(KeepsConnections):
    """Anthropic's API, or one that speaks it at another base URL."""

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = DISCOVERY_S, warn: Warn
    ) -> list[Model]:
        """Its models; none beyond the static ones, with a warning, when they cannot be had. Never raises."""
        listing = Listing(
            name=endpoint.provider or ID,
            model_of=_model,
            instead="Those that are known are used.",
            with_key=False,
            headers=_headers(endpoint),
        )
        return await discovered(endpoint, listing, self._connections, timeout_s, warn)

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


def _model(entry: Any) -> Model | None:
    ident = id_of(entry)
    if not ident:
        return None
    name = entry.get("display_name")
    return Model(
        ident,
        name if isinstance(name, str) and name else ident,
        reasoning=True,
        input=("text", "image"),
        context_window=CONTEXT_WINDOW,
        max_tokens=MAX_TOKENS,
    )
