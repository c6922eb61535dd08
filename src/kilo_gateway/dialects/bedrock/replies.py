"""Whole replies: usage, how they ended, errors inside a 200; our own error bodies.

The service names an error in the header `x-amzn-ErrorType` (`error_name`) and tells it as `message`. Members beside it are
ours: clients of AWS read no others.
"""

from typing import NamedTuple

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import nanodollars_from_usd, usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.bedrock.schema import (
    UNREADABLE,
    Raw,
    Reply,
    WireUsage,
    fitted,
    is_nothing,
)
from kilo_gateway.dialects.body import Fields, raw_json, text_of, write_fields

REPLY = msgspec.json.Decoder(Reply)
_USAGE = msgspec.json.Decoder(WireUsage)
_FIELDS = msgspec.json.Decoder(Fields)
_RAW_USAGE_LIMIT = 4096

# The service's name of an error, by status. Any other 4xx is a ValidationException, any other 5xx InternalServerException.
ERROR_NAMES = {
    401: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
    504: "ServiceUnavailableException",
}


class ReplyFacts(NamedTuple):
    """What one reply, whole or streamed, told: its usage, how it ended, and the error object if it was one."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None


def read_reply(body: bytes, _operation: Operation) -> ReplyFacts | None:
    """Facts of a whole reply with status 200; None for a body that is no JSON object."""
    reply = fitted(body, REPLY)
    if reply is None:
        return None
    return ReplyFacts(usage_of(reply.usage), reply.stop_reason, error_of(reply))


def error_of(reply: Reply) -> bytes | None:
    """The error object, if a reply is one."""
    if reply.output is not None or not (reply.message or reply.type):
        return None
    told = {"message": reply.message or "", "type": (reply.type or "").rpartition("#")[2]}
    return bytes(raw_json(told))


def usage_of(raw: Raw) -> Usage:
    """A `usage` object as Usage. Input tokens of the wire leave out cache reads and writes; ours include them."""
    wire = None if is_nothing(raw) else fitted(raw, _USAGE)
    if wire is None:
        return UNKNOWN_USAGE
    count = wire.input_tokens
    read, written = wire.cache_read_input_tokens, wire.cache_write_input_tokens
    if count is not None:
        count += (read or 0) + (written or 0)
    hours = [one.input_tokens for one in wire.cache_details or () if one.ttl == "1h"]
    return Usage(
        input_tokens=count,
        output_tokens=wire.output_tokens,
        cache_read_tokens=read,
        cache_write_tokens=written,
        cost_nanodollars=nanodollars_from_usd(wire.cost) if wire.cost is not None else None,
        raw=bytes(raw)[:_RAW_USAGE_LIMIT],
        cache_write_1h_tokens=sum(hour or 0 for hour in hours) if hours else None,
    )


def with_cost(body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
    """The reply, or the event's payload, with `usage.cost` in dollars, where its usage is an object that has none.

    All other bytes stay as upstream wrote them, unless the usage object stands in the reply twice.
    """
    try:
        fields = _FIELDS.decode(body)
        usage = bytes(fields["usage"])
        members = _FIELDS.decode(usage)
    except (*UNREADABLE, KeyError):
        return body
    if "cost" in members:
        return body
    cost = usd_text(cost_nanodollars).encode()
    told = b'%b%b"cost":%b}' % (usage[:-1].rstrip(), b"," if members else b"", cost)
    if body.count(usage) == 1:
        return body.replace(usage, told)
    fields["usage"] = Raw(told)
    return write_fields(fields)


def error_name(status: int) -> str:
    """The service's name of an error."""
    return ERROR_NAMES.get(status) or (
        "ValidationException" if status < 500 else "InternalServerException"
    )


def error_headers(fault: Fault) -> bytes:
    """The header by which clients of AWS know an error."""
    return b"x-amzn-errortype: %b\r\n" % error_name(fault.status).encode()


def error_body(fault: Fault, request_id: str) -> bytes:
    """A fault in the service's shape, our own `error_type` beside it.

    An upstream's own error goes on as it came if it has that shape; of another's the words are kept.
    """
    message = fault.message
    if fault.reply is not None:
        own, told = _told(fault.reply)
        if own is not None:
            return own
        message = told or message
    body = {
        "message": message,
        "__type": error_name(fault.status),
        "error_type": fault.error_type,
        "param": fault.param,
        "request_id": request_id,
    }
    if fault.param is None:
        del body["param"]
    return bytes(raw_json(body))


def _told(reply: bytes) -> tuple[bytes | None, str | None]:
    """An upstream's error body if it is of this dialect, and else its words."""
    nothing = Raw(b"null")
    try:
        fields = _FIELDS.decode(reply)
        error = fields.get("error")
        if error is None:
            is_own = text_of(fields.get("message", nothing)) is not None
            return (reply, None) if is_own else (None, None)
        if text_of(error) is not None:
            return None, text_of(error)
        return None, text_of(_FIELDS.decode(error).get("message", nothing))
    except UNREADABLE:
        return None, None
