"""Claude on Amazon Bedrock by InvokeModel: the same messages in another envelope. Upstream alone; clients speak the dialect itself.

path       /model/{id}/invoke, and /invoke-with-response-stream: model and `stream` stand there and not in the body
body       `anthropic_version` instead of the header, `anthropic_beta` likewise; all other members as they are
streams    frames whose payload is {"bytes": base64 of an event}; exceptions are frames, too
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import quote

import msgspec
from typing_extensions import override

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Delta
from kilo_gateway.dialects.anthropic_messages import deltas, events, writing
from kilo_gateway.dialects.anthropic_messages.replies import error_word
from kilo_gateway.dialects.anthropic_messages.schema import UNREADABLE
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.conversation import Conversation
from kilo_gateway.dialects.frames import Frame, Frames
from kilo_gateway.dialects.hub import Target
from kilo_gateway.dialects.sse import event_bytes

NAME = "bedrock_anthropic"
UPSTREAM_HEADERS: Mapping[str, str] = MappingProxyType({})
_VERSION = raw_json("bedrock-2023-05-31")
_NOT_HERE = ("model", "stream", "models", "provider", "anthropic_version")
_FIELDS = msgspec.json.Decoder(Fields)
_MOST_BETAS = 32
_STATUSES = {
    "throttlingException": 429,
    "validationException": 400,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 504,
}


class _Chunk(msgspec.Struct, gc=False):
    bytes: str = ""


class _Type(msgspec.Struct, gc=False):
    type: str = ""


class _Exception(msgspec.Struct, gc=False):
    message: str = ""


_CHUNK = msgspec.json.Decoder(_Chunk)
_TYPE = msgspec.json.Decoder(_Type)
_EXCEPTION = msgspec.json.Decoder(_Exception)


def path(operation: Operation, _model: str, *, is_stream: bool) -> str:
    """Where the service takes a message."""
    del operation  # there is one alone
    verb = "invoke-with-response-stream" if is_stream else "invoke"
    return f"/model/{quote(_model, safe='-._~')}/{verb}"


def outbound(call: Call, deployment: Deployment, quirks: frozenset[str]) -> bytes:
    """The client's members in the service's envelope. What the client's header asks of the API stands in the body."""
    fields = enveloped(call.fields)
    header = call.headers.get(b"anthropic-beta", b"").decode("latin-1")
    betas = [name.strip() for name in header.split(",") if name.strip()][:_MOST_BETAS]
    if betas and "anthropic_beta" not in fields:
        fields["anthropic_beta"] = raw_json(betas)
    return write_fields(fields)


def write_request(conversation: Conversation, target: Target) -> bytes:
    """The body for the service."""
    return write_fields(enveloped(_FIELDS.decode(writing.write_request(conversation, target))))


def enveloped(fields: Fields) -> Fields:
    """Members of a body without those of the URL, and with the version."""
    kept = {name: value for name, value in fields.items() if name not in _NOT_HERE}
    return {"anthropic_version": _VERSION, **kept}


def unpacked(frames: Sequence[Frame]) -> bytes:
    """Frames as the events that Anthropic's own API would have sent."""
    return b"".join(event for frame in frames for event in _events(frame))


def _events(frame: Frame) -> Iterator[bytes]:
    if frame.is_failure:
        yield event_bytes(_error(frame), "error")
        return
    try:
        data = base64.b64decode(_CHUNK.decode(frame.payload).bytes)
        kind = _TYPE.decode(data).type
    except (*UNREADABLE, binascii.Error):
        return
    if data and b"\n" not in data:
        yield event_bytes(data, kind if kind.isidentifier() else "")


def _error(frame: Frame) -> bytes:
    try:
        message = _EXCEPTION.decode(frame.payload).message
    except UNREADABLE:
        message = ""
    kind = frame.event[:1].lower() + frame.event[1:]
    told = {"type": error_word(_STATUSES.get(kind, 500)), "message": message or frame.event}
    return bytes(raw_json({"type": "error", "error": told}))


class Stream(events.Stream):
    """A stream on its way to a client of Anthropic's own dialect: frames in, events out."""

    __slots__ = ("_frames",)

    def __init__(
        self,
        operation: Operation,
        *,
        wants_usage: bool = True,
        cost_of: Callable[[Usage], int | None] | None = None,
    ) -> None:
        super().__init__(operation, wants_usage=wants_usage, cost_of=cost_of)
        self._frames = Frames()

    @override
    def feed(self, chunk: bytes) -> bytes:
        """Events out of the next bytes from upstream."""
        block = b"" if self.has_ended else unpacked(self._frames.feed(chunk))
        return super().feed(block) if block else b""


class Reader(deltas.Reader):
    """A stream taken apart: frames, then the events in them."""

    def __init__(self) -> None:
        super().__init__()
        self._unread = Frames()

    @override
    def feed(self, chunk: bytes) -> Sequence[Delta]:
        """The deltas that upstream's next bytes complete."""
        block = b"" if self.is_done else unpacked(self._unread.feed(chunk))
        return super().feed(block) if block else []
