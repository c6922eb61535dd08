"""KiloCode: the plug-in's Provider, joined from its parts."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping

import httpx

from genesis.core.events import StreamEvent
from genesis.core.fault import ProviderError
from genesis.core.model import Model
from genesis.providers.compatible.body import body_of
from genesis.providers.compatible.client import list_models, stream_chat
from genesis.providers.kilocode.discovery import STATIC, failed, models_of
from genesis.providers.kilocode.levels import after_complaint, clamp
from genesis.providers.kilocode.reasoning import with_reasoning
from genesis.providers.provider import ChatRequest, Endpoint, Warn

ID = "kilocode"
FEATURE_HEADER = "X-KILOCODE-FEATURE"
FEATURE_VARIABLE = "KILOCODE_FEATURE"
OFFLINE_VARIABLE = "GENESIS_OFFLINE"
_FEATURE = "genesis"
_MOST_RETRIES = 3


class KiloCode:
    """The Kilo Gateway. `environ` is read at each request."""

    def __init__(self, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ

    async def discover(
        self, endpoint: Endpoint, *, timeout_s: float = 5.0, warn: Warn
    ) -> list[Model]:
        """The gateway's models; its list is public, so the key is not sent. Never raises."""
        if self._environ.get(OFFLINE_VARIABLE, "").strip() not in {"", "0"}:
            return list(STATIC)
        try:
            async with asyncio.timeout(timeout_s):
                status, body = await list_models(endpoint, timeout_s, with_key=False)
        except TimeoutError:
            return failed(TimeoutError(f"no answer within {timeout_s:g} s"), warn)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            return failed(error, warn)
        return models_of(status, body, warn)

    def feature_headers(self) -> dict[str, str]:
        """The header that tells the gateway who asks."""
        return {FEATURE_HEADER: self._environ.get(FEATURE_VARIABLE, "").strip() or _FEATURE}

    async def stream(self, endpoint: Endpoint, request: ChatRequest) -> AsyncIterator[StreamEvent]:
        """One answer; once for each level, a complaint about the thinking level is answered by asking with another."""
        level = clamp(request.thinking) if request.thinking else None
        tried = [level or "off"]
        while True:
            body = with_reasoning(body_of(request), request.model.id, level)
            has_begun = False
            try:
                async for event in stream_chat(
                    endpoint, request, body, provider=ID, headers=self.feature_headers()
                ):
                    has_begun = True
                    yield event
            except ProviderError as error:
                next_level = None if has_begun else after_complaint(error.message, tried)
                if next_level is None or len(tried) > _MOST_RETRIES:
                    raise
                level = next_level
                tried.append(next_level)
            else:
                return
