"""Whole replies: usage, how they ended, errors inside a 200; our own error bodies, in Google's shape."""

from typing import Any, NamedTuple

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.gemini.schema import (
    MOST_TOKENS,
    Envelope,
    ModalityCount,
    WireUsage,
)

_RAW_USAGE_LIMIT = 4096
_ENVELOPE = msgspec.json.Decoder(Envelope)
_USAGE = msgspec.json.Decoder(WireUsage)
_FIELDS = msgspec.json.Decoder(Fields)
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NOTHING = frozenset({b"", b"null"})
_NO_ERROR = _NOTHING | {b'""', b"{}"}
_AUDIO = frozenset({"AUDIO", 4})

# Reasons by number, as Vertex counts them when a client asks for enumerations as numbers.
_REASONS = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
)
_BLOCKS = ("BLOCKED_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT")


class ReplyFacts(NamedTuple):
    """What one reply, whole or streamed, told: its usage, how it ended, and the error object if it was one."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None


def read_reply(body: bytes, operation: Operation) -> ReplyFacts | None:
    """Facts of a whole reply with status 200; None for a body that is no JSON object."""
    envelope = read_envelope(body)
    if envelope is None:
        return None
    usage = usage_of(envelope.usage_metadata, operation)
    error = None if envelope.candidates else error_of(envelope.error)
    if operation == "count_tokens" and error is None:
        usage = Usage(0, 0)  # counting is free, and no model was asked
    return ReplyFacts(usage, finish_reason_of(envelope), error)


def read_envelope(data: bytes) -> Envelope | None:
    """The few fields that are read of a reply or a chunk; None if it is no JSON object."""
    try:
        return _ENVELOPE.decode(data)
    except msgspec.ValidationError:
        found = decode_leniently(data, _ENVELOPE)
        return found if isinstance(found, Envelope) else None
    except _UNREADABLE:
        return None


def decode_leniently(data: bytes, decoder: "msgspec.json.Decoder[Any]") -> Any:
    """A struct of those members that have the right type, each tried alone; None if the value is no object."""
    try:
        fields = _FIELDS.decode(data)
    except _UNREADABLE:
        return None
    kept: Fields = {}
    for name, value in fields.items():
        alone: Fields = {name: value}
        try:
            decoder.decode(write_fields(alone))
        except _UNREADABLE:
            continue
        kept |= alone
    return decoder.decode(write_fields(kept))


def error_of(raw: msgspec.Raw) -> bytes | None:
    """The error object's own bytes; `error: null` is none."""
    error = bytes(raw)
    return None if error in _NO_ERROR else error


def finish_reason_of(envelope: Envelope) -> str | None:
    """The last finish reason that any candidate gave, or why the prompt was blocked."""
    for candidate in reversed(envelope.candidates or ()):
        if candidate.finish_reason:
            return reason_word(candidate.finish_reason)
    feedback = envelope.prompt_feedback
    return block_word(feedback.block_reason) if feedback and feedback.block_reason else None


def reason_word(reason: str | int) -> str:
    """A finish reason by its name."""
    if isinstance(reason, str):
        return reason
    return _REASONS[reason] if 0 <= reason < len(_REASONS) else "OTHER"


def block_word(reason: str | int) -> str:
    """A block reason by its name."""
    if isinstance(reason, str):
        return reason
    return _BLOCKS[reason] if 0 <= reason < len(_BLOCKS) else "OTHER"


def usage_of(raw: msgspec.Raw, operation: Operation = "chat") -> Usage:
    """A `usageMetadata` object as Usage. Embeddings have no output: 0 there is known, not missing.

    Input holds what tools brought in; output is the answer and the thoughts. A count that is left out is 0 as soon as the
    total is told, since 0 is not written on this wire.
    """
    data = bytes(raw)
    if data in _NOTHING:
        return UNKNOWN_USAGE
    wire = wire_usage(data)
    prompt, total = wire.prompt_token_count, wire.total_token_count
    written = _plus(prompt, wire.tool_use_prompt_token_count)
    output = _output(wire, written)
    if output is None and operation == "embeddings" and written is not None:
        output = 0
    if written is None and output is not None and total is not None:
        written = max(0, total - output)
    return Usage(
        written,
        output,
        wire.cached_content_token_count,
        None,
        wire.thoughts_token_count,
        _audio(wire.prompt_tokens_details),
        _audio(wire.candidates_tokens_details),
        raw=data[:_RAW_USAGE_LIMIT],
    )


def _output(wire: WireUsage, written: int | None) -> int | None:
    answer, thoughts, total = (
        wire.candidates_token_count,
        wire.thoughts_token_count,
        wire.total_token_count,
    )
    if answer is not None and thoughts and written is not None and written + answer == total:
        return answer  # thoughts are counted in it already
    output = _plus(answer, thoughts)
    if output is None and written is not None and total is not None:
        output = max(0, total - written)
    return output


def _plus(left: int | None, right: int | None) -> int | None:
    if left is None:
        return right
    return left if right is None else left + right


def _audio(details: list[ModalityCount] | None) -> int | None:
    for one in details or ():
        if one.modality in _AUDIO:
            return one.token_count
    return None


def wire_usage(data: bytes) -> WireUsage:
    """Its members; a server that types one wrongly still has the others read."""
    try:
        return _USAGE.decode(data)
    except _UNREADABLE:
        pass
    try:
        fields = {name: _mended(name, value) for name, value in _FIELDS.decode(data).items()}
    except _UNREADABLE:
        return WireUsage()
    usage = decode_leniently(write_fields(fields), _USAGE)
    return usage if isinstance(usage, WireUsage) else WireUsage()


def _mended(name: str, value: msgspec.Raw) -> msgspec.Raw:
    """A count that is written as another number (3.0) made whole, one below 0 unknown."""
    if not name.endswith("Count"):
        return value
    try:
        number = msgspec.json.decode(value, type=float)
    except _UNREADABLE:
        return value
    return raw_json(int(number) if 0 <= number <= MOST_TOKENS else None)


def with_cost(body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
    """The reply with `usageMetadata.cost` in dollars. All other bytes stay; without usage it is unchanged."""
    usage = seen or _usage_bytes(body)
    if not usage.startswith(b"{") or not usage.endswith(b"}") or b'"cost"' in usage:
        return body
    head = usage[:-1].rstrip()
    comma = b"" if head == b"{" else b","
    told = b'%b%b"cost":%b}' % (head, comma, usd_text(cost_nanodollars).encode())
    return body.replace(usage, told) if body.count(usage) == 1 else body


def _usage_bytes(body: bytes) -> bytes:
    envelope = read_envelope(body)
    return bytes(envelope.usage_metadata) if envelope is not None else b""


_STATUS_WORDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_TYPES = "type.googleapis.com/google.rpc."


def status_word(status: int) -> str:
    """Google's word for an HTTP status."""
    return _STATUS_WORDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")


def error_body(fault: Fault, request_id: str) -> bytes:
    """An error in Google's shape. Our error type is the `reason` of its ErrorInfo."""
    if fault.reply is not None and _is_google_error(fault.reply):
        return fault.reply
    details: list[dict[str, object]] = [
        {
            "@type": f"{_TYPES}ErrorInfo",
            "reason": fault.error_type,
            "domain": "kilo-gateway",
            "metadata": {"requestId": request_id},
        }
    ]
    if fault.param:
        violation = {"field": fault.param, "description": fault.message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [violation]})
    if fault.retry_after is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{fault.retry_after:g}s"})
    error = {
        "code": fault.status,
        "message": fault.message,
        "status": status_word(fault.status),
        "details": details,
    }
    return bytes(raw_json({"error": error}))


class _GoogleError(msgspec.Struct):
    code: int
    message: str
    status: str


class _GoogleReply(msgspec.Struct):
    error: _GoogleError


def _is_google_error(reply: bytes) -> bool:
    """An upstream of this dialect wrote it: it goes on as it is. Streams without events wrap it in an array."""
    try:
        msgspec.json.decode(reply, type=_GoogleReply)
    except _UNREADABLE:
        return False
    return True
