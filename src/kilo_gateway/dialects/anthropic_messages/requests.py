"""Requests: the envelope peek, and the body that goes upstream."""

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import Fields, raw_json, starts_with, text_of, write_fields
from kilo_gateway.dialects.preferences import put_preferences, read_preferences

MAX_TOKENS_LIMIT = 99_999_999_999
_WHOLE_NUMBER = msgspec.json.Decoder(int | None)
_NAMES = msgspec.json.Decoder(list[str] | None)
_TRUE, _NOT_TRUE = b"true", {b"false", b"null"}
_PATHS: dict[Operation, str] = {"chat": "/messages", "count_tokens": "/messages/count_tokens"}


def path(operation: Operation, _model: str, *, is_stream: bool) -> str:
    """Where an upstream takes the operation. A client's `?beta=true` goes with the call's query."""
    return _PATHS[operation]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the path of a call needs to know of a request. Usage is part of every reply: clients always see it."""

    model: str
    models: tuple[str, ...]
    stream: bool
    max_tokens: int | None
    wants_usage: bool = True
    wishes: Preferences | None = None


def peek(operation: Operation, fields: Fields) -> Envelope:
    """Read model, stream and token limit; check what every upstream would refuse.

    Raises Fault in the order of gateway.md section 4: unsupported_field, model_not_found, invalid_request.
    """
    if "providerOptions" in fields:
        raise Fault(
            Kind.UNSUPPORTED_FIELD,
            "The field providerOptions is not supported: use provider instead.",
            param="providerOptions",
        )
    model = _model(fields)
    messages = fields.get("messages")
    if messages is None or not starts_with(messages, b"["):
        raise _invalid("messages", "must be an array of messages")
    is_chat = operation == "chat"
    return Envelope(
        model,
        _models(fields) if "models" in fields else (),
        is_chat and "stream" in fields and _boolean(fields, "stream"),
        _max_tokens(fields) if is_chat else None,
        wishes=read_preferences(fields) if "provider" in fields else None,
    )


def outbound(call: Call, deployment: Deployment, quirks: frozenset[str]) -> bytes:
    """The body for one attempt: the client's members with the deployment's own model name.

    `models` stays here: it is the gateway that falls back.
    """
    fields = dict(call.fields)
    fields["model"] = raw_json(deployment.upstream_model)
    fields.pop("models", None)
    put_preferences(fields, deployment, quirks)
    return write_fields(fields)


def _model(fields: Fields) -> str:
    raw = fields.get("model")
    model = text_of(raw) if raw is not None else None
    model = model.strip() if model is not None else ""
    if not model:
        raise Fault(
            Kind.MODEL_NOT_FOUND,
            'The field model must name a model, such as "kilo/auto". GET /v1/models lists them.',
            param="model",
        )
    return model


def _models(fields: Fields) -> tuple[str, ...]:
    try:
        models = _NAMES.decode(fields["models"])
    except msgspec.MsgspecError:
        raise _invalid("models", "must be an array of model names") from None
    return tuple(name.strip() for name in (models or ())[:16] if name.strip())


def _boolean(fields: Fields, name: str) -> bool:
    value = bytes(fields[name])
    if value == _TRUE:
        return True
    if value in _NOT_TRUE:
        return False
    raise _invalid(name, "must be true or false")


def _max_tokens(fields: Fields) -> int:
    value: int | None = None
    try:
        if "max_tokens" in fields:
            value = _WHOLE_NUMBER.decode(fields["max_tokens"])
    except msgspec.MsgspecError:
        raise _invalid("max_tokens", "must be a whole number") from None
    if value is None:
        raise _invalid("max_tokens", "is missing: say how many tokens the answer may have")
    if not 0 <= value <= MAX_TOKENS_LIMIT:
        raise _invalid("max_tokens", f"must be between 0 and {MAX_TOKENS_LIMIT}")
    return value


def _invalid(param: str, problem: str) -> Fault:
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)
