"""Hub: the verbs by which a dialect is translated, beside those of the identity path (`dialect.Dialect`).

A call whose client and upstream speak different dialects goes

    client's bytes --read_request--> Conversation --write_request--> upstream's bytes
    upstream's bytes --read_answer / Reader--> Answer / deltas --write_answer / Writer--> client's bytes

All of them are pure; none knows another dialect. What has no place is not written: `carries` tells, and `features.lost` names it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer, Delta
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.conversation import Conversation, Vendor
from kilo_gateway.dialects.features import Carries


def _no_signature(_call_id: str) -> str:
    return ""


class Target(msgspec.Struct, frozen=True):
    """What the writer of a request must know of the deployment.

    `model` is its name there. `reads_thinking` is the vendor whose signatures and sealed thoughts it takes ("" = none's).
    `max_output` is its limit of output tokens, None where unknown. `signature_of` gives a signature that was seen with
    a tool call's id and that the client has dropped, "" if there is none.
    """

    model: str
    reads_thinking: Vendor = ""
    quirks: frozenset[str] = frozenset()
    capabilities: frozenset[str] = frozenset()
    max_output: int | None = None
    signature_of: Callable[[str], str] = _no_signature


class Shown(msgspec.Struct, frozen=True):
    """What the writer of a reply must know of the call: its id, the model as the client asked for it, seconds since the
    epoch, and whether the client wants usage in a stream. `request` is what the client asked, for dialects that repeat it.
    """

    call_id: str
    model: str
    created: int
    wants_usage: bool = True
    request: Fields = {}


class DeltaReader(Protocol):
    """An upstream's stream, taken apart: any way of cutting the bytes gives the same deltas."""

    @property
    def is_done(self) -> bool:
        """Whether upstream said that the reply is complete."""
        ...

    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete. Raises Fault UPSTREAM_GARBAGE for what is no stream."""
        ...

    def finish(self) -> Sequence[Delta]:
        """Upstream's clean end: what was held back. Raises Fault UPSTREAM_DISCONNECT if the reply is cut."""
        ...


class DeltaWriter(Protocol):
    """A stream in the client's dialect."""

    def write(self, deltas: Iterable[Delta]) -> bytes:
        """The events that these deltas make, b"" if none yet."""
        ...

    def finish(self, usage: Usage, cost_nanodollars: int | None) -> bytes:
        """The end: what was open is closed, usage is told, the terminal event comes."""
        ...


class Hub(Protocol):
    """One dialect's way to and from the hub form."""

    name: str
    title: str
    carries: Carries

    def carries_for(self, target: Target) -> Carries:
        """`carries` for one deployment, where servers of the dialect differ."""
        ...

    def dropped_for(self, conversation: Conversation, target: Target) -> tuple[str, ...]:
        """Names of what this one model cannot have beside the rest of the request, though the dialect has a place for it."""
        ...

    def read_request(self, fields: Fields) -> Conversation:
        """A client's request. Raises Fault invalid_request naming the field that is not as it should be."""
        ...

    def write_request(self, conversation: Conversation, target: Target) -> bytes:
        """The body for an upstream. Raises Fault unsupported_field for what it cannot represent."""
        ...

    def read_answer(self, body: bytes) -> Answer | None:
        """An upstream's whole reply with status 200; None if it is not of this dialect."""
        ...

    def write_answer(
        self, answer: Answer, shown: Shown, cost_nanodollars: int | None = None
    ) -> bytes:
        """A whole reply for a client."""
        ...

    def reader(self, operation: Operation) -> DeltaReader:
        """A fresh reader of a stream."""
        ...

    def writer(self, shown: Shown) -> DeltaWriter:
        """A fresh writer of a stream."""
        ...
