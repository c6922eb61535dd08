"""Dialect: the verbs that every wire format offers. All of them are pure: bytes and values in, bytes and values out."""

from collections.abc import Callable, Mapping
from typing import Protocol, runtime_checkable

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.body import Fields


class Envelope(Protocol):
    """What the path of a call knows of a request."""

    @property
    def model(self) -> str:
        """The model asked for, trimmed, never empty."""
        ...

    @property
    def models(self) -> tuple[str, ...]:
        """Further models to fall back to, in the client's order."""
        ...

    @property
    def stream(self) -> bool:
        """Whether the client wants an event stream."""
        ...

    @property
    def max_tokens(self) -> int | None:
        """The most output tokens that the client accepts."""
        ...

    @property
    def wants_usage(self) -> bool:
        """Whether the client asked to see usage in the stream."""
        ...

    @property
    def wishes(self) -> Preferences | None:
        """What the client wishes of the upstreams that may serve it."""
        ...


class ReplyFacts(Protocol):
    """What a whole reply told."""

    @property
    def usage(self) -> Usage:
        """Tokens, unknown where not told."""
        ...

    @property
    def finish_reason(self) -> str | None:
        """Why the model stopped, in the dialect's own word."""
        ...

    @property
    def error(self) -> bytes | None:
        """The error object, if the reply was one in spite of its status 200."""
        ...


class ReplyStream(Protocol):
    """One streamed reply on its way to the client."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None
    is_done: bool
    failed_at_once: bool
    events: int

    @property
    def has_ended(self) -> bool:
        """Whether nothing that upstream may still send matters."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Upstream's next bytes in, the client's out (b"" while an event is incomplete)."""
        ...

    def finish(self) -> bytes:
        """Upstream's clean end: what was held back, with a terminal event if none came. Raises Fault if cut."""
        ...

    def estimated_output_tokens(self) -> int:
        """A guess for a reply that ended before its usage."""
        ...


class MakeStream(Protocol):
    """Makes the reader of one streamed reply."""

    def __call__(
        self,
        operation: Operation,
        *,
        wants_usage: bool,
        cost_of: Callable[[Usage], int | None] | None = None,
    ) -> ReplyStream:
        """A fresh reader."""
        ...


class Dialect(Protocol):
    """One wire format."""

    name: str
    content_type_of_streams: bytes
    # Headers that go to an upstream of this dialect with every call, and names of those passed on from the client.
    upstream_headers: Mapping[str, str]
    forward_headers: tuple[str, ...]

    def path(self, operation: Operation, model: str, *, is_stream: bool) -> str:
        """Where an upstream takes the operation, below its base URL: `/chat/completions`."""
        ...

    def peek(self, operation: Operation, fields: Fields) -> Envelope:
        """Read the few fields that routing needs; Fault for what no upstream would take."""
        ...

    def outbound(self, call: Call, deployment: Deployment, quirks: frozenset[str]) -> bytes:
        """The body for one attempt at a deployment of this same dialect."""
        ...

    def read_reply(self, body: bytes, operation: Operation) -> ReplyFacts | None:
        """Facts of a whole reply with status 200; None when it is not of this dialect at all."""
        ...

    def with_cost(self, body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
        """The reply with its cost, where the dialect has room for it; `seen` is its raw usage, if that was read."""
        ...

    def error_body(self, fault: Fault, request_id: str) -> bytes:
        """A fault as a whole reply."""
        ...

    @property
    def stream(self) -> MakeStream:
        """Makes the reader of a streamed reply."""
        ...

    def error_event(self, fault: Fault, request_id: str) -> bytes:
        """A fault after the first byte: error event and terminal event."""
        ...

    def keep_alive(self) -> bytes:
        """What is sent while the model is silent."""
        ...


@runtime_checkable
class NamesErrors(Protocol):
    """A dialect whose clients know an error by a header."""

    def error_headers(self, fault: Fault) -> bytes:
        """The header as a line."""
        ...


@runtime_checkable
class Framed(Protocol):
    """A dialect whose streams are no text: what is struck out of them must leave their framing whole."""

    def redacted(self, out: bytes, redact: Callable[[bytes], bytes]) -> bytes:
        """Whole frames for a client, what they hold redacted."""
        ...
