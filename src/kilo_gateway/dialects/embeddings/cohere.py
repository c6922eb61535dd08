"""Cohere's form: /v2/embed takes `texts`, wants to know what vectors are for, and tells tokens as billed units."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.dialect import ReplyFacts
from kilo_gateway.dialects.embeddings.ask import (
    EmbeddingAnswer,
    EmbeddingAsk,
    Facts,
    Purpose,
    summed,
)

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
# Its models since v3 refuse a request that does not say: then texts are documents, as in most indexes.
_TYPES: Mapping[Purpose, str] = {
    "": "search_document",
    "query": "search_query",
    "question": "search_query",
    "code": "search_query",
    "classification": "classification",
    "clustering": "clustering",
}


class _Embeddings(msgspec.Struct, gc=False):
    numbers: list[msgspec.Raw] = msgspec.field(name="float")


class _Billed(msgspec.Struct, gc=False):
    input_tokens: float | None = None


class _Meta(msgspec.Struct, gc=False):
    billed_units: _Billed | None = None


class _Told(msgspec.Struct, gc=False):
    meta: _Meta | None = None


class _Reply(_Told, gc=False):
    embeddings: _Embeddings | None = None


_REPLY = msgspec.json.Decoder(_Reply)
_TOLD = msgspec.json.Decoder(_Told)
_FIELDS = msgspec.json.Decoder(Fields)


class CohereUpstream:
    """How the vendor is asked. Fulfils `UpstreamForm`."""

    takes_tokens = False

    def passes(self, name: str) -> bool:
        """Whether a further member goes on."""
        return name in {"truncate", "max_tokens"}

    def write(self, ask: EmbeddingAsk, model: str) -> bytes:
        """The request; vectors come as numbers always."""
        body: dict[str, Any] = {
            name: value for name, value in ask.extra.items() if self.passes(name)
        }
        body |= {
            "model": model,
            "texts": ask.inputs,
            "input_type": _TYPES.get(ask.purpose, _TYPES[""]),
            "embedding_types": ("float",),
        }
        if ask.dimensions is not None:
            body["output_dimension"] = ask.dimensions
        return msgspec.json.encode(body)

    def read(self, body: bytes) -> EmbeddingAnswer | None:
        """The vectors and the tokens that are charged."""
        try:
            reply = _REPLY.decode(body)
        except _UNREADABLE:
            return None
        if reply.embeddings is None:
            return None
        return EmbeddingAnswer(tuple(reply.embeddings.numbers), _usage(reply))

    def read_facts(self, body: bytes) -> ReplyFacts | None:
        """Usage."""
        try:
            return Facts(_usage(_TOLD.decode(body)))
        except _UNREADABLE:
            return None

    def join(self, bodies: list[bytes]) -> bytes:
        """All vectors, and the sum of the tokens."""
        replies = [_REPLY.decode(body) for body in bodies]
        whole = dict(_FIELDS.decode(bodies[0]))
        vectors = [one for reply in replies if reply.embeddings for one in reply.embeddings.numbers]
        tokens = summed([_usage(reply).input_tokens for reply in replies])
        whole["embeddings"] = raw_json({"float": vectors})
        whole["meta"] = raw_json({"billed_units": {"input_tokens": tokens}})
        return write_fields(whole)


def _usage(told: _Told) -> Usage:
    billed = told.meta.billed_units if told.meta is not None else None
    if billed is None or billed.input_tokens is None or billed.input_tokens < 0:
        return UNKNOWN_USAGE
    return Usage(int(billed.input_tokens), 0, raw=msgspec.json.encode(billed))
