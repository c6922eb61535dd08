"""OpenAICompatible: models from `GET models` in OpenAI's shape or OpenRouter's, answers from `chat/completions`."""

from collections.abc import AsyncIterator
from typing import Any

from genesis.core.events import StreamEvent
from genesis.core.model import Model
from genesis.providers.compatible.body import body_of
from genesis.providers.compatible.client import stream_chat
from genesis.providers.compatible.connections import KeepsConnections
from genesis.providers.compatible.discovery import DISCOVERY_S, Listing, discovered
from genesis.providers.compatible.listing import MALFORMED, id_of, model_of, plain_model_of
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "openai-compatible"
# Of a server that does not tell. Most models that people run themselves have no more.
CONTEXT_WINDOW = 128_000
# The levels that `reasoning_effort` knows.
_EFFORTS = {"minimal": "minimal", "low": "low", "medium": "medium", "adaptive": "medium"}
_MOST_EFFORT = "high"


def provider() -> "OpenAICompatible":
    """The plug-in, for the entry point."""
    return OpenAICompatible()


class OpenAICompatible(KeepsConnections):
    """One instance serves every server that no other plug-in claims."""

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = DISCOVERY_S, warn: Warn
    ) -> list[Model]:
        """Its models; none, with a warning, when they cannot be had. Never raises."""
        listing = Listing(
            name=endpoint.provider or ID,
            model_of=_model,
            instead="Those in the settings are used.",
        )
        return await discovered(endpoint, listing, self._connections, timeout_s, warn)

    def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """One answer as it comes. Raises ProviderError."""
        return stream_chat(
            endpoint,
            request,
            _body(request),
            provider=endpoint.provider or ID,
            connections=self._connections,
        )


def _body(request: ChatRequest) -> dict[str, Any]:
    """The body; with an effort for a model of which the settings say that it thinks."""
    body = body_of(request)
    if request.model.reasoning and request.thinking not in {None, "off"}:
        body["reasoning_effort"] = _EFFORTS.get(request.thinking or "", _MOST_EFFORT)
    return body


def _model(entry: Any) -> Model | None:
    ident = id_of(entry)
    if not ident:
        return None
    try:
        if isinstance(entry.get("pricing"), dict):
            return model_of(ident, entry)
        return plain_model_of(ident, entry, CONTEXT_WINDOW)
    except MALFORMED:
        return Model(ident, ident, context_window=CONTEXT_WINDOW)
