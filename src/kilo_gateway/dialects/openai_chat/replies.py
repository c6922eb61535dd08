"""Whole replies: usage from every place where real servers put it, errors inside a 200; our own error bodies."""

from decimal import Decimal
from typing import Any

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import nanodollars_from_usd, usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, is_json, raw_json, write_fields
from kilo_gateway.dialects.openai_chat.others import read_other_usage
from kilo_gateway.dialects.openai_chat.schema import (
    ABSENT,
    MOST_TOKENS,
    CompletionDetails,
    Envelope,
    PromptDetails,
    WireUsage,
)

_RAW_USAGE_LIMIT = 4096
_TICKS_PER_NANODOLLAR = 10
_ENVELOPE = msgspec.json.Decoder(Envelope)
_USAGE = msgspec.json.Decoder(WireUsage)
_FIELDS = msgspec.json.Decoder(Fields)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Their replies may be sound, or text in some form of subtitles.
_OTHERS: frozenset[Operation] = frozenset(
    {"rerank", "moderations", "images", "speech", "transcriptions"}
)
_ENVELOPE_NAMES = ("choices", "usage", "error", "x_groq")
_NOTHING = frozenset({b"", b"null"})  # a member that is absent, or as good as that
_USAGE_KEYS = (b'"usage":', b'"usage": ')
_NO_ERROR = _NOTHING | {b'""', b"{}"}


class ReplyFacts(msgspec.Struct, frozen=True, gc=False):
    """What one reply, whole or streamed, told: its usage, how it ended, and the error object if it was one."""

    usage: Usage
    finish_reason: str | None
    error: bytes | None


def read_reply(body: bytes, operation: Operation) -> ReplyFacts | None:
    """Facts of a whole reply with status 200; None for a body that is no JSON object."""
    if operation in _OTHERS:
        return ReplyFacts(read_other_usage(body), None, None)
    envelope = read_envelope(body)
    if envelope is None:
        return None
    choices = envelope.choices
    usage = usage_of(envelope, operation)
    if choices:
        return ReplyFacts(usage, finish_reason_of(envelope), None)
    return ReplyFacts(usage, None, error_of(envelope))


def read_envelope(data: bytes) -> Envelope | None:
    """The few fields that are read of a reply or a chunk; None if it is no JSON object.

    Some servers type a field otherwise (`choices` of strings, an `id` that is a list): then each is tried alone.
    """
    try:
        return _ENVELOPE.decode(data)
    except msgspec.ValidationError:
        return _lenient_envelope(data)
    except _UNREADABLE:
        return None


def _lenient_envelope(data: bytes) -> Envelope | None:
    try:
        fields = _FIELDS.decode(data)
    except _UNREADABLE:
        return None
    known = {name: fields[name] for name in _ENVELOPE_NAMES if name in fields}
    return _ENVELOPE.decode(_fitting(known, _ENVELOPE))


def _fitting(fields: Fields, decoder: msgspec.json.Decoder[Any]) -> bytes:
    """An object of those members that decode, each tried alone."""
    kept: Fields = {}
    for name, value in fields.items():
        alone: Fields = {name: value}
        try:
            decoder.decode(write_fields(alone))
        except _UNREADABLE:
            continue
        kept |= alone
    return write_fields(kept)


def error_of(envelope: Envelope) -> bytes | None:
    """The error object's own bytes; `error: null` is none."""
    error = bytes(envelope.error)
    return None if error in _NO_ERROR else error


def finish_reason_of(envelope: Envelope) -> str | None:
    """The last finish reason that any choice gave ("" counts as none)."""
    choices = envelope.choices
    if not choices:
        return None
    if len(choices) == 1:
        return choices[0].finish_reason or None
    return next((one.finish_reason for one in reversed(choices) if one.finish_reason), None)


def usage_of(envelope: Envelope, operation: Operation) -> Usage:
    """Usage of a reply or chunk: from `usage`, else from `x_groq.usage`."""
    raw = bytes(envelope.usage)
    if raw not in _NOTHING:
        return read_usage(raw, operation)
    if envelope.x_groq is not None:
        raw = bytes(envelope.x_groq.usage)
    return UNKNOWN_USAGE if raw in _NOTHING else read_usage(raw, operation)


def read_usage(raw: bytes, operation: Operation) -> Usage:
    """A `usage` object as Usage. Embeddings have no output: 0 there is known, not missing.

    One flat function, since every call passes here: each bucket is the first of the places where servers put it.
    """
    try:
        wire = _USAGE.decode(raw)
    except _UNREADABLE:
        wire = _lenient_usage(raw)
    prompt = wire.prompt_tokens_details or _NO_PROMPT_DETAILS
    completion = wire.completion_tokens_details or _NO_COMPLETION_DETAILS
    total, count, output = wire.total_tokens, wire.prompt_tokens, wire.completion_tokens
    if output is None and operation == "embeddings":
        output = 0
    if count is None and total is not None and output is not None:
        count = max(0, total - output)
    reasoning = completion.reasoning_tokens
    if reasoning is None:
        reasoning = wire.reasoning_tokens
    if reasoning and output is not None and total is not None and wire.prompt_tokens is not None:
        # xAI counts reasoning beside completion_tokens: its total tells.
        output += reasoning if wire.prompt_tokens + output + reasoning == total else 0
    read, written = prompt.cached_tokens, prompt.cache_write_tokens
    return Usage(
        count,
        output,
        read if read is not None else _cache_read(wire),
        written if written is not None else _cache_write(prompt, wire),
        reasoning,
        prompt.audio_tokens,
        completion.audio_tokens,
        None if wire.cost is ABSENT and wire.cost_in_usd_ticks is None else _cost(wire),
        "reported",
        raw[:_RAW_USAGE_LIMIT],
    )


def _cache_read(wire: WireUsage) -> int | None:
    read = wire.prompt_cache_hit_tokens
    if read is None:
        read = wire.cached_tokens
    if read is None:
        read = wire.num_cached_tokens
    return wire.cache_read_input_tokens if read is None else read


def _cache_write(prompt: PromptDetails, wire: WireUsage) -> int | None:
    created = prompt.cache_creation_tokens
    return created if created is not None else wire.cache_creation_input_tokens


def _lenient_usage(raw: bytes) -> WireUsage:
    """Field by field: a server that types one wrongly still has the others read."""
    try:
        return _USAGE.decode(_fitting(_mended(_FIELDS.decode(raw)), _USAGE))
    except _UNREADABLE:
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
            return msgspec.Raw(write_fields(_mended(_FIELDS.decode(value))))
    except _UNREADABLE:
        pass  # of another type altogether: left as it is, and so not read
    return value


_NO_PROMPT_DETAILS = PromptDetails()
_NO_COMPLETION_DETAILS = CompletionDetails()


def _cost(wire: WireUsage) -> int | None:
    if wire.cost_in_usd_ticks is not None:
        return wire.cost_in_usd_ticks // _TICKS_PER_NANODOLLAR
    if wire.is_byok and bytes(wire.cost_details) not in _NOTHING:
        return _number_in(bytes(wire.cost_details), "upstream_inference_cost")
    cost = bytes(wire.cost)
    if cost in _NOTHING:
        return None
    return _number_in(cost, "total_cost") if cost.startswith(b"{") else _nanodollars(cost)


def _number_in(body: bytes, name: str) -> int | None:
    try:
        value = _FIELDS.decode(body).get(name)
    except _UNREADABLE:
        return None
    return _nanodollars(bytes(value)) if value is not None else None


def _nanodollars(number: bytes) -> int | None:
    try:
        dollars = msgspec.json.decode(number, type=Decimal)
    except msgspec.MsgspecError:
        return None
    return nanodollars_from_usd(dollars) if dollars.is_finite() and dollars >= 0 else None


def with_cost(body: bytes, cost_nanodollars: int, seen: bytes = b"") -> bytes:
    """The reply with `usage.cost` in dollars, where its usage is an object that has none. Otherwise unchanged.

    All other bytes stay as upstream wrote them, unless the usage object stands in the reply twice. `seen` is the usage
    object as it was read from this reply, if it was: then nothing is parsed again.
    """
    if len(seen) < _RAW_USAGE_LIMIT and seen[:2] == b'{"' and b'"cost' not in seen:
        # From the end, where it is as a rule: the answer before it may be long.
        at = body.rfind(seen)
        end = at + len(seen)
        if at > 0 and body.endswith(_USAGE_KEYS, 0, at) and _ends_object(body[end:]):
            cost = usd_text(cost_nanodollars).encode()
            return b'%b,"cost":%b%b' % (body[: end - 1], cost, body[end - 1 :])
    try:
        fields = _FIELDS.decode(body)
        usage = bytes(fields["usage"])
        members = _FIELDS.decode(usage)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return body
    if "cost" in members:
        return body
    head = usage[:-1].rstrip()
    space = usage[len(head) : -1]
    comma = b"," if members else b""
    told = b'%b%b"cost":%b%b}' % (head, comma, usd_text(cost_nanodollars).encode(), space)
    if body.count(usage) == 1:
        return body.replace(usage, told)
    fields["usage"] = msgspec.Raw(told)
    return write_fields(fields)


def _ends_object(rest: bytes) -> bool:
    """Whether what follows a member of a JSON object ends that object and nothing around it: then it is the outermost."""
    return rest.rstrip() == b"}" or (rest[:1] == b"," and is_json(b"{" + rest[1:]))


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
        fields = _FIELDS.decode(reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return reply
    if "error_type" in fields or error_type != "context_length_exceeded":
        return reply
    fields["error_type"] = raw_json(error_type)
    return write_fields(fields)
