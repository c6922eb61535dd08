"""Ollama's form: /api/embed takes `input` and `dimensions`, and tells tokens as `prompt_eval_count`."""

from typing import Any

import msgspec

from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.dialect import ReplyFacts
from kilo_gateway.dialects.embeddings.ask import EmbeddingAnswer, EmbeddingAsk, Facts, summed

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_ERROR = frozenset({b"", b"null", b'""'})


class _Told(msgspec.Struct, gc=False):
    prompt_eval_count: int | None = None
    error: msgspec.Raw = msgspec.Raw()


class _Reply(_Told, gc=False):
    embeddings: list[msgspec.Raw] | None = None


_REPLY = msgspec.json.Decoder(_Reply)
_TOLD = msgspec.json.Decoder(_Told)
_FIELDS = msgspec.json.Decoder(Fields)


class OllamaUpstream:
    """How the server is asked. Fulfils `UpstreamForm`."""

    takes_tokens = False

    def passes(self, name: str) -> bool:
        """Whether a further member goes on."""
        return name in {"truncate", "options", "keep_alive"}

    def write(self, ask: EmbeddingAsk, model: str) -> bytes:
        """The request; vectors come as numbers always."""
        body: dict[str, Any] = {
            name: value for name, value in ask.extra.items() if self.passes(name)
        }
        body |= {"model": model, "input": ask.inputs}
        if ask.dimensions is not None:
            body["dimensions"] = ask.dimensions
        return msgspec.json.encode(body)

    def read(self, body: bytes) -> EmbeddingAnswer | None:
        """The vectors and the tokens that were read."""
        try:
            reply = _REPLY.decode(body)
        except _UNREADABLE:
            return None
        if reply.embeddings is None:
            return None
        return EmbeddingAnswer(tuple(reply.embeddings), _usage(reply))

    def read_facts(self, body: bytes) -> ReplyFacts | None:
        """Usage and error."""
        try:
            told = _TOLD.decode(body)
        except _UNREADABLE:
            return None
        error = bytes(told.error)
        return Facts(_usage(told), None if error in _NO_ERROR else error)

    def join(self, bodies: list[bytes]) -> bytes:
        """All vectors, and the sum of the tokens."""
        replies = [_REPLY.decode(body) for body in bodies]
        whole = dict(_FIELDS.decode(bodies[0]))
        whole["embeddings"] = raw_json([one for reply in replies for one in reply.embeddings or ()])
        whole["prompt_eval_count"] = raw_json(
            summed([reply.prompt_eval_count for reply in replies])
        )
        return write_fields(whole)


def _usage(told: _Told) -> Usage:
    count = told.prompt_eval_count
    if count is None or count < 0:
        return UNKNOWN_USAGE
    return Usage(count, 0, raw=msgspec.json.encode({"prompt_eval_count": count}))
