"""The daemon of `gateway.mode: "remote"`: where it is, and in plain words why it cannot be used."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx
from typing_extensions import override

from genesis import __version__
from genesis.config.load import Loaded, load
from genesis.config.shell_env import RunShell
from genesis.config.substitution import has_reference
from genesis.core.events import AgentEvent, TurnEnded
from genesis.core.fault import GenesisError
from genesis.core.hosts import is_loopback
from genesis.core.message import UserMessage
from genesis.core.secret import Secret
from genesis.core.text import one_line
from genesis.daemon.access import PASSWORD_VARIABLE, TOKEN_VARIABLE, secret_of
from genesis.daemon.client import DaemonConversation, health
from genesis.session.conversation import SessionView

LOOK_S = 10.0
UNENCRYPTED = "Warning: gateway.remote.url is not encrypted: who is on the way can read the token and what is said. Use wss://."
LOCALLY = "--local does without it."
# What the protocol's own words for an address are on the wire; `ws` is how other programs write it.
_SCHEMES = {"ws": "http", "wss": "https", "http": "http", "https": "https"}


@dataclass(frozen=True)
class Remote:
    """A daemon's address and what it is shown; fulfils what a client needs."""

    url: str
    secret: Secret | None

    @property
    def host(self) -> str:
        """Its name."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_readable(self) -> bool:
        """Whether strangers on the way could read the token and what is said."""
        if self.url.startswith("https:") or is_loopback(self.host):
            return False
        with suppress(ValueError):
            return not ip_address(self.host).is_private
        return True


def remote_of(
    loaded: Loaded, environ: Mapping[str, str], run_shell: RunShell | None = None
) -> Remote:
    """The daemon elsewhere. Raises GenesisError if the settings name none that can be.

    A folder's `.env` may set variables that the settings use: where the token goes is not for it to say. So the settings
    are read anew without it. `environ` is the process's.
    """
    own = load(loaded.paths, environ, run_shell=run_shell).require()
    remote = own.settings.gateway.remote
    literal = remote.token.literal if remote.token is not None else None
    if literal is not None and has_reference(literal.reveal()):
        raise GenesisError(
            f"gateway.remote.token names a variable that has no value outside of this folder: {literal.reveal()}."
        )
    secret = secret_of(remote.token, own.environ, TOKEN_VARIABLE)
    if remote.token is None:
        secret = secret or secret_of(None, own.environ, PASSWORD_VARIABLE)
    return Remote(_address(remote.url), secret)


def _address(text: str | None) -> str:
    """The URL as HTTP has it. Raises GenesisError."""
    if not (text or "").strip():
        raise GenesisError(
            'gateway.mode is "remote", and gateway.remote.url does not say where the daemon is: '
            f"genesis config set gateway.remote.url wss://HOST. {LOCALLY}"
        )
    url = str(text).strip()
    if has_reference(url):
        raise GenesisError(
            f"gateway.remote.url names a variable that has no value outside of this folder: {one_line(url)}."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.username is not None or parts.query or parts.fragment:
        raise GenesisError(
            "gateway.remote.url may hold no name, password or question: the token belongs into gateway.remote.token."
        )
    if parts.scheme not in _SCHEMES or not host:
        raise GenesisError(
            f"gateway.remote.url is no address of a daemon: {one_line(url)}. For example: wss://HOST, ws://HOST:18789."
        )
    named = f"[{host}]" if ":" in host else host
    at = f":{port}" if port is not None else ""
    return f"{_SCHEMES[parts.scheme]}://{named}{at}{parts.path.rstrip('/')}"


async def connected(
    remote: Remote, *, workspace: str = "", limit_s: float | None = None
) -> "RemoteConversation":
    """Its conversation. Raises GenesisError that says why there is none. `workspace` is a folder there, for new sessions
    that name none; `limit_s` bounds each turn."""
    conversation = RemoteConversation(remote, workspace, limit_s)
    problem = await conversation.problem()
    if problem:
        await conversation.aclose()
        raise GenesisError(problem)
    return conversation


async def problem_of(remote: Remote) -> str:
    """Why it cannot be used; nothing if it can."""
    async with aclosing(RemoteConversation(remote, "", None)) as conversation:
        return await conversation.problem()


class RemoteConversation(DaemonConversation):
    """The same, with a time limit that is kept here: the daemon's own settings may have another."""

    def __init__(self, remote: Remote, workspace: str, limit_s: float | None) -> None:
        # A proxy may lead there, but not to this machine.
        super().__init__(remote, uses_proxies=not is_loopback(remote.host))
        self._remote = remote
        self._workspace = workspace
        self._limit_s = limit_s

    @override
    async def open(self, session_id: str | None, workspace: str = "") -> SessionView:
        return await super().open(session_id, workspace or self._workspace)

    async def problem(self) -> str:
        """Why it cannot be used; nothing if it can."""
        url = self._remote.url
        try:
            status, facts = await health(self._client, LOOK_S)
        except httpx.HTTPError as error:
            told = one_line(str(error), 200) or type(error).__name__
            return f"The daemon at {url} (gateway.remote.url) cannot be reached: {told}. {LOCALLY}"
        if facts.get("service") != "genesis":
            return (
                f"What answers at {url} (gateway.remote.url, HTTP {status}) is no daemon of Genesis"
                f"{_said(facts)}. {LOCALLY}"
            )
        if "pid" not in facts:  # told only to those who are let in
            return self._refused
        if facts.get("version") != __version__:
            theirs = one_line(str(facts.get("version")), 40)
            return f"The daemon at {url} is of version {theirs}, this is {__version__}: both have to be the same. {LOCALLY}"
        return ""

    @property
    def _refused(self) -> str:
        if self._remote.secret is None:
            return (
                f"The daemon at {self._remote.url} wants a token: set gateway.remote.token, "
                f"or {TOKEN_VARIABLE} in your environment. {LOCALLY}"
            )
        return (
            f"The daemon at {self._remote.url} refuses the token. gateway.remote.token has to be "
            f"what gateway.auth.token is there. {LOCALLY}"
        )

    @override
    async def send(
        self,
        session_id: str,
        message: UserMessage,
        *,
        model: str | None = None,
        thinking: str | None = None,
    ) -> AsyncGenerator[AgentEvent, None]:
        is_late = asyncio.Event()
        timer = asyncio.ensure_future(self._end_late(session_id, is_late))
        turn = super().send(session_id, message, model=model, thinking=thinking)
        try:
            async for event in turn:
                if isinstance(event, TurnEnded) and is_late.is_set():
                    yield TurnEnded("error", event.usage, self._lateness, is_late=True)
                else:
                    yield event
        finally:
            timer.cancel()
            await turn.aclose()

    @property
    def _lateness(self) -> str:
        return f"The turn took longer than {self._limit_s:g} s and was stopped."

    async def _end_late(self, session_id: str, is_late: asyncio.Event) -> None:
        if not self._limit_s:
            return
        await asyncio.sleep(self._limit_s)
        is_late.set()
        with suppress(GenesisError):  # then the stream has failed as well, and says so
            await self.cancel(session_id)


def _said(facts: Mapping[str, Any]) -> str:
    error = facts.get("error")
    message = error.get("message") if isinstance(error, dict) else None
    return f": {one_line(str(message), 200).rstrip('.')}" if message else ""
