"""KiloCode: the plug-in's Provider, joined from its parts."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from genesis.core.events import StreamEvent
from genesis.core.fault import ProviderError
from genesis.core.model import Model
from genesis.providers.compatible.body import body_of
from genesis.providers.compatible.client import ListingError, list_models, stream_chat
from genesis.providers.compatible.connections import Connections, KeepsConnections
from genesis.providers.compatible.discovery import DISCOVERY_S
from genesis.providers.kilocode.discovery import STATIC, failed, models_of
from genesis.providers.kilocode.levels import after_complaint, clamp
from genesis.providers.kilocode.reasoning import is_skipped, with_reasoning
from genesis.providers.kilocode.signatures import clean_messages
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "kilocode"
FEATURE_HEADER = "X-KILOCODE-FEATURE"
FEATURE_VARIABLE = "KILOCODE_FEATURE"
OFFLINE_VARIABLE = "GENESIS_OFFLINE"
_FEATURE = "genesis"
_MOST_RETRIES = 3
_NO = {"", "0", "false", "no", "off"}


def provider() -> "KiloCode":
    """The plug-in, for the entry point."""
    return KiloCode()


class KiloCode(KeepsConnections):
    """The Kilo Gateway. Its variables are read at each request: from the endpoint's environment, else `environ`."""

    def __init__(
        self, environ: Mapping[str, str] | None = None, connections: Connections | None = None
    ) -> None:
        self._environ = os.environ if environ is None else environ
        super().__init__(connections)

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = DISCOVERY_S, warn: Warn
    ) -> list[Model]:
        """The gateway's models; its list is public, so the key is not sent. Never raises."""
        if self._variable(endpoint, OFFLINE_VARIABLE).lower() not in _NO:
            return list(STATIC)
        try:
            status, body = await list_models(
                endpoint, timeout_s, with_key=False, connections=self._connections
            )
        except ListingError as error:
            return failed(error, warn)
        return models_of(status, body, warn)

    async def stream(
        self, endpoint: Endpoint, request: ChatRequest
    ) -> AsyncGenerator[StreamEvent, None]:
        """One answer. A complaint about the thinking level is answered by asking again, once with each other level."""
        level = clamp(request.thinking) if request.thinking else None
        tried = [level or "off"]
        while True:
            asked = stream_chat(
                endpoint,
                request,
                self._body(request, level),
                provider=endpoint.provider or ID,
                headers=self.feature_headers(endpoint),
                connections=self._connections,
            )
            try:
                async with aclosing(asked) as events:
                    async for event in events:
                        yield event
            except ProviderError as error:
                next_level = _other_level(error, request, tried)
                if next_level is None:
                    raise
                level = next_level
                tried.append(next_level)
            else:
                return

    def feature_headers(self, endpoint: Endpoint) -> dict[str, str]:
        """The header that tells the gateway who asks."""
        return {FEATURE_HEADER: self._variable(endpoint, FEATURE_VARIABLE) or _FEATURE}

    def _body(self, request: ChatRequest, level: str | None) -> dict[str, Any]:
        """What is sent, before the settings' own extra body is laid over it."""
        body = body_of(request)
        body["messages"] = clean_messages(body["messages"], request.model.id)
        return with_reasoning(body, request.model.id, level)

    def _variable(self, endpoint: Endpoint, name: str) -> str:
        return (endpoint.environ or self._environ).get(name, "").strip()


def _other_level(error: ProviderError, request: ChatRequest, tried: list[str]) -> str | None:
    """The level to ask with after this error; None if another level would change nothing."""
    if error.streamed or len(tried) > _MOST_RETRIES or is_skipped(request.model.id):
        return None
    return after_complaint(error.message, tried)
