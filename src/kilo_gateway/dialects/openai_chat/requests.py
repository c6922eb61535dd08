"""Requests: the envelope peek, and the body that goes upstream."""

from functools import lru_cache

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import Fields, raw_json, starts_with, text_of, write_fields
from kilo_gateway.dialects.openai_chat import others
from kilo_gateway.dialects.preferences import put_preferences, read_preferences

MAX_TOKENS_LIMIT = 99_999_999_999
_INCLUDE_USAGE = raw_json({"include_usage": True})
_WHOLE_NUMBER = msgspec.json.Decoder(int | None)
_TRUE, _FALSE, _NULL = b"true", b"false", b"null"
_STREAMING: frozenset[Operation] = frozenset({"chat", "completions", "fim"})
_CONVERSATIONS: frozenset[Operation] = frozenset({"chat", "completions", "embeddings"})


_PATHS: dict[Operation, str] = {
    "chat": "/chat/completions",
    "completions": "/completions",
    "embeddings": "/embeddings",
    "fim": "/fim/completions",
    "rerank": "/rerank",
    "moderations": "/moderations",
    "transcriptions": "/audio/transcriptions",
    "speech": "/audio/speech",
    "images": "/images/generations",
}


def path(operation: Operation, _model: str, *, is_stream: bool) -> str:
    """Where an upstream takes the operation."""
    return _PATHS[operation]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the path of a call needs to know of a request; everything else is not looked at."""

    model: str
    models: tuple[str, ...]
    stream: bool
    max_tokens: int | None
    wants_usage: bool
    wishes: Preferences | None = None


def peek(operation: Operation, fields: Fields) -> Envelope:
    """Read model, stream, token limit and routing hints; check what every upstream would refuse.

    Raises Fault in the order of gateway.md section 4: unsupported_field, model_not_found, invalid_request.
    """
    if "providerOptions" in fields:
        raise Fault(
            Kind.UNSUPPORTED_FIELD,
            "The field providerOptions is not supported: use provider instead.",
            param="providerOptions",
        )
    if operation in _CONVERSATIONS:
        model = _model(fields)
        _INPUT_CHECKS[operation](fields)
    else:
        others.with_default_model(operation, fields)
        model = _model(fields)
        others.check(operation, fields)
    wishes = read_preferences(fields) if "provider" in fields else None
    stream = "stream" in fields and operation in _STREAMING and _boolean(fields, "stream")
    return Envelope(
        model,
        _models(fields) if "models" in fields else (),
        stream,
        _max_tokens(fields),
        stream and "stream_options" in fields and _asks_usage(fields["stream_options"]),
        wishes,
    )


def outbound(call: Call, deployment: Deployment, quirks: frozenset[str]) -> bytes:
    """The body for one attempt: the client's members with the deployment's own model name.

    Usage is always asked for in streams, unless the vendor refuses the field. `models` stays here: it is the gateway
    that falls back.
    """
    if call.form is not None:
        return call.form.with_model(deployment.upstream_model)
    fields = call.fields.copy()
    fields["model"] = _name(deployment.upstream_model)
    if call.operation == "fim":
        return others.fim_body(fields)
    if "models" in fields:
        del fields["models"]
    if call.stream and not call.wants_usage and "no_include_usage" not in quirks:
        fields["stream_options"] = _with_include_usage(fields.get("stream_options"))
    if "provider" in fields:
        put_preferences(fields, deployment, quirks)
    return write_fields(fields)


@lru_cache(maxsize=4096)
def _name(model: str) -> msgspec.Raw:
    return raw_json(model)


def _model(fields: Fields) -> str:
    raw = fields.get("model")
    model = (text_of(raw) or "").strip() if raw is not None else ""
    if not model:
        raise Fault(
            Kind.MODEL_NOT_FOUND,
            'The field model must name a model, such as "kilo/auto". GET /v1/models lists them.',
            param="model",
        )
    return model


def _models(fields: Fields) -> tuple[str, ...]:
    try:
        models = msgspec.json.decode(fields["models"], type=list[str] | None)
    except msgspec.MsgspecError:
        raise _invalid("models", "must be an array of model names") from None
    return tuple(name.strip() for name in (models or ())[:16] if name.strip())


def _invalid(param: str, problem: str) -> Fault:
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)


def _check_messages(fields: Fields) -> None:
    raw = fields.get("messages")
    if raw is None or not starts_with(raw, b"["):
        raise _invalid("messages", "must be an array of messages")


def _check_prompt(fields: Fields) -> None:
    if "prompt" not in fields and "messages" not in fields:
        raise _invalid("prompt", "is missing: send a string or an array")


def _check_input(fields: Fields) -> None:
    raw = fields.get("input")
    if raw is None or bytes(raw) == _NULL:
        raise _invalid("input", "is missing: send a string or an array")


_INPUT_CHECKS = {"chat": _check_messages, "completions": _check_prompt, "embeddings": _check_input}


def _boolean(fields: Fields, name: str) -> bool:
    value = bytes(fields[name])
    if value == _TRUE:
        return True
    if value in {_FALSE, _NULL}:
        return False
    raise _invalid(name, "must be true or false")


def _max_tokens(fields: Fields) -> int | None:
    """The least of the limits that the request names."""
    limit = _limit(fields, "max_tokens") if "max_tokens" in fields else None
    if "max_completion_tokens" in fields:
        other = _limit(fields, "max_completion_tokens")
        if limit is None or (other is not None and other < limit):
            return other
    return limit


def _limit(fields: Fields, name: str) -> int | None:
    try:
        value: int | None = _WHOLE_NUMBER.decode(fields[name])
    except msgspec.MsgspecError:
        raise _invalid(name, "must be a whole number") from None
    if value is not None and not 0 <= value <= MAX_TOKENS_LIMIT:
        raise _invalid(name, f"must be between 0 and {MAX_TOKENS_LIMIT}")
    return value


class _StreamOptions(msgspec.Struct, gc=False):
    include_usage: bool | None = None


_STREAM_OPTIONS = msgspec.json.Decoder(_StreamOptions | None)


def _asks_usage(raw: msgspec.Raw) -> bool:
    try:
        options = _STREAM_OPTIONS.decode(raw)
    except msgspec.MsgspecError:
        raise _invalid(
            "stream_options", 'must be an object such as {"include_usage": true}'
        ) from None
    return bool(options is not None and options.include_usage)


def _with_include_usage(options: msgspec.Raw | None) -> msgspec.Raw:
    if options is None or bytes(options) == _NULL:
        return _INCLUDE_USAGE
    merged = msgspec.json.decode(options, type=Fields)
    merged["include_usage"] = msgspec.Raw(_TRUE)
    return msgspec.Raw(write_fields(merged))
