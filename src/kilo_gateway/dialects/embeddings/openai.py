"""OpenAI's form: `input`, `dimensions`, `encoding_format`; and vendors that differ from it in a few names.

A vendor is a row of `LIKE_OPENAI`, not a file.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault
from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields, raw_json, starts_with, text_of, write_fields
from kilo_gateway.dialects.dialect import ReplyFacts
from kilo_gateway.dialects.embeddings.ask import (
    EmbeddingAnswer,
    EmbeddingAsk,
    Encoding,
    Purpose,
    invalid,
    purpose_of,
    summed,
    whole_number,
)
from kilo_gateway.dialects.embeddings.vectors import bytes_as_numbers, encoded, is_packed
from kilo_gateway.dialects.openai_chat.replies import read_reply

_FIELDS = msgspec.json.Decoder(Fields)
_MANY = msgspec.json.Decoder(list[msgspec.Raw])
_NULL = b"null"
# What the hub form has a place for, and what is the gateway's own.
_READ = frozenset({"model", "input", "dimensions", "encoding_format", "models", "provider"})
_PURPOSES = ("input_type", "task_type", "task")
_ANYTHING = frozenset({"*"})


class _Item(msgspec.Struct, gc=False):
    embedding: msgspec.Raw
    index: int | None = None


class _Reply(msgspec.Struct, gc=False):
    data: list[_Item]


_REPLY = msgspec.json.Decoder(_Reply)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class OpenAIClients:
    """How clients ask and are answered. Fulfils `ClientForm`."""

    def read_ask(self, fields: Fields) -> EmbeddingAsk:
        """A request for embeddings."""
        extra = {
            name: value
            for name, value in fields.items()
            if name not in _READ and bytes(value) != _NULL
        }
        purpose: Purpose = ""
        for name in _PURPOSES:
            word = text_of(extra[name]) if name in extra else None
            found = purpose_of(word) if word is not None else None
            if found:
                purpose = found
                del extra[name]
        inputs, has_tokens = inputs_of(fields.get("input", msgspec.Raw(_NULL)))
        return EmbeddingAsk(
            inputs, has_tokens, asked_dimensions(fields), asked_encoding(fields), purpose, extra
        )

    def write_answer(
        self,
        answer: EmbeddingAnswer,
        fields: Fields,
        model: str,
        cost_nanodollars: int | None,
    ) -> bytes:
        """The reply: vectors in the encoding that was asked for, usage where it is known."""
        encoding = asked_encoding(fields) or "float"
        data = [
            {"object": "embedding", "index": index, "embedding": encoded(vector, encoding)}
            for index, vector in enumerate(answer.vectors)
        ]
        reply: dict[str, Any] = {"object": "list", "data": data, "model": model}
        usage = _told([answer.usage], cost_nanodollars)
        if usage:
            reply["usage"] = usage
        return msgspec.json.encode(reply)


def inputs_of(raw: msgspec.Raw) -> tuple[tuple[msgspec.Raw, ...], bool]:
    """The inputs one by one, and whether they are tokens. Raises Fault invalid_request."""
    if starts_with(raw, b'"'):
        return (raw,), False
    try:
        many = _MANY.decode(raw)
    except _UNREADABLE:
        many = []
    if not many:
        raise invalid("input", "must be a text, or an array of texts that is not empty")
    kinds = {bytes(memoryview(one)[:1]) for one in many}
    if kinds == {b'"'}:
        return tuple(many), False
    if kinds == {b"["}:
        return tuple(many), True
    if kinds <= {b"%d" % digit for digit in range(10)}:
        return (raw,), True
    raise invalid("input", "must hold texts alone, or arrays of tokens alone")


def count_of(raw: msgspec.Raw, above: int) -> int:
    """How many inputs there are; not looked at, and 0, if they cannot be more than `above`."""
    if memoryview(raw).nbytes <= 2 * above or not starts_with(raw, b"["):
        return 0
    try:
        return len(inputs_of(raw)[0])
    except Fault:
        return 0  # upstream says what is wrong with them


def asked_dimensions(fields: Fields) -> int | None:
    """How many numbers a vector shall have; None if the client did not say. Raises Fault invalid_request."""
    return whole_number(fields.get("dimensions", msgspec.Raw(_NULL)), "dimensions")


def asked_encoding(fields: Fields) -> Encoding | None:
    """The encoding that the client named, None if it named none. Raises Fault invalid_request."""
    raw = fields.get("encoding_format", msgspec.Raw(_NULL))
    if bytes(raw) == _NULL:
        return None
    match text_of(raw):
        case "float":
            return "float"
        case "base64":
            return "base64"
        case _:
            raise invalid("encoding_format", "must be float or base64")


class LikeOpenAI(msgspec.Struct, frozen=True):
    """A vendor's names. Fulfils `UpstreamForm`.

    `encodings` are its words for those that it can do ("" = said by saying nothing), under the name `encoding`. `purposes`
    are its words for what vectors are for, under the name `purpose`. `further` are members that go on as they came.
    `has_bytes`: its base64 is of signed bytes.
    """

    encodings: Mapping[Encoding, str]
    dimensions: str = "dimensions"
    encoding: str = "encoding_format"
    purpose: str = ""
    purposes: Mapping[Purpose, str] = MappingProxyType({})
    further: frozenset[str] = frozenset()
    takes_tokens: bool = False
    has_bytes: bool = False

    def passes(self, name: str) -> bool:
        """Whether a further member goes on."""
        return self.further is _ANYTHING or name in self.further

    def write(self, ask: EmbeddingAsk, model: str) -> bytes:
        """The request in the vendor's names."""
        body = {name: value for name, value in ask.extra.items() if self.passes(name)}
        body |= {"model": raw_json(model), "input": raw_json(ask.inputs)}
        if ask.dimensions is not None:
            body[self.dimensions] = raw_json(ask.dimensions)
        wanted: Encoding = ask.encoding if ask.encoding in self.encodings else "float"  # type: ignore[assignment]
        word = self.encodings.get(wanted, "")
        if word and (ask.encoding is not None or self.has_bytes):
            body[self.encoding] = raw_json(word)
        if ask.purpose in self.purposes:
            body[self.purpose] = raw_json(self.purposes[ask.purpose])
        return write_fields(body)

    def read(self, body: bytes) -> EmbeddingAnswer | None:
        """The vectors, in the order of their `index`."""
        try:
            items = _REPLY.decode(body).data
        except _UNREADABLE:
            return None
        vectors = [item.embedding for item in _in_order(items)]
        if self.has_bytes:
            vectors = [bytes_as_numbers(one) if is_packed(one) else one for one in vectors]
        facts = self.read_facts(body)
        return None if facts is None else EmbeddingAnswer(tuple(vectors), facts.usage)

    def read_facts(self, body: bytes) -> ReplyFacts | None:
        """Usage and error."""
        return read_reply(body, "embeddings")

    def join(self, bodies: list[bytes]) -> bytes:
        """The first reply with all vectors, numbered on, and the sums of the counts."""
        whole = dict(_FIELDS.decode(bodies[0]))
        data = [item.embedding for body in bodies for item in _in_order(_REPLY.decode(body).data)]
        whole["data"] = raw_json(
            [
                {"object": "embedding", "index": index, "embedding": vector}
                for index, vector in enumerate(data)
            ]
        )
        usage = _told([read_usage_of(body) for body in bodies])
        whole.pop("usage", None)
        if usage:
            whole["usage"] = raw_json(usage)
        return write_fields(whole)


def read_usage_of(body: bytes) -> Usage:
    """Usage of a whole reply."""
    facts = read_reply(body, "embeddings")
    return UNKNOWN_USAGE if facts is None else facts.usage


def _told(usages: list[Usage], cost_nanodollars: int | None = None) -> dict[str, Any]:
    """The usage object of one reply or several; {} where nothing is known, of all of them."""
    tokens = summed([usage.input_tokens for usage in usages])
    cost = cost_nanodollars
    if cost is None:
        cost = summed([usage.cost_nanodollars for usage in usages])
    told: dict[str, Any] = {}
    if tokens is not None:
        told |= {"prompt_tokens": tokens, "total_tokens": tokens}
    if cost is not None:
        told["cost"] = msgspec.Raw(usd_text(cost).encode())
    return told


def _in_order(items: list[_Item]) -> list[_Item]:
    places = {item.index for item in items}
    if None in places or len(places) != len(items):
        return items
    return sorted(items, key=lambda item: item.index or 0)


_BOTH: Mapping[Encoding, str] = {"float": "float", "base64": "base64"}

LIKE_OPENAI: Mapping[str, LikeOpenAI] = MappingProxyType(
    {
        "openai": LikeOpenAI(_BOTH, further=_ANYTHING, takes_tokens=True),
        # The same, but base64 is not known there.
        "floats": LikeOpenAI({"float": "float"}, further=_ANYTHING),
        "mistral": LikeOpenAI({"float": ""}, dimensions="output_dimension"),
        "voyage": LikeOpenAI(
            {"float": "", "base64": "base64"},
            dimensions="output_dimension",
            purpose="input_type",
            purposes={"query": "query", "document": "document"},
            further=frozenset({"truncation"}),
        ),
        "jina": LikeOpenAI(
            _BOTH,
            encoding="embedding_type",
            purpose="task",
            purposes={
                "query": "retrieval.query",
                "document": "retrieval.passage",
                "similarity": "text-matching",
                "classification": "classification",
                "clustering": "separation",
            },
            further=frozenset({"truncate", "late_chunking", "normalized"}),
        ),
        "perplexity": LikeOpenAI({"float": "base64_int8"}, has_bytes=True),
    }
)
