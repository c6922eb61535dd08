"""OpenAICompatible: models from `GET models` in OpenAI's shape or OpenRouter's, answers from `chat/completions`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from genesis.core.events import StreamEvent
from genesis.core.model import Model
from genesis.providers.compatible.body import body_of
from genesis.providers.compatible.client import list_models, stream_chat
from genesis.providers.compatible.connections import Connections
from genesis.providers.compatible.listing import MALFORMED, id_of, model_of, plain_model_of
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "openai-compatible"
DISCOVERY_S = 5.0
# Of a server that does not tell. Most models that people run themselves have no more.
CONTEXT_WINDOW = 128_000
# The levels that `reasoning_effort` knows.
_EFFORTS = {"minimal": "minimal", "low": "low", "medium": "medium", "adaptive": "medium"}
_MOST_EFFORT = "high"


def provider() -> "OpenAICompatible":
    """The plug-in, for the entry point."""
    return OpenAICompatible()


class OpenAICompatible:
    """One instance serves every server that no other plug-in claims."""

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
        """Its models; none, with a warning, when they cannot be had. Never raises."""
        name = endpoint.provider or ID
        try:
            async with asyncio.timeout(timeout_s):
                status, body = await list_models(
                    endpoint, timeout_s, with_key=True, connections=self._connections
                )
        except TimeoutError:
            return _failed(f"no answer within {timeout_s:g} s", name, warn)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return _failed(" ".join(str(error).split()) or type(error).__name__, name, warn)
        if not 200 <= status < 300:
            return _failed(f"HTTP {status}", name, warn)
        return _models(body, name, warn)

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


def _failed(why: str, name: str, warn: Warn) -> list[Model]:
    shown = "".join(char for char in why if char.isprintable())[:300]
    warn(f'The models of "{name}" could not be listed: {shown}. Those in the settings are used.')
    return []


def _models(body: bytes, name: str, warn: Warn) -> list[Model]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _failed("the answer is not JSON", name, warn)
    data = content.get("data") if isinstance(content, dict) else content
    if not isinstance(data, list):
        return _failed("the answer has no list of models", name, warn)
    found: dict[str, Model] = {}
    for entry in data:
        model = _model(entry)
        if model is not None:
            found.setdefault(model.id, model)
    return list(found.values())


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
