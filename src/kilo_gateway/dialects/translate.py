"""Passage: how one attempt's bytes go from the client's dialect to the upstream's, and the reply's bytes back.

    same dialect      the bytes themselves: nothing is parsed that need not be
    another dialect   through the hub form, both ways; what the target has no place for is named

The relay knows passages and no dialects: for it both kinds are alike.
"""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Protocol, TypeVar, runtime_checkable

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    Delta,
    Failed,
    Finished,
    LogprobsTold,
    Started,
    TextDelta,
    UsageTold,
    deltas_of,
)
from kilo_gateway.dialects.conversation import Conversation, ToolCall, Vendor
from kilo_gateway.dialects.dialect import Dialect, ReplyFacts, ReplyStream
from kilo_gateway.dialects.features import Feature, lost
from kilo_gateway.dialects.hub import DeltaReader, DeltaWriter, Hub, Shown, Target
from kilo_gateway.dialects.limits import within
from kilo_gateway.dialects.preferences import with_preferences
from kilo_gateway.dialects.registry import DIALECTS, FRAMINGS
from kilo_gateway.dialects.tool_names import Names, renamed

_BYTES_PER_TOKEN = 4
# Upstream's dialects that differ from a client's only in their envelope: bodies and events are the client's own.
_ENVELOPES = {"bedrock_anthropic": "anthropic_messages"}
# Dialects in which routers take `provider`.
_WITH_PREFERENCES = frozenset({"openai_chat", "openai_responses", "anthropic_messages"})
_NO_TEXT = (Started, UsageTold, Finished, Failed, LogprobsTold)

CostOf = Callable[[Usage], int | None]


class Marks(Protocol):
    """Signatures of tool calls, kept for clients that do not send them back."""

    def keep(self, call_id: str, signature: str) -> None:
        """A reply held this one."""
        ...

    def find(self, call_id: str) -> str:
        """What was kept for a call, "" if nothing was."""
        ...


class Outbound(msgspec.Struct, frozen=True, gc=False):
    """What goes upstream, and the names of what could not.

    `further` are the bodies of further requests that make up the same attempt.
    """

    body: bytes
    dropped: tuple[str, ...] = ()
    further: tuple[bytes, ...] = ()


class Passage(Protocol):
    """The way between one client's dialect and one upstream's."""

    client: Dialect
    upstream: Dialect
    is_identity: bool

    def outbound(
        self, call: Call, deployment: Deployment, quirks: frozenset[str], marks: Marks
    ) -> Outbound:
        """The body for one attempt. Raises Fault unsupported_field for what the target cannot represent."""
        ...

    def read_reply(self, body: bytes, operation: Operation) -> ReplyFacts | None:
        """Facts of upstream's whole reply with status 200; None if it is none."""
        ...

    def answer(
        self, call: Call, body: bytes, usage: Usage, cost_nanodollars: int | None, marks: Marks
    ) -> bytes:
        """The whole reply for the client, with its cost where that is given and the dialect has room for it."""
        ...

    def stream(self, call: Call, cost_of: CostOf | None, marks: Marks) -> ReplyStream:
        """The reader of a streamed reply, which gives the client's bytes."""
        ...


class Identity:
    """Client and upstream speak the same, in another envelope perhaps."""

    is_identity = True

    def __init__(self, client: Dialect, upstream: Dialect | None = None) -> None:
        self.client = client
        self.upstream = upstream or client
        self.read_reply = self.upstream.read_reply

    def outbound(
        self,
        call: Call,
        deployment: Deployment,
        quirks: frozenset[str],
        marks: Marks,
    ) -> Outbound:
        """The client's own members, with the deployment's model."""
        return Outbound(self.upstream.outbound(call, deployment, quirks))

    def answer(
        self,
        call: Call,
        body: bytes,
        usage: Usage,
        cost_nanodollars: int | None,
        marks: Marks,
    ) -> bytes:
        """The reply as it came, with its cost."""
        if cost_nanodollars is None:
            return body
        return self.client.with_cost(body, cost_nanodollars, usage.raw)

    def stream(self, call: Call, cost_of: CostOf | None, marks: Marks) -> ReplyStream:
        """Events as they come."""
        return self.upstream.stream(call.operation, wants_usage=call.wants_usage, cost_of=cost_of)


@runtime_checkable
class _Both(Dialect, Hub, Protocol):
    """A dialect that can be translated."""


class Translation:
    """Client and upstream speak differently."""

    is_identity = False

    def __init__(self, client: _Both, upstream: _Both) -> None:
        self.client: Dialect = client
        self.upstream: Dialect = upstream
        self._from: Hub = client
        self._to: Hub = upstream
        self.read_reply = upstream.read_reply

    def outbound(
        self, call: Call, deployment: Deployment, quirks: frozenset[str], marks: Marks
    ) -> Outbound:
        """The request in the upstream's words, and the names of what it has none for."""
        conversation = self._from.read_request(call.fields)
        sent = self.write(conversation, deployment, quirks, marks.find)
        if "provider" not in call.fields or self.upstream.name not in _WITH_PREFERENCES:
            return sent
        body = with_preferences(sent.body, call.fields, deployment, quirks)
        return msgspec.structs.replace(sent, body=body)

    def write(
        self,
        conversation: Conversation,
        deployment: Deployment,
        quirks: frozenset[str],
        signature_of: Callable[[str], str],
    ) -> Outbound:
        """A conversation in the upstream's words."""
        target = Target(
            model=deployment.upstream_model,
            reads_thinking=reads_thinking(deployment),
            quirks=quirks,
            capabilities=deployment.capabilities,
            max_output=deployment.limits.output,
            signature_of=signature_of,
        )
        carries = self._to.carries_for(target)
        dropped = lost(conversation, carries, self._to.title)
        dropped += self._to.dropped_for(conversation, target)
        conversation, beyond = within(conversation, self._to.name, quirks)
        if beyond and Feature.STOP.value not in dropped:
            dropped += beyond
        conversation = renamed(conversation, self._to.name)
        return Outbound(self._to.write_request(conversation, target), dropped)

    def answer(
        self,
        call: Call,
        body: bytes,
        usage: Usage,
        cost_nanodollars: int | None,
        marks: Marks,
    ) -> bytes:
        """The reply in the client's words."""
        answer = self._to.read_answer(body)
        if answer is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream's answer cannot be read as one.",
                detail=repr(body[:200]),
            )
        _keep_marks(deltas_of(answer), marks)
        names = self._names(call)
        answer = msgspec.structs.replace(
            answer,
            usage=usage if usage.is_known else answer.usage,
            parts=tuple(_own_name(part, names) for part in answer.parts),
        )
        return self._from.write_answer(answer, _shown(call), cost_nanodollars)

    def stream(self, call: Call, cost_of: CostOf | None, marks: Marks) -> ReplyStream:
        """Events taken apart and written anew."""
        reader, names = self._to.reader(call.operation), self._names(call)
        return TranslatedStream(reader, self._from.writer(_shown(call)), cost_of, marks, names)

    def _names(self, call: Call) -> Names:
        """The way back from names of tools as the upstream was told them."""
        return Names(self._to.name, lambda: self._from.read_request(call.fields))


class TranslatedStream:
    """One streamed reply, from an upstream's dialect to the client's. Fulfils `ReplyStream`."""

    __slots__ = (
        "_cost_of",
        "_marks",
        "_names",
        "_reader",
        "_text_bytes",
        "_writer",
        "error",
        "events",
        "failed_at_once",
        "finish_reason",
        "is_done",
        "usage",
    )

    def __init__(
        self,
        reader: DeltaReader,
        writer: DeltaWriter,
        cost_of: CostOf | None,
        marks: Marks,
        names: Names | None = None,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._cost_of = cost_of
        self._marks = marks
        self._names = names
        self.usage = UNKNOWN_USAGE
        self.finish_reason: str | None = None
        self.error: bytes | None = None
        self.is_done = False
        self.failed_at_once = False
        self.events = 0
        self._text_bytes = 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing that upstream may still send matters."""
        return self.is_done or self.error is not None

    def feed(self, chunk: bytes) -> bytes:
        """The client's bytes for upstream's next ones."""
        return b"" if self.has_ended else self._pass(self._reader.feed(chunk))

    def finish(self) -> bytes:
        """Upstream's clean end. Raises Fault if its reply was cut, or was none."""
        if self.has_ended:
            return b""
        out = self._pass(self._reader.finish())
        if self.has_ended:
            return out
        if not self.events and self.finish_reason is None:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream answered with an empty stream.")
        return out + self._end()

    def estimated_output_tokens(self) -> int:
        """A guess from what has passed, for a reply that ended before its usage."""
        return 0 if self.failed_at_once else max(self.events, self._text_bytes // _BYTES_PER_TOKEN)

    def _pass(self, deltas: Iterable[Delta]) -> bytes:
        seen = list[Delta]()
        for delta in deltas:
            told = delta
            if isinstance(delta, TextDelta):  # nearly all are
                self.events += 1
                self._text_bytes += len(delta.text)
            else:
                if isinstance(delta, Failed):
                    told = Failed(strike_json(delta.error))
                elif isinstance(delta, CallStarted) and self._names is not None:
                    told = _own_name(delta, self._names)
                self._note(told)
            seen.append(told)
        out = self._writer.write(seen) if seen else b""
        if self._reader.is_done and self.error is None:
            return out + self._end()
        return out

    def _end(self) -> bytes:
        self.is_done = True
        cost = self._cost_of(self.usage) if self._cost_of is not None else None
        return self._writer.finish(self.usage, cost)

    def _note(self, delta: Delta) -> None:
        if isinstance(delta, UsageTold):
            self.usage = delta.usage
        elif isinstance(delta, Finished):
            self.finish_reason = delta.raw_stop or delta.stop
        elif isinstance(delta, Failed):
            self.failed_at_once = self.events == 0
            self.error = delta.error
        elif not isinstance(delta, _NO_TEXT):
            self.events += 1
            _keep_marks((delta,), self._marks)
            text = getattr(delta, "text", "") or (
                delta.arguments if isinstance(delta, CallDelta) else ""
            )
            self._text_bytes += len(text)


_Named = TypeVar("_Named")


def _own_name(named: _Named, names: Names) -> _Named:
    """A call under the client's name of the tool; anything else as it is."""
    if not isinstance(named, ToolCall | CallStarted):
        return named
    own = names.of(named.name)
    return named if own == named.name else msgspec.structs.replace(named, name=own)


def _keep_marks(deltas: Iterable[Delta], marks: Marks) -> None:
    for delta in deltas:
        if isinstance(delta, CallStarted) and delta.signature:
            marks.keep(delta.id, delta.signature)


def _shown(call: Call) -> Shown:
    return Shown(
        call_id=call.id,
        model=call.model,
        created=int(call.received_at),
        wants_usage=call.wants_usage,
        request=call.fields,
    )


def hub_of(name: str) -> Hub:
    """A dialect's way to and from the hub form. Raises Fault api_kind_not_supported if it has none."""
    dialect = DIALECTS.get(name)
    if not isinstance(dialect, _Both):
        raise Fault(Kind.API_KIND_NOT_SUPPORTED, f"The dialect {name} is not translated.")
    return dialect


@cache
def passage(client: str, upstream: str) -> Passage:
    """The way between two dialects, by their names."""
    if FRAMINGS.get(client, client) == upstream:
        return Identity(DIALECTS[client])
    if _ENVELOPES.get(upstream) == client:
        return Identity(DIALECTS[client], DIALECTS[upstream])
    one, other = DIALECTS[client], DIALECTS[upstream]
    if not (isinstance(one, _Both) and isinstance(other, _Both)):
        raise Fault(
            Kind.API_KIND_NOT_SUPPORTED,
            f"This model cannot be asked in the dialect {client} yet.",
        )
    return Translation(one, other)


# Whose signatures and sealed thoughts a model takes: by its family, since one vendor's models stand behind many upstreams.
_FAMILIES: tuple[tuple[str, Vendor], ...] = (
    ("claude", "anthropic"),
    ("gemini", "google"),
    ("gpt-", "openai"),
    ("codex", "openai"),
    ("grok", "xai"),
)


def reads_thinking(deployment: Deployment) -> Vendor:
    """The vendor of a deployment's model; "" where it is unknown, or leaves no marks."""
    name = f"{deployment.model} {deployment.upstream_model}".lower()
    for word, vendor in _FAMILIES:
        if word in name:
            return vendor
    return ""
