"""Asks an OpenAI-compatible server: its models, and a streamed answer."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import httpx_sse
import msgspec

from genesis.core.events import StreamEvent
from genesis.core.fault import ProviderError
from genesis.providers.compatible.body import body_of, extra_body
from genesis.providers.compatible.faults import from_network, refused
from genesis.providers.compatible.stream import ChunkReader
from genesis.providers.provider import ChatRequest, Endpoint

CONNECT_S = 10.0
SILENCE_S = 180.0
_ERROR_BYTES = 64 * 1024
_LIST_BYTES = 32 * 1024 * 1024
_AGENT = "genesis/0.1"


def url_under(base_url: str, path: str) -> str:
    """A path below a base URL, whether that ends with a slash or not."""
    return f"{base_url.rstrip('/')}/{path}"


def headers_of(
    endpoint: Endpoint, extra: Mapping[str, str], *, with_key: bool = True
) -> dict[str, str]:
    """The headers of a request; of names that differ in case only, ours (`extra`) win over the settings'."""
    ours = {name.lower() for name in extra}
    headers = {name: value for name, value in endpoint.headers.items() if name.lower() not in ours}
    headers |= {"User-Agent": _AGENT} | dict(extra)
    if with_key and endpoint.key:
        headers["Authorization"] = f"Bearer {endpoint.key.reveal()}"
    return headers


async def list_models(endpoint: Endpoint, timeout_s: float, *, with_key: bool) -> tuple[int, bytes]:
    """GET `models`: status and body. Raises httpx.HTTPError, TimeoutError."""
    headers = headers_of(endpoint, {"Accept": "application/json"}, with_key=with_key)
    url = url_under(endpoint.base_url, "models")
    async with (
        httpx.AsyncClient(timeout=timeout_s, follow_redirects=False) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        body = b""
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > _LIST_BYTES:
                raise httpx.ReadError("the list of models is larger than 32 MiB")
        return response.status_code, body


async def stream_chat(
    endpoint: Endpoint,
    request: ChatRequest,
    body: dict[str, Any] | None = None,
    *,
    provider: str,
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[StreamEvent]:
    """One answer as it comes. `body` is what a provider's wrapper made of the request. Raises ProviderError."""
    model = request.model.id
    payload = (body_of(request) if body is None else body) | extra_body(request)
    sent = headers_of(endpoint, {"Accept": "text/event-stream"} | dict(headers or {}))
    sent["Content-Type"] = "application/json"
    reader = ChunkReader(request.model.cost, provider=provider, model=model)
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
    url = url_under(endpoint.base_url, "chat/completions")
    try:
        async with (
            httpx.AsyncClient(timeout=timeout, follow_redirects=False) as client,
            client.stream(
                "POST", url, headers=sent, content=msgspec.json.encode(payload)
            ) as response,
        ):
            if response.status_code != 200:
                raise refused(response, await _some(response), provider=provider, model=model)
            _read_routing(reader, response.headers, model)
            async for event in _events(response, reader):
                yield event
    except httpx_sse.SSEError:
        raise ProviderError(
            "The provider answered with something that is no event stream.",
            provider=provider,
            model=model,
        ) from None
    except httpx.HTTPError as error:
        fault = from_network(error, provider=provider, model=model)
        fault.streamed = reader.has_content
        raise fault from None


async def _events(response: httpx.Response, reader: ChunkReader) -> AsyncIterator[StreamEvent]:
    async for event in httpx_sse.EventSource(response).aiter_sse():
        data = event.data.strip()
        if data == "[DONE]":
            break
        if data:
            for one in reader.feed(data):
                yield one
    for one in reader.end():
        yield one


def _read_routing(reader: ChunkReader, headers: httpx.Headers, model: str) -> None:
    """Which model a gateway chose, and why, where it tells."""
    chosen = headers.get("x-kilo-model")
    if chosen and chosen != model:
        reader.routed_model = chosen
    reader.why = headers.get("x-kilo-reason") or headers.get("x-kilo-decision")


async def _some(response: httpx.Response) -> bytes:
    body = b""
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) >= _ERROR_BYTES:
            break
    return body[:_ERROR_BYTES]
