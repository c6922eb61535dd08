"""Operations beside conversations: rerank, moderations, images, speech, transcriptions, fill-in-the-middle.

They are served by upstreams of this dialect alone and go through as they came; what is looked at is the model, and usage.
"""

import msgspec

from kilo_gateway.core.deployment import Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, text_of, write_fields

MODERATION_MODEL = "omni-moderation-latest"
_FIM_MOST_TOKENS = 1_000
_FIM_MEMBERS = (
    "model", "prompt", "suffix", "max_tokens", "min_tokens", "stop", "stream", "temperature", "top_p", "random_seed",
)  # fmt: skip
_NUMBER = msgspec.json.Decoder(int)
# The member without which there is nothing to do.
_WANTED: dict[Operation, tuple[str, str]] = {
    "rerank": ("query", "a text to compare the documents with"),
    "moderations": ("input", "a text, or an array of texts or parts"),
    "images": ("prompt", "a description of the picture"),
    "speech": ("input", "the text to speak"),
    "transcriptions": ("input_audio", "an object with data and format, or send a form with a file"),
    "fim": ("prompt", "the text before the gap"),
}


class _OtherUsage(msgspec.Struct, gc=False):
    """`usage` in the words of images and transcriptions."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Reply(msgspec.Struct, gc=False):
    usage: msgspec.Raw = msgspec.Raw()


_REPLY = msgspec.json.Decoder(_Reply)
_USAGE = msgspec.json.Decoder(_OtherUsage)


def check(operation: Operation, fields: Fields) -> None:
    """Refuse what no upstream would take. Raises Fault invalid_request."""
    name, what = _WANTED[operation]
    raw = fields.get(name)
    if raw is None or bytes(raw) == b"null":
        raise Fault(Kind.INVALID_REQUEST, f"The field {name} is missing: send {what}.", param=name)
    if operation == "rerank" and not bytes(fields.get("documents", b"")).startswith(b"["):
        raise Fault(
            Kind.INVALID_REQUEST, "The field documents must be an array.", param="documents"
        )
    if operation == "fim":
        _check_fim(fields)


def _check_fim(fields: Fields) -> None:
    for name in ("prompt", "suffix"):
        if name in fields and bytes(fields[name]) != b"null" and text_of(fields[name]) is None:
            raise Fault(Kind.INVALID_REQUEST, f"The field {name} must be a text.", param=name)
    try:
        limit = _NUMBER.decode(fields.get("max_tokens", msgspec.Raw(b"0")))
    except msgspec.MsgspecError:
        limit = 0
    if not 0 < limit <= _FIM_MOST_TOKENS:
        raise Fault(
            Kind.INVALID_REQUEST,
            f"The field max_tokens must be between 1 and {_FIM_MOST_TOKENS}.",
            param="max_tokens",
        )


def with_default_model(operation: Operation, fields: Fields) -> None:
    """Moderation has a model for those who name none."""
    if operation == "moderations" and "model" not in fields:
        fields["model"] = raw_json(MODERATION_MODEL)


def fim_body(fields: Fields) -> bytes:
    """A fill-in-the-middle request: the members that such servers know."""
    return write_fields({name: fields[name] for name in _FIM_MEMBERS if name in fields})


def read_other_usage(body: bytes) -> Usage:
    """Usage of a reply that is no conversation; unknown where it tells none, or is no JSON."""
    try:
        raw = bytes(_REPLY.decode(body).usage)
        wire = _USAGE.decode(raw) if raw not in {b"", b"null"} else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN_USAGE
    if wire is None:
        return UNKNOWN_USAGE
    output = wire.output_tokens if wire.output_tokens is not None else wire.completion_tokens
    given = wire.input_tokens if wire.input_tokens is not None else wire.prompt_tokens
    if given is None and wire.total_tokens is not None:
        given = max(0, wire.total_tokens - (output or 0))
    if given is not None and output is None:
        output = 0  # a score has no tokens
    return Usage(input_tokens=given, output_tokens=output, raw=raw[:4096])
