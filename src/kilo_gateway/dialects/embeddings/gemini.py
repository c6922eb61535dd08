"""Gemini's form: embedContent for one content, batchEmbedContents for many. Upstreams are always asked in the latter."""

from collections.abc import Mapping
from typing import Any

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.body import Fields, raw_json, write_fields
from kilo_gateway.dialects.dialect import ReplyFacts
from kilo_gateway.dialects.embeddings.ask import (
    EmbeddingAnswer,
    EmbeddingAsk,
    Facts,
    Purpose,
    invalid,
    purpose_of,
    summed,
    tried,
    whole_number,
)
from kilo_gateway.dialects.embeddings.vectors import encoded
from kilo_gateway.dialects.gemini.members import items, members, named, optional_text, text
from kilo_gateway.dialects.gemini.replies import error_of, usage_of

_FIELDS = msgspec.json.Decoder(Fields)
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_READ = frozenset({"model", "content", "taskType", "outputDimensionality"})
_OF_THE_URL = frozenset({"model", "stream", "alt"})
_TASKS: Mapping[Purpose, str] = {
    "query": "RETRIEVAL_QUERY",
    "document": "RETRIEVAL_DOCUMENT",
    "similarity": "SEMANTIC_SIMILARITY",
    "classification": "CLASSIFICATION",
    "clustering": "CLUSTERING",
    "code": "CODE_RETRIEVAL_QUERY",
    "question": "QUESTION_ANSWERING",
    "fact": "FACT_VERIFICATION",
}


class _Vector(msgspec.Struct, gc=False):
    values: msgspec.Raw


class _Reply(msgspec.Struct, gc=False, rename="camel"):
    embeddings: list[_Vector] | None = None
    embedding: _Vector | None = None
    usage_metadata: msgspec.Raw = msgspec.Raw()


class _Told(msgspec.Struct, gc=False, rename="camel"):
    usage_metadata: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_REPLY = msgspec.json.Decoder(_Reply)
_TOLD = msgspec.json.Decoder(_Told)


class GeminiClients:
    """How clients ask and are answered. Fulfils `ClientForm`."""

    def read_ask(self, fields: Fields) -> EmbeddingAsk:
        """One content, or a batch of them that are all wanted alike."""
        asks = [_one(one, param) for one, param in _requests(fields)]
        dimensions = {ask.dimensions for ask in asks}
        purposes = {ask.purpose for ask in asks}
        if len(dimensions) > 1 or len(purposes) > 1:
            name = "outputDimensionality" if len(dimensions) > 1 else "taskType"
            raise invalid(
                "requests", f"must have the same {name} each: this model takes one for all"
            )
        extra = {name: value for ask in asks for name, value in ask.extra.items()}
        return EmbeddingAsk(
            tuple(ask.inputs[0] for ask in asks),
            dimensions=dimensions.pop(),
            encoding="float",
            purpose=purposes.pop(),
            extra=extra,
        )

    def write_answer(
        self,
        answer: EmbeddingAnswer,
        fields: Fields,
        model: str,
        cost_nanodollars: int | None,
    ) -> bytes:
        """The reply. There is no place for a cost in it."""
        vectors = [{"values": encoded(vector, "float")} for vector in answer.vectors]
        reply: dict[str, Any] = (
            {"embeddings": vectors} if is_batch(fields) else {"embedding": vectors[0]}
        )
        tokens = answer.usage.input_tokens
        if tokens is not None:
            reply["usageMetadata"] = {"promptTokenCount": tokens}
        return msgspec.json.encode(reply)


def is_batch(fields: Fields) -> bool:
    """Whether many contents are asked for."""
    return "requests" in fields


def _requests(fields: Fields) -> list[tuple[Fields, str]]:
    if not is_batch(fields):
        own = {name: value for name, value in fields.items() if name not in _OF_THE_URL}
        return [(named(own), "")]
    many = items(fields["requests"], "requests")
    if not many:
        raise invalid("requests", "must not be empty")
    return [
        (members(one, f"requests[{place}]"), f"requests[{place}].")
        for place, one in enumerate(many)
    ]


def _one(fields: Fields, param: str) -> EmbeddingAsk:
    if "content" not in fields:
        raise invalid(f"{param}content", "is missing")
    content = members(fields["content"], f"{param}content")
    where = f"{param}content.parts"
    texts = [
        _text(members(part, where), where)
        for part in items(content.get("parts", msgspec.Raw(b"[]")), where)
    ]
    word = optional_text(fields, "taskType", param.rstrip(".") or "request")
    purpose = purpose_of(word) or ""
    unsaid = not purpose and word.lower() not in {"", "task_type_unspecified"}
    extra = {
        name: value
        for name, value in fields.items()
        if name not in _READ or (unsaid and name == "taskType")
    }
    raw = fields.get("outputDimensionality", msgspec.Raw(b"null"))
    dimensions = whole_number(raw, f"{param}outputDimensionality")
    inputs = (raw_json("".join(texts)),)
    return EmbeddingAsk(inputs, dimensions=dimensions, purpose=purpose, extra=extra)


def _text(part: Fields, where: str) -> str:
    if "text" not in part:
        raise Fault(Kind.UNSUPPORTED_FIELD, "This model embeds texts, nothing else.", param=where)
    return text(part["text"], f"{where}.text")


class GeminiUpstream:
    """How the vendor is asked. Fulfils `UpstreamForm`."""

    takes_tokens = False

    def passes(self, name: str) -> bool:
        """Whether a further member goes on: of Gemini's own there is but one."""
        return name == "title"

    def write(self, ask: EmbeddingAsk, model: str) -> bytes:
        """A batch, however many there are."""
        settings: dict[str, Any] = {
            name: value for name, value in ask.extra.items() if self.passes(name)
        }
        if ask.dimensions is not None:
            settings["outputDimensionality"] = ask.dimensions
        if ask.purpose:
            settings["taskType"] = _TASKS[ask.purpose]
        name = named_model(model)
        requests = [
            {"model": name, "content": {"parts": [{"text": one}]}, **settings} for one in ask.inputs
        ]
        return msgspec.json.encode({"requests": requests})

    def read(self, body: bytes) -> EmbeddingAnswer | None:
        """The vectors and, where told, the usage."""
        try:
            reply = _REPLY.decode(body)
        except _UNREADABLE:
            return None
        found = reply.embeddings if reply.embedding is None else [reply.embedding]
        if found is None:
            return None
        usage = usage_of(reply.usage_metadata, "embeddings")
        return EmbeddingAnswer(tuple(one.values for one in found), usage)

    def read_facts(self, body: bytes) -> ReplyFacts | None:
        """Usage and error."""
        try:
            told = _TOLD.decode(body)
        except _UNREADABLE:
            return None
        return Facts(usage_of(told.usage_metadata, "embeddings"), error_of(told.error))

    def join(self, bodies: list[bytes]) -> bytes:
        """All vectors, and the sum of the tokens if each reply told them."""
        replies = [_REPLY.decode(body) for body in bodies]
        whole = dict(_FIELDS.decode(bodies[0]))
        whole["embeddings"] = raw_json([one for reply in replies for one in reply.embeddings or ()])
        usages: list[Usage] = [usage_of(reply.usage_metadata, "embeddings") for reply in replies]
        tokens = summed([usage.input_tokens for usage in usages])
        whole.pop("usageMetadata", None)
        if tokens is not None:
            whole["usageMetadata"] = raw_json({"promptTokenCount": tokens})
        return write_fields(whole)


def named_model(model: str) -> str:
    """A model's name as it stands in a request."""
    return model if "/" in model else f"models/{model}"


def batch_of(fields: Fields) -> list[Fields]:
    """The requests of a client of this same form, one by one. Raises Fault invalid_request."""
    if is_batch(fields):
        return [
            members(one, f"requests[{place}]")
            for place, one in enumerate(items(fields["requests"], "requests"))
        ]
    return [{name: value for name, value in fields.items() if name not in _OF_THE_URL}]


def batch(requests: list[Fields], model: str) -> bytes:
    """These requests as one body, for a model."""
    name = raw_json(named_model(model))
    return msgspec.json.encode({"requests": [{**one, "model": name} for one in requests]})


def unbatched(body: bytes) -> bytes:
    """The reply to a batch of one, as embedContent tells it. What is no such reply stays as it is."""
    fields = tried(_FIELDS.decode, body) or {}
    try:
        [only] = msgspec.json.decode(fields["embeddings"], type=list[msgspec.Raw])
    except (KeyError, ValueError, *_UNREADABLE):
        return body
    rest = {name: value for name, value in fields.items() if name != "embeddings"}
    return write_fields({"embedding": only, **rest})
