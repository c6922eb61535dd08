"""The ASGI callable: finds the row of the path, lets it answer, and turns a Fault into an answer."""

import asyncio
from collections.abc import Callable

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge import probes
from kilo_gateway.edge.faults import answer
from kilo_gateway.edge.generate import generate
from kilo_gateway.edge.listing import LISTS, Pages, gemini_models, models, validate
from kilo_gateway.edge.probes import Shown
from kilo_gateway.edge.reply import WireReply
from kilo_gateway.edge.request import ClientGoneError, Inbound
from kilo_gateway.edge.routes import ROUTES, Route, dialect_of, find, is_api, is_elsewhere
from kilo_gateway.edge.service import Service
from kilo_gateway.relay.reply import Lines

_REQUEST_ID_CHARACTERS = 128
_ALLOWED_HEADERS = b"*, authorization"
_CORS = b"access-control-expose-headers: *\r\nvary: origin\r\n"
_GOOGLE_CLIENT = b"x-goog-api-client"
_PREFLIGHT_S = b"86400"
_PAGES: dict[str, Callable[[Service], Shown]] = {
    "live": probes.live,
    "ready": probes.ready,
    "metrics": probes.metrics,
    "front": probes.front,
}


class EdgeApp:
    """The application that the listener runs: call it with a request and the reply to it."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._pages = Pages()

    async def __call__(self, inbound: Inbound, reply: WireReply) -> None:
        """Answer one request."""
        headers = inbound.headers
        given = headers.get(b"x-request-id")
        ident = None if given is None else _sane_id(given)
        if ident is None:
            inbound.entry_id = self._service.new_id()
            ident = f"req_{inbound.entry_id}"
        inbound.id = ident
        if b"origin" in headers:
            reply.extra = self._cors(headers[b"origin"])
        try:
            route = ROUTES.get(inbound.path)
            if route is not None and route.operation is not None and inbound.method == "POST":
                inbound.dialect = route.dialect
                await generate(self._service, route, inbound, reply)
            else:
                await self._route(inbound, reply)
        except Fault as fault:
            await self._answer(fault, inbound, reply)
        except ClientGoneError:
            return
        except asyncio.CancelledError:
            reply.uncancel()
            self._service.metrics.faults[Kind.CLIENT_DISCONNECT] += 1
        except Exception as error:  # noqa: BLE001 - the edge of the program: told in the log, never to the client
            self._service.log.write(
                "error",
                "call failed",
                call=inbound.id,
                error=type(error).__name__,
                detail=str(error),
            )
            unknown = Fault(Kind.INTERNAL, "The gateway failed on this request; its log tells why.")
            await self._answer(unknown, inbound, reply)
        finally:
            reply.detach()

    def _cors(self, origin: bytes) -> Lines:
        allowed = self._service.world.limits.cors_origins
        if "*" in allowed:
            shown = b"*"
        elif origin.decode("latin-1") in allowed:
            shown = origin
        else:
            return b""
        return b"access-control-allow-origin: %b\r\n%b" % (shown, _CORS)

    async def _route(self, inbound: Inbound, reply: WireReply) -> None:
        method = inbound.method
        found = find(inbound.path)
        if found is None:
            inbound.dialect = dialect_of(inbound.path)
            raise _no_such_path(inbound.path, method)
        route, model_id = found
        inbound.dialect = route.dialect
        if route.method != method and not (method == "HEAD" and route.method == "GET"):
            await self._other_method(route, inbound, reply)
        elif route.operation is not None:
            await generate(self._service, route, inbound, reply, model_id)
        else:
            if route.page == "validate":
                shown = await validate(self._service, inbound)
            else:
                shown = self._page(route, inbound, model_id)
            headers = b"content-type: %b\r\n%b" % (shown.content_type, shown.more)
            await self._send(inbound, reply, shown.status, headers, shown.body)

    def _page(self, route: Route, inbound: Inbound, model_id: str) -> Shown:
        # Google's client asks for its own form under the path of everybody's list, too.
        if route.page == "gemini_models" or (
            route.page == "models" and _GOOGLE_CLIENT in inbound.headers
        ):
            return gemini_models(self._service, inbound.headers, model_id)
        if route.page == "models":
            return models(self._service, self._pages, inbound.headers, model_id)
        page = route.page or "front"
        if page in LISTS:
            return LISTS[page](self._service, inbound.headers, model_id)
        return _PAGES[page](self._service)

    async def _other_method(self, route: Route, inbound: Inbound, reply: WireReply) -> None:
        allowed = b"POST, OPTIONS" if route.method == "POST" else b"GET, HEAD, OPTIONS"
        headers = b"allow: %b\r\n" % allowed
        if inbound.method == "OPTIONS":
            headers += (
                b"access-control-allow-methods: %b\r\naccess-control-allow-headers: %b\r\n"
                b"access-control-max-age: %b\r\n" % (allowed, _ALLOWED_HEADERS, _PREFLIGHT_S)
            )
            await self._send(inbound, reply, 204, headers, b"")
            return
        self._service.metrics.faults[Kind.METHOD_NOT_ALLOWED] += 1
        message = f"This path takes {allowed.decode()}, not {inbound.method[:20]}."
        status, more, body = answer(
            Fault(Kind.METHOD_NOT_ALLOWED, message), inbound.id, inbound.dialect
        )
        await self._send(inbound, reply, status, more + headers, body)

    async def _answer(self, fault: Fault, inbound: Inbound, reply: WireReply) -> None:
        """Tell the client of a fault, if nothing of another answer has gone out."""
        self._service.metrics.faults[fault.kind] += 1
        if not reply.has_started:
            await self._send(inbound, reply, *answer(fault, inbound.id, inbound.dialect))
        elif not reply.has_ended:
            reply.abandon()

    async def _send(
        self, inbound: Inbound, reply: WireReply, status: int, headers: Lines, body: bytes
    ) -> None:
        """An answer of our own, no upstream's: with the request's id, and how long it took us."""
        took_ms = (self._service.clock.monotonic() - inbound.arrived) * 1000
        headers += b"server-timing: gateway;dur=%.3f\r\n" % took_ms
        if b"x-request-id: " not in headers:
            headers += b"x-request-id: %b\r\n" % inbound.id.encode()
        await reply.whole(status, headers, body)


def _sane_id(given: bytes) -> str | None:
    """The client's own id of the request, if it can be shown."""
    text = given.decode("latin-1")
    is_sane = 0 < len(text) <= _REQUEST_ID_CHARACTERS and text.isascii() and text.isprintable()
    return text if is_sane else None


def _no_such_path(path: str, method: str) -> Fault:
    shown = path if len(path) <= 200 else path[:200] + "…"
    if is_elsewhere(path):
        return Fault(
            Kind.NOT_FOUND,
            f"{shown} belongs to the accounts of the public Kilo gateway. This gateway is run by its operator and has none.",
        )
    if method == "POST" and is_api(path):
        return Fault(
            Kind.INVALID_PATH,
            f"There is nothing to POST to at {shown}: use chat/completions, completions or embeddings.",
        )
    return Fault(
        Kind.NOT_FOUND, f"There is nothing at {shown}. The OpenAI-compatible API is at /v1."
    )
