"""Upstream: an account at a vendor, ready to be asked: URL, credential, pool, and the vendor's ways."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from typing_extensions import override

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.redaction import STRUCK
from kilo_gateway.core.secret import Secret
from kilo_gateway.dialects.registry import DIALECTS, FRAMINGS
from kilo_gateway.upstreams.exchange import Exchange, send
from kilo_gateway.upstreams.pool import Pool
from kilo_gateway.upstreams.profiles import Auth, Profile, auth_headers, below, call_path
from kilo_gateway.upstreams.proxies import is_loopback
from kilo_gateway.upstreams.signing import Signer
from kilo_gateway.upstreams.target import Target

_MODELS_LIMIT_BYTES = 32 * 1024 * 1024
_USER_AGENT = "kilo-gateway"
# Whoever serves models itself refuses fields that only a router of models understands, or does not mind them.
_NO_ROUTING_FIELDS = "no_routing_fields"
_PATHS_KEPT = 4096
_JSON_TYPE = b"content-type: application/json\r\n"
_STARTING_S = 30.0
# Shorter values would strike ordinary words.
_SHORTEST_SECRET = 8
_STRUCK = STRUCK.encode()
# Headers that say nothing worth hiding; of any other, nobody but its operator knows.
_PLAIN_HEADERS = frozenset({"accept", "content-type", "user-agent", "http-referer", "x-title"})


class Account(msgspec.Struct, frozen=True):
    """What one upstream is made of: its name, vendor row, credential, further headers from the settings, and what signs
    its requests, if they are signed, with which `secrets`."""

    name: str
    profile: Profile
    key: Secret
    headers: tuple[tuple[str, str], ...] = ()
    signer: Signer | None = None
    secrets: tuple[Secret, ...] = ()

    @override
    def __repr__(self) -> str:
        """The name alone: headers may hold credentials."""
        return f"Account({self.name!r})"


Gate = Callable[[float], Awaitable[object]]


class Upstream:
    """One upstream. `send` asks it; `list_models` asks for its models. Immutable but for its pool.

    `gate` is waited for before anything is sent, at most the given number of seconds: an upstream that we run ourselves may
    still be starting. Raises ValueError for a credential or header that cannot be sent.
    """

    def __init__(self, account: Account, pool: Pool, gate: Gate | None = None) -> None:
        self._gate = gate
        self.name = account.name
        self.account = account
        self.pool = pool
        self.first_byte_s = pool.timeouts.first_byte_s
        self.silence_s = pool.timeouts.silence_s
        profile = account.profile
        self.quirks: frozenset[str] = frozenset(profile.quirks) | _routing_quirk(profile)
        # What the operator set, no client changes.
        own = {name.lower() for name, _ in account.headers}
        self._forward = frozenset(
            name.encode() for name in profile.forward_headers if name not in own
        )
        # A server of one's own that wants no key as a rule gets the one that was given for it all the same.
        auth: Auth = "bearer" if profile.auth == "none" and account.key else profile.auth
        self._auth: Auth = auth
        self._manners = {profile.dialect: self._manner(profile.dialect)}
        self._list_head = self._head(auth, profile.headers | profile.models_headers)
        self._starts: dict[tuple[str, str, str, bool], _Start] = {}
        self._own_words = _own_words(account, pool.target)

    @override
    def __repr__(self) -> str:
        return f"Upstream({self.name!r})"

    def redact(self, body: bytes) -> bytes:
        """What the upstream said, without its key, its configured headers' values and its address."""
        return self._own_words.sub(_STRUCK, body)

    def send(  # noqa: PLR0913 - facts of one attempt
        self,
        call: Call,
        deployment: Deployment,
        body: bytes,
        lane: str,
        deadline: float,
        on_sent: Callable[[], object] | None = None,
        dialect: str = "openai_chat",
    ) -> Coroutine[Any, Any, Exchange]:
        """Send one attempt in a dialect; when awaited gives the exchange once the head of the reply is in. Raises Fault."""
        start = self._starts.get((call.operation, deployment.upstream_model, dialect, call.stream))
        if start is None:
            start = self._start(call, deployment, dialect)
        line, forward = start.line, start.forward
        if call.dialect != dialect and FRAMINGS.get(call.dialect) != dialect:
            forward = (
                self._forward
            )  # what its dialect's own headers and query say has no meaning here
        elif call.query:
            line += (b"&" if b"?" in line else b"?") + call.query
        forwarded = _forwarded(call.headers, forward) if forward else b""
        rest = start.rest
        if call.form is not None:
            rest = rest.replace(_JSON_TYPE, b"content-type: %b\r\n" % call.form.content_type)
        if self.account.signer is not None:
            forwarded += self._signature(self.account.signer, line, body)
        head = b"%b%b%bcontent-length: %d\r\n\r\n" % (line, rest, forwarded, len(body))
        if self._gate is None:
            return send(self.pool, head, body, lane, deadline, on_sent)
        begin = partial(send, self.pool, head, body, lane, deadline, on_sent)
        return self._after_gate(self._gate, begin, deadline)

    def _signature(self, signer: Signer, line: bytes, body: bytes) -> bytes:
        """Header lines that sign one request. `line` is `POST target`."""
        method, _, target = line.partition(b" ")
        path = target.removeprefix(self.pool.request_target_prefix).decode()
        return signer(method.decode(), path, {"host": self.pool.target.authority}, body)

    async def _after_gate(
        self, gate: Gate, begin: Callable[[], Awaitable[Exchange]], deadline: float
    ) -> Exchange:
        await gate(min(_STARTING_S, deadline - self.pool.monotonic()))
        return await begin()

    async def list_models(self, deadline: float) -> tuple[int, dict[bytes, bytes], bytes]:
        """GET its list of models: status, headers, body. Raises Fault."""
        path = self._absolute(self.account.profile.models_path)
        head = b"GET %b HTTP/1.1\r\n%b\r\n" % (path, self._list_head)
        exchange = await send(self.pool, head, b"", "", deadline)
        try:
            body = await exchange.read_all(_MODELS_LIMIT_BYTES, deadline)
            said = self.redact(body) if exchange.status >= 400 else body
            return exchange.status, exchange.headers, said
        finally:
            exchange.close()

    def _start(self, call: Call, deployment: Deployment, dialect: str) -> "_Start":
        model = deployment.upstream_model
        usual = DIALECTS[dialect].path(call.operation, model, is_stream=call.stream)
        target = self._absolute(call_path(self.account.profile, call.operation, usual, model))
        manner = self._manners.get(dialect)
        if manner is None:
            manner = self._manners[dialect] = self._manner(dialect)
        start = _Start(b"POST " + target, manner.rest, manner.forward)
        if len(self._starts) < _PATHS_KEPT:
            self._starts[call.operation, model, dialect, call.stream] = start
        return start

    def _manner(self, dialect: str) -> "_Manner":
        spoken = DIALECTS[dialect]
        own = {name.lower() for name, _ in self.account.headers}
        own |= set(self.account.profile.headers) | set(spoken.upstream_headers)
        forward = {name.encode() for name in spoken.forward_headers if name not in own}
        headers = {
            "content-type": "application/json",
            **spoken.upstream_headers,
            **self.account.profile.headers,
        }
        rest = b" HTTP/1.1\r\n" + self._head(self._auth, headers)
        return _Manner(rest, self._forward | forward)

    def _absolute(self, path: str) -> bytes:
        if path.startswith(
            ("http://", "https://")
        ):  # never the case for our own rows: a credential stays at home
            path = urlsplit(path).path
        target = self.pool.target
        return self.pool.request_target_prefix + below(target.path, path).encode()

    def _head(self, auth: Auth, headers: Mapping[str, str]) -> bytes:
        target, key = self.pool.target, self.account.key.reveal()
        if not (key.isascii() and key.isprintable()):
            raise ValueError(
                f"the key of upstream {self.name} holds characters that no header can carry"
            )
        rows = {
            "host": target.authority,
            "user-agent": _USER_AGENT,
            "accept": "*/*",
            "accept-encoding": "identity",
            **{name.lower(): value for name, value in headers.items()},
            **auth_headers(auth, key),
            **{name.lower(): value for name, value in self.account.headers},
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
        try:
            return lines.encode("latin-1") + self.pool.request_headers
        except UnicodeEncodeError:  # its own sentence would show a piece of the value
            raise ValueError(
                f"a header of upstream {self.name} holds characters that no header can carry"
            ) from None


class _Manner(msgspec.Struct, frozen=True):
    """How calls of one dialect begin: the head behind the path, without the length, and which of the client's headers follow."""

    rest: bytes
    forward: frozenset[bytes]


class _Start(msgspec.Struct, frozen=True):
    """How calls of one dialect for one model begin: `line` ends where a query may follow; then as its manner says."""

    line: bytes
    rest: bytes
    forward: frozenset[bytes]


def _forwarded(headers: Mapping[bytes, bytes], names: frozenset[bytes]) -> bytes:
    return b"".join(b"%b: %b\r\n" % (name, headers[name]) for name in names if name in headers)


Upstreams = Mapping[str, Upstream]


def _routing_quirk(profile: Profile) -> frozenset[str]:
    is_router = "routes_providers" in profile.quirks
    return frozenset() if is_router else frozenset({_NO_ROUTING_FIELDS})


def _own_words(account: Account, target: Target) -> re.Pattern[bytes]:
    """Finds what only the operator and the upstream know of each other; nothing if there is no such thing."""
    secrets = {form for text in _secrets(account) for form in _forms(text)}
    places = {target.authority, *(() if is_loopback(target.host) else (target.host,))}
    # The longest first: one may be the beginning of another.
    either = [re.escape(text) for text in sorted(secrets, key=len, reverse=True)]
    either += [
        rf"(?i:(?<![\w.-]){re.escape(place)}(?![\w-]))"
        for place in sorted(places, key=len, reverse=True)
        if len(place) >= _SHORTEST_SECRET
    ]
    return re.compile("|".join(either).encode() or b"(?!)")


def _secrets(account: Account) -> Iterator[str]:
    """The key and the values of the headers, a scheme such as `Bearer` left out."""
    values = [secret.reveal() for secret in (account.key, *account.secrets)]
    values += [value for name, value in account.headers if name.lower() not in _PLAIN_HEADERS]
    for value in values:
        for text in (value, value.partition(" ")[2].strip()):
            if len(text) >= _SHORTEST_SECRET:
                yield text


def _forms(text: str) -> Iterator[str]:
    """A text as it is, and as JSON writes it."""
    quoted = msgspec.json.encode(text).decode()[1:-1]
    yield from (text, quoted, quoted.replace("/", "\\/"))
