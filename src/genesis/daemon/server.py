"""The daemon's protocol: JSON over HTTP; a turn is a stream of server-sent events (docs/genesis/daemon.md)."""

from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from genesis import __version__
from genesis.core.events import AgentEvent, Notice, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.daemon.access import Access
from genesis.daemon.watchers import Watchers
from genesis.session.approval import Decision
from genesis.session.conversation import Conversation

MOST_BODY_BYTES = 32 * 1024 * 1024
MOST_TURNS = 16
T = TypeVar("T")


class Turn(msgspec.Struct, frozen=True):
    """What starts a turn."""

    message: UserMessage
    model: str | None = None
    thinking: str | None = None


class Value(msgspec.Struct, frozen=True):
    """A request that says one thing: a model's reference, a thinking level, a decision."""

    value: str


class Opening(msgspec.Struct, frozen=True):
    """Which session to open; None: a new one, that works in the folder (the daemon's own where none is named)."""

    id: str | None = None
    workspace: str = ""


class Server:
    """The handlers, over one Conversation that lives in this process."""

    def __init__(self, conversation: Conversation, more: list[Route] | None = None) -> None:
        self._conversation = conversation
        self._watchers = Watchers()
        self._running: set[str] = set()
        self._more = more or []

    def app(self, access: Access) -> ASGIApp:
        """The whole application, behind its door."""
        routes = [
            Route("/health", health),
            Route("/sessions", self._sessions, methods=["GET"]),
            Route("/sessions", self._open, methods=["POST"]),
            Route("/sessions/{id}/messages", self._send, methods=["POST"]),
            Route("/sessions/{id}/events", self._watch, methods=["GET"]),
            Route("/sessions/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/sessions/{id}/compact", self._compact, methods=["POST"]),
            Route("/sessions/{id}/model", self._set_model, methods=["POST"]),
            Route("/sessions/{id}/thinking", self._set_thinking, methods=["POST"]),
            Route("/sessions/{id}/status", self._status, methods=["GET"]),
            Route("/sessions/{id}/usage", self._usage, methods=["GET"]),
            Route("/approvals/{id}", self._decide, methods=["POST"]),
            Route("/models-text", self._models_text, methods=["GET"]),
            *self._more,
        ]
        handlers: dict[Any, Any] = {GenesisError: _told, msgspec.MsgspecError: _malformed}
        return Door(Starlette(routes=routes, exception_handlers=handlers), access)

    async def _sessions(self, _request: Request) -> Response:
        return as_json(await self._conversation.sessions())

    async def _open(self, request: Request) -> Response:
        asked = await read(request, Opening)
        return as_json(await self._conversation.open(asked.id, asked.workspace))

    async def _send(self, request: Request) -> Response:
        session = request.path_params["id"]
        turn = await read(request, Turn)
        if session in self._running:
            return problem(
                409, f"Session {session} is still answering. Wait until it has ended, or stop it."
            )
        if len(self._running) >= MOST_TURNS:
            return problem(429, f"{MOST_TURNS} turns run already. Try again when one has ended.")
        self._running.add(session)
        return StreamingResponse(self._events(session, turn), media_type="text/event-stream")

    async def _events(self, session: str, turn: Turn) -> AsyncIterator[bytes]:
        events = self._conversation.send(
            session, turn.message, model=turn.model, thinking=turn.thinking
        )
        try:
            async for event in events:
                self._watchers.tell(session, event)
                yield as_event(event)
        except GenesisError as error:
            ended = TurnEnded("error", error=error.message)
            self._watchers.tell(session, ended)
            yield as_event(ended)
        finally:
            self._running.discard(session)
            aclose = getattr(events, "aclose", None)
            if aclose is not None:
                await aclose()

    async def _watch(self, request: Request) -> Response:
        watched = self._watchers.watch(request.path_params["id"])

        async def events() -> AsyncIterator[bytes]:
            yield as_event(Notice("Watching."))
            async for event in watched:
                yield as_event(event)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def _cancel(self, request: Request) -> Response:
        await self._conversation.cancel(request.path_params["id"])
        return Response(status_code=204)

    async def _compact(self, request: Request) -> Response:
        return as_json(Value(await self._conversation.compact(request.path_params["id"])))

    async def _set_model(self, request: Request) -> Response:
        asked = await read(request, Value)
        return as_json(
            Value(await self._conversation.set_model(request.path_params["id"], asked.value))
        )

    async def _set_thinking(self, request: Request) -> Response:
        asked = await read(request, Value)
        return as_json(
            Value(await self._conversation.set_thinking(request.path_params["id"], asked.value))
        )

    async def _status(self, request: Request) -> Response:
        return as_json(Value(await self._conversation.status(request.path_params["id"])))

    async def _usage(self, request: Request) -> Response:
        return as_json(Value(await self._conversation.usage(request.path_params["id"])))

    async def _decide(self, request: Request) -> Response:
        asked = await read(request, Value)
        decision = msgspec.convert(asked.value, Decision)
        await self._conversation.decide(request.path_params["id"], decision)
        return Response(status_code=204)

    async def _models_text(self, request: Request) -> Response:
        words = request.query_params.getlist("word")
        return as_json(Value(await self._conversation.models_text(words)))


class Door:
    """In front of everything: the token, the Host header, no pages of browsers, bounded bodies."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http":
            return
        refusal = self._refusal(Request(scope))
        await (refusal or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        headers = request.headers
        if not self._access.knows_host(headers.get("host", "")):
            return problem(403, "This Host is not the daemon's.")
        if "origin" in headers:
            return problem(403, "The daemon does not talk to web pages.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > MOST_BODY_BYTES or "transfer-encoding" in headers:
            return problem(
                413, f"A body must have a Content-Length of at most {MOST_BODY_BYTES} bytes."
            )
        if request.url.path != "/health" and not self._access.lets_in(headers):
            return problem(
                401,
                "The token is missing or wrong: send gateway.auth.token as `Authorization: Bearer …`.",
            )
        return None


async def health(_request: Request) -> Response:
    """Who this is; the one answer that needs no token."""
    return as_json({"service": "genesis", "version": __version__})


async def read(request: Request, kind: type[T]) -> T:
    """A body as a value. Raises MsgspecError."""
    return msgspec.json.decode(await request.body(), type=kind)


def as_json(value: object) -> Response:
    """A value as an answer."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def as_event(event: AgentEvent) -> bytes:
    """An event on the wire."""
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def problem(status: int, message: str) -> Response:
    """An error, in the shape of OpenAI's."""
    body = {"error": {"message": message, "type": "genesis_error", "code": status}}
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def _told(_request: Request, error: Exception) -> Response:
    return problem(400, error.message if isinstance(error, GenesisError) else str(error))


async def _malformed(_request: Request, error: Exception) -> Response:
    return problem(400, f"The body is not as it must be: {error}")
