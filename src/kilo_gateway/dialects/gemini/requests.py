"""Requests: the envelope peek, and the body that goes upstream.

The model and whether it streams stand in the URL here. The edge puts them beside the client's members before anything of
this file is called: `model` (a string), `stream` (true), `alt` ("sse" if the client asked for events). None of the three
goes upstream in a body. An upstream is always asked for events.
"""

from urllib.parse import quote

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.body import Fields, raw_json, starts_with, text_of, write_fields
from kilo_gateway.dialects.gemini.members import (
    camel,
    is_null,
    members,
    optional_whole,
)

MAX_TOKENS_LIMIT = 99_999_999_999
_OF_THE_URL = ("model", "stream", "alt")
_FIELDS = msgspec.json.Decoder(Fields)
_MANY_FIELDS = msgspec.json.Decoder(list[Fields])

_VERBS: dict[Operation, str] = {
    "count_tokens": "countTokens",
    "embeddings": "batchEmbedContents",
}


def path(operation: Operation, model: str, *, is_stream: bool) -> str:
    """Where an upstream takes the operation. Vertex names its models `publishers/google/models/...`: that is kept."""
    name = model.removeprefix("models/")
    escaped = "/".join(quote(segment, safe="-._~@") for segment in name.split("/"))
    if not name.startswith(("publishers/", "projects/", "tunedModels/")):
        escaped = f"models/{escaped}"
    if is_stream and operation == "chat":
        return f"/{escaped}:streamGenerateContent?alt=sse"
    return f"/{escaped}:{_VERBS.get(operation, 'generateContent')}"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the path of a call needs to know of a request; everything else is not looked at."""

    model: str
    stream: bool
    max_tokens: int | None
    models: tuple[str, ...] = ()
    wants_usage: bool = True  # every chunk carries it here, asked or not
    wishes: Preferences | None = None


def peek(operation: Operation, fields: Fields) -> Envelope:
    """Read model, stream and token limit; check what every upstream would refuse.

    Raises Fault model_not_found or invalid_request.
    """
    model = _model(fields)
    _check_input(operation, fields)
    stream = operation == "chat" and bytes(fields.get("stream", b"")) == b"true"
    return Envelope(model, stream, _max_tokens(fields))


def is_array(fields: Fields) -> bool:
    """Whether the client gets its stream as a JSON array: it did not ask for events."""
    return text_of(fields.get("alt", msgspec.Raw(b"null"))) != "sse"


def outbound(call: Call, deployment: Deployment, quirks: frozenset[str]) -> bytes:
    """The body for one attempt: the client's members without those of the URL.

    Counting tokens and embedding repeat the model inside: it becomes the deployment's own.
    """
    fields = dict(call.fields)
    for name in _OF_THE_URL:
        fields.pop(name, None)
    if call.operation != "chat":
        for name in ("generateContentRequest", "generate_content_request"):
            if name in fields:
                fields[name] = _with_model(fields[name], deployment.upstream_model)
        if "requests" in fields:
            fields["requests"] = _with_models(fields["requests"], deployment.upstream_model)
    return write_fields(fields)


def _model(fields: Fields) -> str:
    raw = fields.get("model")
    model = text_of(raw) if raw is not None else None
    model = model.strip().removeprefix("models/") if model is not None else ""
    if not model:
        raise Fault(
            Kind.MODEL_NOT_FOUND,
            "The path must name a model, such as /v1beta/models/kilo%2Fauto:generateContent.",
            param="model",
        )
    return model


_INPUTS: dict[Operation, tuple[str, ...]] = {
    "chat": ("contents",),
    "count_tokens": ("contents", "generateContentRequest", "generate_content_request"),
    "embeddings": ("content", "requests"),
}


def _check_input(operation: Operation, fields: Fields) -> None:
    names = _INPUTS.get(operation, ())
    if names and not any(name in fields and not is_null(fields[name]) for name in names):
        raise Fault(
            Kind.INVALID_REQUEST,
            f"The field {names[0]} is missing: send the conversation's contents.",
            param=names[0],
        )
    contents = fields.get("contents")
    if contents is not None and not (starts_with(contents, b"[") or starts_with(contents, b"{")):
        raise Fault(
            Kind.INVALID_REQUEST,
            'The field contents must be an array such as [{"role": "user", "parts": [{"text": "..."}]}].',
            param="contents",
        )


def _max_tokens(fields: Fields) -> int | None:
    for name, raw in fields.items():
        if camel(name) == "generationConfig" and not is_null(raw):
            config = members(raw, "generationConfig")
            limit = optional_whole(config, "maxOutputTokens", "generationConfig")
            if limit is not None and not 0 <= limit <= MAX_TOKENS_LIMIT:
                raise Fault(
                    Kind.INVALID_REQUEST,
                    f"The field generationConfig.maxOutputTokens must be between 0 and {MAX_TOKENS_LIMIT}.",
                    param="generationConfig.maxOutputTokens",
                )
            return limit
    return None


def _named(model: str) -> msgspec.Raw:
    return raw_json(model if "/" in model else f"models/{model}")


def _with_model(raw: msgspec.Raw, model: str) -> msgspec.Raw:
    try:
        inner = _FIELDS.decode(raw)
    except msgspec.MsgspecError:
        return raw  # upstream says what is wrong with it
    if "model" in inner:
        inner["model"] = _named(model)
    return msgspec.Raw(write_fields(inner))


def _with_models(raw: msgspec.Raw, model: str) -> msgspec.Raw:
    try:
        inner = _MANY_FIELDS.decode(raw)
    except msgspec.MsgspecError:
        return raw
    return raw_json([{**one, "model": _named(model)} for one in inner])
