"""The hub form of embeddings: EmbeddingAsk, EmbeddingAnswer, and what vectors are for."""

from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.dialect import ReplyFacts

Encoding = Literal["float", "base64"]
# What the vectors are for, which some models want to know; "" = not said.
Purpose = Literal[
    "",
    "query",
    "document",
    "similarity",
    "classification",
    "clustering",
    "code",
    "question",
    "fact",
]

# Vendors' words for it, in lower case; clients send them as `input_type`, `task_type` or `task`.
_WORDS: dict[str, Purpose] = {
    "query": "query",
    "search_query": "query",
    "retrieval_query": "query",
    "retrieval.query": "query",
    "document": "document",
    "passage": "document",
    "search_document": "document",
    "retrieval_document": "document",
    "retrieval.passage": "document",
    "similarity": "similarity",
    "semantic_similarity": "similarity",
    "text-matching": "similarity",
    "classification": "classification",
    "clustering": "clustering",
    "separation": "clustering",
    "code_retrieval_query": "code",
    "question_answering": "question",
    "fact_verification": "fact",
}


def purpose_of(word: str) -> Purpose | None:
    """A vendor's word for what vectors are for; None if it is no such word."""
    return _WORDS.get(word.lower())


class EmbeddingAsk(msgspec.Struct, frozen=True):
    """What is asked. Each of `inputs` is as the client wrote it: a JSON string, or (`has_tokens`) an array of tokens.

    `encoding` is None where the client did not say. `extra` are members that no hub form has a place for.
    """

    inputs: tuple[msgspec.Raw, ...]
    has_tokens: bool = False
    dimensions: int | None = None
    encoding: Encoding | None = None
    purpose: Purpose = ""
    extra: Fields = {}


class EmbeddingAnswer(msgspec.Struct, frozen=True):
    """Vectors in the order of the inputs, each as the vendor wrote it: an array of numbers, or base64 of 32-bit floats."""

    vectors: tuple[msgspec.Raw, ...]
    usage: Usage = UNKNOWN_USAGE


class Facts(msgspec.Struct, frozen=True):
    """What a whole reply told. Fulfils `ReplyFacts`."""

    usage: Usage
    error: bytes | None = None
    finish_reason: str | None = None


class ClientForm(Protocol):
    """How clients of one dialect ask for embeddings and are answered."""

    def read_ask(self, fields: Fields) -> EmbeddingAsk:
        """A client's request. Raises Fault for what is not as it should be, naming the field."""
        ...

    def write_answer(
        self,
        answer: EmbeddingAnswer,
        fields: Fields,
        model: str,
        cost_nanodollars: int | None,
    ) -> bytes:
        """The reply; `fields` is the request, which says in which shape it is wanted. Raises Fault upstream_garbage."""
        ...


class UpstreamForm(Protocol):
    """How vendors of one form are asked."""

    @property
    def takes_tokens(self) -> bool:
        """Whether tokens may stand in the place of a text."""
        ...

    def passes(self, name: str) -> bool:
        """Whether a member that no hub form has a place for goes on as it came."""
        ...

    def write(self, ask: EmbeddingAsk, model: str) -> bytes:
        """The body for the vendor."""
        ...

    def read(self, body: bytes) -> EmbeddingAnswer | None:
        """A whole reply with status 200; None if it is none."""
        ...

    def read_facts(self, body: bytes) -> ReplyFacts | None:
        """Usage and error of a whole reply, its vectors not looked at; None if it is no JSON object."""
        ...

    def join(self, bodies: list[bytes]) -> bytes:
        """One reply of several, as if the vendor had answered them at once."""
        ...


def invalid(param: str, problem: str) -> Fault:
    """The Fault that names a field and what is wrong with it."""
    return Fault(Kind.INVALID_REQUEST, f"The field {param} {problem}.", param=param)


def whole_number(raw: msgspec.Raw, param: str) -> int | None:
    """A number of dimensions, None for null. Raises Fault invalid_request for anything below 1."""
    try:
        value = msgspec.json.decode(raw, type=int | None)
    except msgspec.MsgspecError:
        raise invalid(param, "must be a whole number") from None
    if value is not None and value < 1:
        raise invalid(param, "must be at least 1")
    return value


def summed(counts: list[int | None]) -> int | None:
    """The sum; unknown if one of them is."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def tried(decode: Callable[[bytes], Fields], body: bytes) -> Fields | None:
    """The members of a body; None if it is no JSON object."""
    try:
        return decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
