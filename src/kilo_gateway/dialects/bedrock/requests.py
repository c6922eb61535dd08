"""Requests: the envelope peek, and the body that goes upstream.

The model and whether it streams stand in the URL here. The edge puts them beside the client's members before anything of
this file is called: `model` (a string), `stream` (true). Neither goes upstream in a body.
"""

from urllib.parse import quote

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.preferences import Preferences
from kilo_gateway.dialects.bedrock.schema import UNREADABLE, InferenceConfig
from kilo_gateway.dialects.body import Fields, starts_with, text_of, write_fields

MAX_TOKENS_LIMIT = 99_999_999_999
_OF_THE_URL = ("model", "stream")
_INFERENCE = msgspec.json.Decoder(InferenceConfig | None)


def path(_operation: Operation, model: str, *, is_stream: bool) -> str:
    """Where an upstream takes the operation. A model may be an ARN, whose slashes are escaped like all the rest."""
    return f"/model/{quote(model, safe='-._~')}/converse{'-stream' if is_stream else ''}"


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """What the path of a call needs to know of a request. Usage is part of every reply: clients always see it."""

    model: str
    stream: bool
    max_tokens: int | None
    models: tuple[str, ...] = ()
    wants_usage: bool = True
    wishes: Preferences | None = None


def peek(_operation: Operation, fields: Fields) -> Envelope:
    """Read model, stream and token limit; check what every upstream would refuse.

    Raises Fault model_not_found or invalid_request.
    """
    model = (text_of(fields.get("model", msgspec.Raw(b"null"))) or "").strip()
    if not model:
        raise Fault(
            Kind.MODEL_NOT_FOUND,
            "The path must name a model, such as /model/kilo%2Fauto/converse.",
            param="model",
        )
    messages = fields.get("messages")
    if messages is None or not starts_with(messages, b"["):
        raise Fault(
            Kind.INVALID_REQUEST,
            "The field messages must be an array of messages.",
            param="messages",
        )
    return Envelope(model, bytes(fields.get("stream", b"")) == b"true", _max_tokens(fields))


def outbound(call: Call, _deployment: Deployment, _quirks: frozenset[str]) -> bytes:
    """The body for one attempt: the client's members without those of the URL."""
    return write_fields(
        {name: value for name, value in call.fields.items() if name not in _OF_THE_URL}
    )


def _max_tokens(fields: Fields) -> int | None:
    raw = fields.get("inferenceConfig")
    if raw is None:
        return None
    try:
        config = _INFERENCE.decode(raw)
    except UNREADABLE as error:
        raise Fault(
            Kind.INVALID_REQUEST,
            f"The field inferenceConfig is not as it should be: {error}.",
            param="inferenceConfig",
        ) from None
    limit = config.max_tokens if config is not None else None
    if limit is not None and not 0 <= limit <= MAX_TOKENS_LIMIT:
        raise Fault(
            Kind.INVALID_REQUEST,
            f"The field inferenceConfig.maxTokens must be between 0 and {MAX_TOKENS_LIMIT}.",
            param="inferenceConfig.maxTokens",
        )
    return limit
