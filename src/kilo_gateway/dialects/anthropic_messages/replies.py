"""Whole replies: usage, how they ended, errors inside a 200; our own error bodies."""

from typing import NamedTuple

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import nanodollars_from_usd, usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.anthropic_messages.schema import (
    NOTHING,
    UNREADABLE,
    Raw,
    Reply,
    WireUsage,
    fitted,
)
from kilo_gateway.dialects.body import Fields, raw_json, text_of, write_fields

REPLY = msgspec.json.Decoder(Reply)
_USAGE = msgspec.json.Decoder(WireUsage)
_FIELDS = msgspec.json.Decoder(Fields)
_RAW_USAGE_LIMIT = 4096
_NO_ERROR = NOTHING | {b'""', b"{}"}

# Anthropic's word for an error, by its status. Any other 4xx is the caller's, any other 5xx ours.
ERROR_WORDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    499: "api_error",
    500: "api_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class ReplyFacts(NamedTuple):
    """What one reply, whole or streamed, told: its usage, how it ended, and the error object if it was one."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None


def read_reply(body: bytes, operation: Operation) -> ReplyFacts | None:
    """Facts of a whole reply with status 200; None for a body that is no JSON object.

    A count of tokens used nothing.
    """
    reply = fitted(body, REPLY)
    if reply is None:
        return None
    usage = Usage(0, 0) if operation == "count_tokens" else usage_of(reply.usage)
    return ReplyFacts(usage, reply.stop_reason, error_of(reply))


def error_of(reply: Reply) -> bytes | None:
    """The error object's own bytes, if a reply is one."""
    error = bytes(reply.error)
    if error not in _NO_ERROR:
        return error
    return b'{"type":"api_error"}' if reply.type == "error" else None


def usage_of(raw: Raw, started: WireUsage | None = None) -> Usage:
    """A `usage` object as Usage. `started` is that of the stream's start: what the end does not tell holds from there.

    Input tokens of the wire leave out cache reads and writes; ours include them. What a compaction used is told beside
    the totals and added; an adviser's tokens are another model's, and stay in `raw`.
    """
    told = wire_usage(raw)
    if told is None:
        return UNKNOWN_USAGE
    wire = told if started is None else _later(started, told)
    count, output = wire.input_tokens, wire.output_tokens
    read, written = wire.cache_read_input_tokens, wire.cache_creation_input_tokens
    if count is not None:
        count += (read or 0) + (written or 0)
    for one in wire.iterations or ():
        if one.type == "compaction":
            extra = (one.cache_read_input_tokens or 0) + (one.cache_creation_input_tokens or 0)
            count = (count or 0) + (one.input_tokens or 0) + extra
            output = (output or 0) + (one.output_tokens or 0)
    details, created = wire.output_tokens_details, wire.cache_creation
    return Usage(
        input_tokens=count,
        output_tokens=output,
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.thinking_tokens if details is not None else None,
        cost_nanodollars=nanodollars_from_usd(wire.cost) if wire.cost is not None else None,
        raw=bytes(raw)[:_RAW_USAGE_LIMIT],
        cache_write_1h_tokens=created.ephemeral_1h_input_tokens if created is not None else None,
    )


def wire_usage(raw: Raw) -> WireUsage | None:
    """A `usage` object as it stands on the wire; None if there is none."""
    return None if bytes(memoryview(raw)[:5]) in NOTHING else fitted(raw, _USAGE)


def _later(started: WireUsage, told: WireUsage) -> WireUsage:
    """Counts at the end of a stream are cumulative. Those of the input only grow: some servers tell 0 at one end."""
    return WireUsage(
        _larger(started.input_tokens, told.input_tokens),
        started.output_tokens if told.output_tokens is None else told.output_tokens,
        _larger(started.cache_read_input_tokens, told.cache_read_input_tokens),
        _larger(started.cache_creation_input_tokens, told.cache_creation_input_tokens),
        told.cache_creation or started.cache_creation,
        told.output_tokens_details or started.output_tokens_details,
        told.iterations or started.iterations,
        told.service_tier or started.service_tier,
        started.cost if told.cost is None else told.cost,
    )


def _larger(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def with_cost(body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
    """The reply, or the event's data, with `usage.cost` in dollars, where its usage is an object that has none.

    All other bytes stay as upstream wrote them, unless the usage object stands in the reply twice. `seen` is the usage
    object as it was read from this reply, if it was: then nothing is parsed again.
    """
    cost = usd_text(cost_nanodollars).encode()
    if seen.endswith(b"}") and b'"cost' not in seen and b":" in seen and body.count(seen) == 1:
        return body.replace(seen, b'%b,"cost":%b}' % (seen[:-1], cost))
    try:
        fields = _FIELDS.decode(body)
        usage = bytes(fields["usage"])
        members = _FIELDS.decode(usage)
    except (*UNREADABLE, KeyError):
        return body
    if "cost" in members:
        return body
    told = b'%b%b"cost":%b}' % (usage[:-1].rstrip(), b"," if members else b"", cost)
    if body.count(usage) == 1:
        return body.replace(usage, told)
    fields["usage"] = Raw(told)
    return write_fields(fields)


def count_body(input_tokens: int) -> bytes:
    """The answer to `count_tokens`."""
    return b'{"input_tokens":%d}' % input_tokens


def error_word(status: int) -> str:
    """Anthropic's word for a status."""
    return ERROR_WORDS.get(status) or ("invalid_request_error" if status < 500 else "api_error")


def error_body(fault: Fault, request_id: str) -> bytes:
    """A fault in Anthropic's shape, our own `error_type` inside.

    An upstream's own error goes on as it came if it has that shape; of another's the words are kept.
    """
    message = fault.message
    if fault.reply is not None:
        own, told = _told(fault.reply, fault.error_type)
        if own is not None:
            return own
        message = told or message
    error = {
        "type": error_word(fault.status),
        "message": message,
        "error_type": fault.error_type,
        "param": fault.param,
    }
    if fault.param is None:
        del error["param"]
    return bytes(raw_json({"type": "error", "error": error, "request_id": request_id}))


def _told(reply: bytes, error_type: str) -> tuple[bytes | None, str | None]:
    """An upstream's error body if it is of this dialect, and else its words."""
    try:
        fields = _FIELDS.decode(reply)
        raw = fields.get("error")
        if raw is None:
            return None, text_of(fields["message"]) if "message" in fields else None
        if text_of(raw) is not None:
            return None, text_of(raw)
        error = _FIELDS.decode(raw)
    except UNREADABLE:
        return None, None
    if text_of(fields.get("type", Raw())) != "error":
        return None, text_of(error.get("message", Raw()))
    if error_type == "context_length_exceeded" and "error_type" not in error:
        error["error_type"] = raw_json(error_type)
        fields["error"] = Raw(write_fields(error))
        return write_fields(fields), None
    return reply, None
