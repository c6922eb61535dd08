"""Whole replies on the identity path: usage, how it ended, errors inside a 200; our own error bodies."""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import nanodollars_from_usd, usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.openai_responses.schema import (
    FIELDS,
    MOST_TOKENS,
    NOTHING,
    UNREADABLE,
    Incomplete,
    InputDetails,
    OutputDetails,
    WireUsage,
    decode_leniently,
)

_RAW_USAGE_LIMIT = 4096
_TICKS_PER_NANODOLLAR = 10
_USAGE = msgspec.json.Decoder(WireUsage)
_NO_ERROR = NOTHING | {b'""', b"{}"}
_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS = InputDetails(), OutputDetails()
_FAILED = b'{"code":"server_error","message":"The upstream failed to answer."}'


class _Facts(msgspec.Struct, gc=False):
    """Of a Response object, what is looked at when it is passed on."""

    status: str | None = None
    error: msgspec.Raw = msgspec.Raw()
    incomplete_details: Incomplete | None = None
    usage: msgspec.Raw = msgspec.Raw()


_FACTS = msgspec.json.Decoder(_Facts)


class ReplyFacts(NamedTuple):
    """What one reply, whole or streamed, told: its usage, how it ended, and the error object if it was one."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None


def read_reply(body: bytes | msgspec.Raw, operation: Operation = "chat") -> ReplyFacts | None:
    """Facts of a whole reply with status 200; None for a body that is no JSON object. A count of tokens uses none."""
    facts = decode_leniently(_FACTS, body)
    if facts is None:
        return None
    error = bytes(facts.error)
    failed: bytes | None = None if error in _NO_ERROR else error
    if failed is None and facts.status == "failed":
        failed = _FAILED
    usage = Usage(0, 0) if operation == "count_tokens" else usage_of(facts.usage)
    return ReplyFacts(usage, stop_reason(facts.status, facts.incomplete_details), failed)


def stop_reason(status: str | None, details: Incomplete | None) -> str | None:
    """The status, or why the reply is incomplete: the vendor's own word for how it ended."""
    reason = details.reason if details is not None and status == "incomplete" else None
    return reason or status or None


def usage_of(raw: msgspec.Raw | bytes) -> Usage:
    """A `usage` object as Usage; unknown if there is none."""
    data = bytes(raw)
    if data in NOTHING:
        return UNKNOWN_USAGE
    try:
        wire = _USAGE.decode(data)
    except UNREADABLE:
        wire = _lenient_usage(data)
    details = wire.input_tokens_details or _NO_INPUT_DETAILS
    made = wire.output_tokens_details or _NO_OUTPUT_DETAILS
    return Usage(
        wire.input_tokens,
        wire.output_tokens,
        details.cached_tokens,
        details.cache_write_tokens,
        made.reasoning_tokens,
        details.audio_tokens,
        made.audio_tokens,
        _cost(wire),
        "reported",
        data[:_RAW_USAGE_LIMIT],
    )


def _lenient_usage(raw: bytes) -> WireUsage:
    """Field by field: a server that types one wrongly still has the others read."""
    try:
        return decode_leniently(_USAGE, write_fields(_mended(FIELDS.decode(raw)))) or WireUsage()
    except UNREADABLE:
        return WireUsage()


def _mended(fields: Fields) -> Fields:
    """Counts that are written as another number (3.0) made whole, those below 0 unknown."""
    return {name: _mended_value(name, value) for name, value in fields.items()}


def _mended_value(name: str, value: msgspec.Raw) -> msgspec.Raw:
    try:
        if name.endswith("_tokens"):
            number = msgspec.json.decode(value, type=float)
            return raw_json(int(number) if 0 <= number <= MOST_TOKENS else None)
        if name.endswith("_details"):
            return msgspec.Raw(write_fields(_mended(FIELDS.decode(value))))
    except UNREADABLE:
        pass  # of another type altogether: left as it is, and so not read
    return value


def _cost(wire: WireUsage) -> int | None:
    if wire.cost_in_usd_ticks is not None:
        return wire.cost_in_usd_ticks // _TICKS_PER_NANODOLLAR
    if wire.is_byok and bytes(wire.cost_details) not in NOTHING:
        try:
            cost = FIELDS.decode(wire.cost_details).get("upstream_inference_cost")
        except UNREADABLE:
            return None
        return _nanodollars(bytes(cost)) if cost is not None else None
    cost = wire.cost
    return None if bytes(cost) in NOTHING else _nanodollars(bytes(cost))


def _nanodollars(number: bytes) -> int | None:
    try:
        dollars = msgspec.json.decode(number, type=Decimal)
    except UNREADABLE:
        return None
    return nanodollars_from_usd(dollars) if dollars.is_finite() and dollars >= 0 else None


def with_cost(body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
    """The reply with `usage.cost` in dollars, where its usage is an object that has none. Otherwise unchanged.

    `body` may also be an event's, whose usage is in its `response`. `seen` is the usage object as it was read from this
    reply, if it was: then nothing is parsed again. All other bytes stay as upstream wrote them, unless the usage object
    stands in the body twice.
    """
    if seen.endswith(b"}") and len(seen) < _RAW_USAGE_LIMIT and body.count(seen) == 1:
        return body.replace(seen, _costed(seen, cost_nanodollars))
    try:
        fields = FIELDS.decode(body)
        if "usage" not in fields and "response" in fields:
            inner = bytes(fields["response"])
            fields["response"] = msgspec.Raw(with_cost(inner, cost_nanodollars))
            return body if inner == bytes(fields["response"]) else write_fields(fields)
        usage = bytes(fields["usage"])
        FIELDS.decode(usage)
    except (*UNREADABLE, KeyError):
        return body
    told = _costed(usage, cost_nanodollars)
    if body.count(usage) == 1 or told == usage:
        return body.replace(usage, told)
    fields["usage"] = msgspec.Raw(told)
    return write_fields(fields)


def _costed(usage: bytes, cost_nanodollars: int) -> bytes:
    """The usage object with its cost behind the last member; as it is if it has one."""
    if b'"cost"' in usage:
        return usage
    head = usage[:-1].rstrip()
    comma = b"" if head.endswith(b"{") else b","
    return b'%b%b"cost":%b%b}' % (
        head,
        comma,
        usd_text(cost_nanodollars).encode(),
        usage[len(head) : -1],
    )


def error_body(fault: Fault, request_id: str) -> bytes:
    """An error in both shapes at once: OpenAI's `error` object, and the gateway's own top-level fields."""
    if fault.reply is not None:
        return _with_error_type(fault.reply, fault.error_type)
    error: dict[str, object] = {
        "message": fault.message,
        "type": fault.row.openai_type,
        "code": fault.row.code,
        "param": fault.param,
    }
    return bytes(
        raw_json(
            {
                "error": error,
                "error_type": fault.error_type,
                "message": fault.message,
                "request_id": request_id,
            }
        )
    )


def _with_error_type(reply: bytes, error_type: str) -> bytes:
    """An upstream's own body, every field kept, with our `error_type` beside them if it has none."""
    try:
        fields = FIELDS.decode(reply)
    except UNREADABLE:
        return reply
    if "error_type" in fields or error_type != "context_length_exceeded":
        return reply
    fields["error_type"] = raw_json(error_type)
    return write_fields(fields)
