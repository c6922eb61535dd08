"""The daemon's protocol: JSON over HTTP; a turn is a stream of server-sent events (docs/genesis/daemon.md)."""

import asyncio
import os
import sys
import traceback
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override

from genesis import __version__
from genesis.core.events import AgentEvent, Notice
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.daemon.access import Access
from genesis.daemon.turns import Listener, Places, RefusedError, Turns, close
from genesis.failover.redact import redacted
from genesis.session.approval import Decision
from genesis.session.conversation import Conversation, SessionView

MOST_BODY_BYTES = 32 * 1024 * 1024
# A stream that says nothing for so long sends a comment: both ends see whether the other is there.
SILENCE_S = 15.0
STUCK_S = 60.0
COMMENT = b": \n\n"
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
    """Which session to open; None: a new one, that works in that folder."""

    id: str | None = None
    workspace: str = ""


class EventStream(StreamingResponse):
    """Server-sent events. `close` is called when it ends, whatever ended it: also a client that was gone before it began.

    `behind` is what the content reads from: a content that never began would not end it. A client that takes nothing for
    long, though it has not hung up, has left as well.
    """

    def __init__(
        self,
        content: AsyncGenerator[bytes, None],
        close: Callable[[], object],
        *,
        behind: AsyncIterator[Any] | None = None,
        stuck_s: float = STUCK_S,
    ) -> None:
        super().__init__(
            content, media_type="text/event-stream", headers={"Cache-Control": "no-store"}
        )
        self._content = content
        self._close = close
        self._behind = behind
        self._stuck_s = stuck_s

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_in_time(message: Message) -> None:
            async with asyncio.timeout(self._stuck_s):
                await send(message)

        try:
            with suppress(TimeoutError):
                await super().__call__(scope, receive, send_in_time)
        finally:
            self._close()
            await self._content.aclose()
            if self._behind is not None:
                await close(self._behind)


class Server:
    """The handlers, over one Conversation that lives in this process. `refresh` puts changed settings in force, `log`
    writes for the operator."""

    def __init__(
        self,
        conversation: Conversation,
        more: list[Route] | None = None,
        *,
        places: Places | None = None,
        refresh: Callable[[], None] = lambda: None,
        log: Callable[[str], object] = sys.stderr.write,
    ) -> None:
        self._conversation = conversation
        self._log = log
        self.turns = Turns(conversation, places or Places(), log)
        self._more = more or []
        self._refresh = refresh

    def app(self, access: Access) -> ASGIApp:
        """The whole application, behind its door."""
        routes = [
            Route("/health", Health(access), methods=["GET"]),
            Route("/sessions", self._sessions, methods=["GET"]),
            Route("/sessions", self._open, methods=["POST"]),
            Route("/sessions/{id}", self._view, methods=["GET"]),
            Route("/sessions/{id}", self._delete, methods=["DELETE"]),
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
        handlers: dict[Any, Any] = {
            GenesisError: _told,
            msgspec.MsgspecError: _malformed,
            HTTPException: _no_such,
            Exception: _broken,
        }
        return Door(Starlette(routes=routes, exception_handlers=handlers), access, self._log)

    async def _sessions(self, _request: Request) -> Response:
        return as_json(await self._conversation.sessions())

    async def _open(self, request: Request) -> Response:
        asked = await read(request, Opening)
        self._refresh()
        return as_json(await self._conversation.open(asked.id, asked.workspace))

    async def _view(self, request: Request) -> Response:
        return as_json(await self._found(request))

    async def _send(self, request: Request) -> Response:
        turn = await read(request, Turn)
        self._refresh()
        session = (await self._found(request)).id
        asked = self.turns.start(session, turn.message, model=turn.model, thinking=turn.thinking)
        return EventStream(_as_stream(asked), asked.close)

    async def _watch(self, request: Request) -> Response:
        session = (await self._found(request)).id
        watcher = self.turns.watch(session)
        runs = "answers" if self.turns.is_running(session) else "waits for somebody to speak"
        return EventStream(
            _as_stream(watcher, Notice(f"Watching. Session {session} {runs}.")), watcher.close
        )

    async def _delete(self, request: Request) -> Response:
        session = (await self._found(request)).id
        return as_json(Value(await self._conversation.delete(session)))

    async def _cancel(self, request: Request) -> Response:
        await self._conversation.cancel((await self._found(request)).id)
        return Response(status_code=204)

    async def _found(self, request: Request) -> SessionView:
        """The session that a URL names, by its id or a beginning of it."""
        try:
            return await self._conversation.open(request.path_params["id"])
        except GenesisError as error:
            raise RefusedError(404, error.message) from None

    async def _compact(self, request: Request) -> Response:
        work = self._conversation.compact(request.path_params["id"])
        told = await unless_gone(request, work)
        return Response(status_code=499) if told is None else as_json(Value(told))

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
    """In front of everything: the token, the Host header, no pages of browsers, bounded bodies, no traces of failures."""

    def __init__(
        self,
        app: ASGIApp,
        access: Access,
        log: Callable[[str], object] = sys.stderr.write,
    ) -> None:
        self._app = app
        self._access = access
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it."""
        if scope["type"] != "http":
            return
        answer = self._refusal(Request(scope)) or self._app
        try:
            await answer(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the client has its sentence: the rest goes into the log, without keys
            self._log(redacted("".join(traceback.format_exception(error))))

    def _refusal(self, request: Request) -> Response | None:
        headers = request.headers
        if not self._access.knows_host(headers.get("host", "")):
            return problem(403, "This Host is not the daemon's: use localhost or 127.0.0.1.")
        if "origin" in headers:
            return problem(403, "The daemon does not talk to web pages.")
        if "transfer-encoding" in headers:
            return problem(411, "A body must have a Content-Length.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MOST_BODY_BYTES:
            return problem(413, f"A body may have at most {MOST_BODY_BYTES} bytes.")
        if request.url.path != "/health" and not self._access.lets_in(headers):
            return problem(
                401,
                "The token is missing or wrong: send gateway.auth.token as `Authorization: Bearer …`.",
            )
        return None


class Health:
    """Who this is; the one answer that needs no token. With the token it has the pid."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        facts: dict[str, object] = {"service": "genesis", "version": __version__}
        if self._access.lets_in(Request(scope).headers):
            facts["pid"] = os.getpid()
        await as_json(facts)(scope, receive, send)


async def read(request: Request, kind: type[T]) -> T:
    """A body as a value. Raises MsgspecError."""
    return msgspec.json.decode(await request.body(), type=kind)


async def unless_gone(request: Request, answer: Awaitable[T]) -> T | None:
    """The answer, unless the client leaves before: then the work on it ends, and there is none."""
    work = asyncio.ensure_future(answer)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        return work.result() if work.done() else None
    finally:
        for task in (work, gone):
            task.cancel()
        await asyncio.wait({work, gone})


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _as_stream(
    listener: Listener, *first: AgentEvent, silence_s: float = SILENCE_S
) -> AsyncGenerator[bytes, None]:
    for event in first:
        yield as_event(event)
    while True:
        try:
            async with asyncio.timeout(silence_s):
                told = await listener.next()
        except TimeoutError:
            yield COMMENT
            continue
        if told is None:
            return
        yield as_event(told)


def as_json(value: object) -> Response:
    """A value as an answer."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def as_event(event: AgentEvent) -> bytes:
    """An event on the wire."""
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def problem(status: int, message: str, kind: str = "genesis_error") -> Response:
    """An error, in the shape of OpenAI's."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": status}}
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def _told(_request: Request, error: GenesisError) -> Response:
    return problem(error.status if isinstance(error, RefusedError) else 400, error.message)


async def _malformed(_request: Request, error: Exception) -> Response:
    return problem(400, f"The body is not as it must be: {error}")


async def _no_such(request: Request, error: HTTPException) -> Response:
    told = f"There is no {request.method} {request.url.path} here."
    return problem(error.status_code, told)


async def _broken(_request: Request, error: Exception) -> Response:
    return problem(
        500,
        f"The daemon failed on its own account ({type(error).__name__}). `genesis gateway logs` has more.",
    )
