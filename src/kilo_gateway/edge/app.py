"""The ASGI callable: finds the row of the path, lets it answer, and turns a Fault into an answer."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge import probes
from kilo_gateway.edge.faults import answer
from kilo_gateway.edge.generate import generate
from kilo_gateway.edge.listing import Pages, models, providers
from kilo_gateway.edge.probes import Shown
from kilo_gateway.edge.reply import AsgiReply, Connection, Send
from kilo_gateway.edge.request import ClientGoneError, Receive
from kilo_gateway.edge.routes import Route, find, is_api, is_later
from kilo_gateway.edge.service import Service
from kilo_gateway.relay.reply import Headers

_REQUEST_ID_CHARACTERS = 128
_ALLOWED_HEADERS = b"*, authorization"
_EXPOSED_HEADERS = b"*"
_PREFLIGHT_S = b"86400"
_PAGES: dict[str, Callable[[Service], Shown]] = {
    "live": probes.live,
    "ready": probes.ready,
    "metrics": probes.metrics,
    "front": probes.front,
}


class EdgeApp:
    """The application that the server runs."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages()

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request, or the server's life cycle."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def _http(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        connection: Connection | None = scope.get("state", {}).get("connection")
        request_id, extra = self._envelope(scope["headers"])
        reply = AsgiReply(send, extra, connection)
        task = asyncio.current_task()
        if connection is not None and task is not None:
            connection.on_gone = task.cancel
        try:
            await self._route(scope, receive, reply, request_id)
        except Fault as fault:
            await self._answer(fault, reply, request_id)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            if task is not None:
                task.uncancel()
            self._service.metrics.faults[Kind.CLIENT_DISCONNECT] += 1
        except Exception as error:  # noqa: BLE001 - the edge of the program: told in the log, never to the client
            self._service.log.write(
                "error",
                "call failed",
                call=request_id,
                error=type(error).__name__,
                detail=str(error),
            )
            unknown = Fault(Kind.INTERNAL, "The gateway failed on this request; its log tells why.")
            await self._answer(unknown, reply, request_id)
        finally:
            if connection is not None:
                connection.on_gone = None

    def _envelope(self, headers: Headers) -> tuple[str, Headers]:
        """The request's id (the client's own, if it is a sane one), and headers that go with every answer."""
        request_id, extra = "", Headers()
        for name, value in headers:
            if name == b"x-request-id":
                text = value.decode("latin-1")
                if (
                    0 < len(text) <= _REQUEST_ID_CHARACTERS
                    and text.isascii()
                    and text.isprintable()
                ):
                    request_id = text
            elif name == b"origin":
                extra = self._cors(value)
        return request_id or "req_" + secrets.token_hex(12), extra

    def _cors(self, origin: bytes) -> Headers:
        allowed = self._service.world.limits.cors_origins
        if "*" in allowed:
            shown = b"*"
        elif origin.decode("latin-1") in allowed:
            shown = origin
        else:
            return []
        return [
            (b"access-control-allow-origin", shown),
            (b"access-control-expose-headers", _EXPOSED_HEADERS),
            (b"vary", b"origin"),
        ]

    async def _route(
        self, scope: dict[str, Any], receive: Receive, reply: AsgiReply, request_id: str
    ) -> None:
        path, method = scope["path"], scope["method"]
        found = find(path)
        if found is None:
            raise _no_such_path(path, method)
        route, model_id = found
        if route.method != method and not (method == "HEAD" and route.method == "GET"):
            await self._other_method(method, route, reply, request_id)
        elif route.operation is not None:
            await generate(self._service, route.operation, scope, receive, reply, request_id)
        else:
            shown = self._page(route, scope, model_id)
            headers = [
                (b"content-type", shown.content_type),
                (b"x-request-id", request_id.encode()),
            ]
            await reply.whole(shown.status, headers, shown.body)

    def _page(self, route: Route, scope: dict[str, Any], model_id: str) -> Shown:
        if route.page == "models":
            return models(self._service, self._pages, dict(scope["headers"]), model_id)
        if route.page == "providers":
            return providers(self._service)
        return _PAGES[route.page or "front"](self._service)

    async def _other_method(
        self, method: str, route: Route, reply: AsgiReply, request_id: str
    ) -> None:
        allowed = b"POST, OPTIONS" if route.method == "POST" else b"GET, HEAD, OPTIONS"
        headers = [(b"allow", allowed), (b"x-request-id", request_id.encode())]
        if method == "OPTIONS":
            headers += [
                (b"access-control-allow-methods", allowed),
                (b"access-control-allow-headers", _ALLOWED_HEADERS),
                (b"access-control-max-age", _PREFLIGHT_S),
            ]
            await reply.whole(204, headers, b"")
            return
        fault = Fault(
            Kind.METHOD_NOT_ALLOWED,
            f"This path takes {allowed.decode()}, not {method[:20]}.",
        )
        status, more, body = answer(fault, request_id)
        await reply.whole(status, [*more, headers[0]], body)

    async def _answer(self, fault: Fault, reply: AsgiReply, request_id: str) -> None:
        """Tell the client of a fault, if nothing of another answer has gone out."""
        self._service.metrics.faults[fault.kind] += 1
        if not reply.has_started:
            await reply.whole(*answer(fault, request_id))
        elif not reply.has_ended:
            await reply.end()


def _no_such_path(path: str, method: str) -> Fault:
    shown = path if len(path) <= 200 else path[:200] + "…"
    if is_later(path):
        return Fault(
            Kind.API_KIND_NOT_SUPPORTED,
            f"{shown} is not served by this release: use chat/completions, completions or embeddings.",
        )
    if method == "POST" and is_api(path):
        return Fault(
            Kind.INVALID_PATH,
            f"There is nothing to POST to at {shown}: use chat/completions, completions or embeddings.",
        )
    return Fault(
        Kind.NOT_FOUND, f"There is nothing at {shown}. The OpenAI-compatible API is at /v1."
    )


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
