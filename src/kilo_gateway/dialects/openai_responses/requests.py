"""Requests on the identity path: the envelope peek, and the body that goes upstream."""

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import Fields, raw_json, starts_with, text_of, write_fields
from kilo_gateway.dialects.preferences import put_preferences, read_preferences

MAX_TOKENS_LIMIT = 99_999_999_999
_WHOLE_NUMBER = msgspec.json.Decoder(int | None)
_TRUE, _FALSE, _NULL = b"true", b"false", b"null"
_LIMIT = "max_output_tokens"
_PATHS: dict[Operation, str] = {"chat": "/responses", "count_tokens": "/responses/input_tokens"}


def path(operation: Operation, _model: str, *, is_stream: bool) -> str:
    """Where an upstream takes the operation."""
    return _PATHS[operation]


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the path of a call needs to know of a request. Usage is part of every reply here."""

    model: str
    models: tuple[str, ...]
    stream: bool
    max_tokens: int | None
    wants_usage: bool = True
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
    model = _model(fields)
    _check_input(fields)
    wishes = read_preferences(fields) if "provider" in fields else None
    return Envelope(
        model,
        _models(fields) if "models" in fields else (),
        operation == "chat" and "stream" in fields and _boolean(fields, "stream"),
        _max_tokens(fields),
        wishes=wishes,
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
        models = msgspec.json.decode(fields["models"], type=list[str] | None)
    except msgspec.MsgspecError:
        raise _invalid("models", "must be an array of model names") from None
    return tuple(name.strip() for name in (models or ())[:16] if name.strip())


def _invalid(param: str, problem: str) -> Fault:
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)


def _check_input(fields: Fields) -> None:
    raw = fields.get("input")
    if raw is None or starts_with(raw, b"[") or starts_with(raw, b'"') or bytes(raw) == _NULL:
        return
    raise _invalid("input", "must be a string or an array of items")


def _boolean(fields: Fields, name: str) -> bool:
    value = bytes(fields[name])
    if value == _TRUE:
        return True
    if value in {_FALSE, _NULL}:
        return False
    raise _invalid(name, "must be true or false")


def _max_tokens(fields: Fields) -> int | None:
    if _LIMIT not in fields:
        return None
    try:
        value: int | None = _WHOLE_NUMBER.decode(fields[_LIMIT])
    except msgspec.MsgspecError:
        raise _invalid(_LIMIT, "must be a whole number") from None
    if value is not None and not 0 <= value <= MAX_TOKENS_LIMIT:
        raise _invalid(_LIMIT, f"must be between 0 and {MAX_TOKENS_LIMIT}")
    return value
