"""OpenAICompatible: models from `GET models` in OpenAI's shape or OpenRouter's, answers from `chat/completions`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec

from genesis.core.events import StreamEvent
from genesis.core.model import Model
from genesis.providers.compatible.client import list_models, stream_chat
from genesis.providers.provider import ChatRequest, Endpoint, Warn

_CONTEXTS = ("context_length", "context_window", "max_model_len")


class OpenAICompatible:
    """One instance serves every server that no other plug-in claims."""

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = 5.0, warn: Warn
    ) -> list[Model]:
        """Its models; none, with a warning, when they cannot be had. Never raises."""
        try:
            async with asyncio.timeout(timeout_s):
                status, body = await list_models(endpoint, timeout_s, with_key=True)
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            warn(
                f"Discovery failed: {' '.join(str(error).split()) or 'no answer in time'}, using configured models"
            )
            return []
        if not 200 <= status < 300:
            warn(f"Failed to discover models: HTTP {status}, using configured models")
            return []
        return _models(body, warn)

    def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """One answer as it comes. Raises ProviderError."""
        return stream_chat(endpoint, request, provider="openai-compatible")


def _models(body: bytes, warn: Warn) -> list[Model]:
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        warn("Discovery failed: the list of models is not JSON, using configured models")
        return []
    data = content.get("data") if isinstance(content, dict) else content
    entries = data if isinstance(data, list) else []
    found = (_model(entry) for entry in entries if isinstance(entry, dict))
    return list({model.id: model for model in found if model is not None}.values())


def _model(entry: dict[str, Any]) -> Model | None:
    ident = entry.get("id")
    if not isinstance(ident, str) or not ident.strip():
        return None
    name = entry.get("name")
    window = next(
        (entry[key] for key in _CONTEXTS if isinstance(entry.get(key), int) and entry[key] > 0), 0
    )
    plain = Model(id=ident.strip(), name=name if isinstance(name, str) and name else ident.strip())
    return msgspec.structs.replace(plain, context_window=window) if window else plain
