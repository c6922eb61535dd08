"""Simulator: an OpenAI-compatible server on loopback that answers, waits and fails exactly as asked.

The scenario comes from the request's model id, or from the header `x-kilo-sim`, which wins; scenario.py has the
grammar. Only who holds the key of this process is answered.
"""

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import cast

import msgspec

from kilo_gateway.core.clock import Clock, SystemClock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.secret import Secret
from kilo_gateway.local.answer import answer, fingerprint
from kilo_gateway.local.asked import Asked, read_asked
from kilo_gateway.local.chunks import CHAT, TEXT, Shape, fault_body, stream_events, whole_body
from kilo_gateway.local.connection import Connection, whole_reply
from kilo_gateway.local.embedding import embeddings_body
from kilo_gateway.local.performance import Wire, play_stream, play_whole
from kilo_gateway.local.request import Headers, Request
from kilo_gateway.local.scenario import Scenario, parse_scenario

SCENARIO_HEADER = "x-kilo-sim"
MAX_CONNECTIONS = 4_096
MAX_SESSIONS = 1_024
CONTEXT_TOKENS = 131_072

# Examples worth listing; any other combination works as well.
EXAMPLES: dict[str, str] = {
    "echo": "Simulator: repeats what you say",
    "lorem": "Simulator: filler text",
    "echo-slow": "Simulator: slow first byte, slow words",
    "tokens-200-delay-10ms": "Simulator: 200 tokens, 10 ms apart",
    "slow-first-2s": "Simulator: first byte after 2 s",
    "reasoning-tokens-50": "Simulator: reasons first",
    "tool": "Simulator: calls the first tool",
    "status-503": "Simulator: answers 503",
    "status-429-retry-3": "Simulator: rate limited, retry after 3 s",
    "fail-2": "Simulator: fails twice a session, then answers",
    "overflow": "Simulator: the prompt is too long",
    "stall-after-5": "Simulator: goes silent after 5 chunks",
    "cut-after-5": "Simulator: connection reset after 5 chunks",
    "malformed": "Simulator: broken JSON in the stream",
    "error-in-stream": "Simulator: error in the middle of a stream",
    "no-usage": "Simulator: never reports usage",
}

_SHAPES: dict[str, tuple[str, Shape]] = {
    "/v1/chat/completions": ("messages", CHAT),
    "/v1/completions": ("prompt", TEXT),
}


class Sessions:
    """Counts the calls of each session; forgets the one that was idle the longest when there are too many."""

    def __init__(self, limit: int = MAX_SESSIONS) -> None:
        self._limit = limit
        self._calls: OrderedDict[str, int] = OrderedDict()

    def count(self, session: str) -> int:
        """How many calls this session had before this one."""
        calls = self._calls.pop(session, 0)
        self._calls[session] = calls + 1
        if len(self._calls) > self._limit:
            self._calls.popitem(last=False)
        return calls


class Simulator:
    """The server. `base_url` (with `/v1`) is empty until it has started; `api_key` is new in each process."""

    def __init__(
        self, *, clock: Clock | None = None, max_connections: int = MAX_CONNECTIONS
    ) -> None:
        self.base_url = ""
        self.api_key = Secret(secrets.token_urlsafe(32))
        self._clock = clock or SystemClock()
        self._max_connections = max_connections
        self._authorization = f"Bearer {self.api_key.reveal()}".encode()
        self._connections: set[Connection] = set()
        self._sessions = Sessions()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port of 127.0.0.1."""
        loop = asyncio.get_running_loop()
        # A Connection has the shape of a protocol; asyncio asks for no more.
        factory = cast("Callable[[], asyncio.Protocol]", self._connect)
        self._server = await loop.create_server(
            factory, "127.0.0.1", 0, backlog=self._max_connections
        )
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def stop(self) -> None:
        """Close all connections at once and stop to listen."""
        if self._server is None:
            return
        self._server.close()
        while self._connections:
            connections = list(self._connections)
            for connection in connections:
                connection.reset()
            for connection in connections:
                await connection.ended()
        await self._server.wait_closed()
        self._server = None

    def _connect(self) -> Connection:
        is_full = len(self._connections) >= self._max_connections
        reply = self._reply_full if is_full else self._reply
        return Connection(reply, self._admits, self._connections)

    def _admits(self, headers: Headers) -> bool:
        given = headers.get("authorization", "").encode("latin-1")
        return hmac.compare_digest(given, self._authorization)

    async def _reply_full(self, _request: Request, connection: Connection) -> None:
        connection.refuse(Fault(Kind.OVERLOADED, "The simulator has too many connections."))

    async def _reply(self, request: Request, connection: Connection) -> None:
        try:
            await self._answer(request, connection)
        except Fault as fault:
            await connection.write(whole_reply(fault.status, fault_body(fault)))

    async def _answer(self, request: Request, wire: Wire) -> None:
        if not request.is_admitted:
            raise Fault(Kind.AUTHENTICATION_REQUIRED, "The simulator needs its own key.")
        path = request.path.rstrip("/")
        if path == "/v1/models":
            _expect("GET", request)
            await wire.write(whole_reply(200, _models_body()))
        elif path in _SHAPES:
            _expect("POST", request)
            await self._write_text(request, wire, *_SHAPES[path])
        elif path == "/v1/embeddings":
            _expect("POST", request)
            await self._write_embeddings(request, wire)
        else:
            raise Fault(Kind.NOT_FOUND, "The simulator serves no such path.")

    async def _write_text(self, request: Request, wire: Wire, required: str, shape: Shape) -> None:
        asked = read_asked(request.body, required)
        scenario = self._scenario(request, asked)
        said = answer(asked, request.body, scenario)
        created = int(self._clock.wall())
        headers = {"x-request-id": f"sim-{said.id}"}
        if asked.stream:
            with_usage = asked.wants_usage and scenario.reports_usage
            events = stream_events(said, shape, created, with_usage=with_usage)
            await play_stream(wire, events, scenario, headers)
        else:
            body = whole_body(said, shape, created, reports_usage=scenario.reports_usage)
            await play_whole(wire, body, said.completion_tokens, scenario, headers)

    async def _write_embeddings(self, request: Request, wire: Wire) -> None:
        asked = read_asked(request.body, "input")
        scenario = self._scenario(request, asked)
        body = embeddings_body(asked, reports_usage=scenario.reports_usage)
        headers = {"x-request-id": f"sim-{fingerprint(request.body)}"}
        await play_whole(wire, body, 0, scenario, headers)

    def _scenario(self, request: Request, asked: Asked) -> Scenario:
        """What was asked for; without its breach once the session has failed often enough."""
        scenario = parse_scenario(request.headers.get(SCENARIO_HEADER) or asked.model)
        if scenario.failing_calls is None:
            return scenario
        session = fingerprint(f"{scenario.spelled()}\n{asked.session}".encode("utf-8", "replace"))
        has_failed_enough = self._sessions.count(session) >= scenario.failing_calls
        return scenario.without_breach() if has_failed_enough else scenario


def _expect(method: str, request: Request) -> None:
    if request.method != method:
        raise Fault(Kind.METHOD_NOT_ALLOWED, f"This path takes {method} only.")


def _models_body() -> bytes:
    rows = [
        {
            "id": name,
            "object": "model",
            "created": 0,
            "owned_by": "simulator",
            "name": title,
            "context_length": CONTEXT_TOKENS,
        }
        for name, title in EXAMPLES.items()
    ]
    return msgspec.json.encode({"object": "list", "data": rows})
