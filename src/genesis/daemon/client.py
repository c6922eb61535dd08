"""DaemonConversation: the same Conversation, over HTTP; and attach(), which finds the daemon if it runs."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import Any, Protocol, TypeVar
from urllib.parse import quote

import httpx
import httpx_sse
import msgspec

from genesis import __version__
from genesis.config.load import Loaded
from genesis.config.paths import Paths
from genesis.core.events import AgentEvent, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.message import UserMessage
from genesis.core.secret import Secret
from genesis.daemon import process
from genesis.daemon.access import access_of
from genesis.providers.compatible.asking import read_bounded
from genesis.session.approval import Decision
from genesis.session.conversation import SessionInfo, SessionView

# It runs, its lock says so: a machine may be busy.
LOOK_S = 2.0
MOST_HEALTH_BYTES = 64 * 1024
STOP_S = 2.0
# The daemon sends at least a comment every 15 s of a stream.
ANSWER_S = 60.0
# The daemon has a limit of its own (agents.defaults.timeoutSeconds).
COMPACT_S = 3600.0
T = TypeVar("T")
_EVENTS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AgentEvent)


async def attach(paths: Paths, loaded: Loaded) -> "DaemonConversation | None":
    """The daemon's conversation, if it runs, is of this version and takes our token; else None.

    The token goes only to the port that the daemon itself has noted: what else may listen there never sees it.
    """
    found = process.running(paths)
    if found is None:
        return None
    try:
        access = found.access(access_of(loaded).secret)
    except GenesisError:
        return None
    conversation = DaemonConversation(access)
    if await conversation.is_there():
        return conversation
    await conversation.aclose()
    return None


class Value(msgspec.Struct, frozen=True):
    """An answer that says one thing."""

    value: str


class Reachable(Protocol):
    """Where a daemon is, and what it is shown."""

    @property
    def url(self) -> str:
        """Its address."""
        ...

    @property
    def secret(self) -> Secret | None:
        """What lets us in; None where none is asked for."""
        ...


class DaemonConversation:
    """Fulfils Conversation. Every failure of the connection is a GenesisError with a sentence."""

    def __init__(self, door: Reachable, *, uses_proxies: bool = False) -> None:
        headers = {"Authorization": f"Bearer {door.secret.reveal()}"} if door.secret else {}
        self._client = httpx.AsyncClient(
            base_url=door.url, headers=headers, timeout=ANSWER_S, trust_env=uses_proxies
        )
        self._has_left = False

    def leave(self) -> None:
        """The terminal is gone: turns go on in the daemon when their iterators are closed."""
        self._has_left = True

    async def is_there(self) -> bool:
        """Whether a daemon of this Genesis answers in time, and lets us in."""
        facts = await self.health(LOOK_S) or {}
        # The pid is told only to those who are let in.
        return facts.get("version") == __version__ and "pid" in facts

    async def health(self, limit_s: float) -> dict[str, Any] | None:
        """What the daemon tells of itself; None if none answers in time."""
        try:
            _, facts = await health(self._client, limit_s)
        except httpx.HTTPError:
            return None
        return facts if facts.get("service") == "genesis" else None

    async def aclose(self) -> None:
        """Leave."""
        await self._client.aclose()

    async def sessions(self) -> list[SessionInfo]:
        """All saved sessions."""
        return await self._ask("GET", "/sessions", list[SessionInfo])

    async def open(self, session_id: str | None, workspace: str = "") -> SessionView:
        """Open a session, or begin one in that workspace."""
        asked = {"id": session_id, "workspace": workspace}
        return await self._ask("POST", "/sessions", SessionView, asked)

    async def send(
        self,
        session_id: str,
        message: UserMessage,
        *,
        model: str | None = None,
        thinking: str | None = None,
    ) -> AsyncGenerator[AgentEvent, None]:
        """One turn. Closing the iterator stops it, unless we left; a connection that is lost does not."""
        body = msgspec.json.encode({"message": message, "model": model, "thinking": thinking})
        path = f"/sessions/{_named(session_id)}/messages"
        has_ended = False
        try:
            async with self._client.stream("POST", path, content=body) as answer:
                if answer.status_code != 200:
                    raise _refused(answer.status_code, await answer.aread())
                async for event in httpx_sse.EventSource(answer).aiter_sse():
                    told: AgentEvent = _EVENTS.decode(event.data)
                    has_ended = isinstance(told, TurnEnded)
                    yield told
        except (GeneratorExit, asyncio.CancelledError):
            if not has_ended and not self._has_left:
                await self._stop(session_id)
            raise
        except httpx.HTTPError as error:
            raise _gone(error) from None
        except msgspec.DecodeError as error:
            raise _other_version(error) from None
        if not has_ended:
            raise GenesisError(
                "The daemon ended in the middle of the turn. What was said is saved: open the session again."
            )

    async def _stop(self, session_id: str) -> None:
        with suppress(httpx.HTTPError):
            await self._client.post(f"/sessions/{_named(session_id)}/cancel", timeout=STOP_S)

    async def decide(self, approval_id: str, decision: Decision) -> None:
        """Answer an approval."""
        await self._post(f"/approvals/{_named(approval_id)}", {"value": decision})

    async def cancel(self, session_id: str) -> None:
        """Stop the session's turn."""
        await self._post(f"/sessions/{_named(session_id)}/cancel", None)

    async def compact(self, session_id: str) -> str:
        """Shorten what the model has to read."""
        path = f"/sessions/{_named(session_id)}/compact"
        return await self._text("POST", path, timeout_s=COMPACT_S)

    async def delete(self, session_id: str) -> str:
        """Delete a session for good."""
        return await self._text("DELETE", f"/sessions/{_named(session_id)}")

    async def models_text(self, arguments: list[str]) -> str:
        """The `/models` listing."""
        query = str(httpx.QueryParams([("word", word) for word in arguments]))
        return await self._text("GET", f"/models-text?{query}")

    async def set_model(self, session_id: str, ref: str) -> str:
        """Choose the session's model."""
        return await self._text("POST", f"/sessions/{_named(session_id)}/model", ref)

    async def set_thinking(self, session_id: str, level: str) -> str:
        """Choose how much it thinks."""
        return await self._text("POST", f"/sessions/{_named(session_id)}/thinking", level)

    async def status(self, session_id: str) -> str:
        """Lines about the session."""
        return await self._text("GET", f"/sessions/{_named(session_id)}/status")

    async def usage(self, session_id: str) -> str:
        """Lines about its tokens."""
        return await self._text("GET", f"/sessions/{_named(session_id)}/usage")

    async def _text(
        self, method: str, path: str, value: str | None = None, *, timeout_s: float = ANSWER_S
    ) -> str:
        body = {"value": value} if value is not None else None
        content = await self._answer(method, path, body, timeout_s=timeout_s)
        return _decoded(content, Value).value

    async def _post(self, path: str, body: object) -> None:
        await self._answer("POST", path, body)

    async def _ask(self, method: str, path: str, kind: type[T], body: object = None) -> T:
        return _decoded(await self._answer(method, path, body), kind)

    async def _answer(
        self, method: str, path: str, body: object, *, timeout_s: float = ANSWER_S
    ) -> bytes:
        content = b"" if body is None else msgspec.json.encode(body)
        try:
            answer = await self._client.request(method, path, content=content, timeout=timeout_s)
        except httpx.HTTPError as error:
            raise _gone(error) from None
        if answer.status_code >= 300:
            raise _refused(answer.status_code, answer.content)
        return answer.content


async def health(client: httpx.AsyncClient, limit_s: float) -> tuple[int, dict[str, Any]]:
    """The status, and what a daemon says of itself; nothing, if what answers there says something else.

    All of it within the time and some bytes: who has the port is not known yet. Raises httpx.HTTPError.
    """
    try:
        async with (
            asyncio.timeout(limit_s),
            client.stream("GET", "/health", timeout=None) as answer,
        ):
            body = await read_bounded(answer, MOST_HEALTH_BYTES)
    except TimeoutError:
        raise httpx.ReadTimeout(f"no answer within {limit_s:g} s") from None
    try:
        return answer.status_code, msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        return answer.status_code, {}


async def health_of(door: Reachable, limit_s: float) -> dict[str, Any] | None:
    """What a daemon of Genesis tells of itself there; None if none answers. The pid is told to those who are let in."""
    async with aclosing(DaemonConversation(door)) as conversation:
        return await conversation.health(limit_s)


def _named(text: str) -> str:
    """A name as a part of a path: what a person types may hold a slash."""
    return quote(text, safe="") or "-"


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise _other_version(error) from None


def _refused(status: int, body: bytes) -> GenesisError:
    try:
        message = msgspec.json.decode(body)["error"]["message"]
    except (msgspec.DecodeError, KeyError, TypeError):
        message = f"The daemon answered with HTTP {status}."
    return GenesisError(str(message))


def _gone(error: Exception) -> GenesisError:
    return GenesisError(
        f"The daemon cannot be reached any more ({type(error).__name__}). `genesis gateway status` tells whether it runs; --local does without it."
    )


def _other_version(error: Exception) -> GenesisError:
    return GenesisError(
        f"The daemon answered in a form that this version does not know ({error}). Restart it: genesis gateway stop, then start."
    )
