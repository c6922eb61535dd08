"""The way of one attempt at embeddings: the client's form and the vendor's alike, or one told in the other.

Where a request holds more inputs than the vendor takes at once, it becomes several (`Outbound.further`), and `join` makes one
reply of theirs, with the sum of the tokens: for whoever meters, it was one.
"""

from collections.abc import Mapping
from functools import cache
from typing import Protocol, TypeVar, runtime_checkable

import msgspec
from typing_extensions import override

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment, Operation
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.dialect import Dialect, ReplyFacts, ReplyStream
from kilo_gateway.dialects.embeddings.ask import (
    ClientForm,
    EmbeddingAnswer,
    EmbeddingAsk,
    UpstreamForm,
    invalid,
)
from kilo_gateway.dialects.embeddings.forms import CLIENTS, UPSTREAMS
from kilo_gateway.dialects.embeddings.gemini import batch, batch_of, is_batch, unbatched
from kilo_gateway.dialects.embeddings.openai import asked_dimensions, asked_encoding, count_of
from kilo_gateway.dialects.embeddings.vectors import is_packed
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.translate import CostOf, Marks, Outbound, Passage

MOST_REQUESTS = 64  # of one attempt
_One = TypeVar("_One")
# How a dialect's own servers take embeddings, where no vendor's row says otherwise.
_OWN_FORMS: Mapping[str, str] = {"gemini": "gemini"}


@runtime_checkable
class Joins(Protocol):
    """A passage that may ask several times for one attempt."""

    def join(self, bodies: list[bytes]) -> bytes:
        """One reply of several. Raises Fault upstream_garbage for what cannot be read."""
        ...


class EmbeddingTranslation:
    """Client and vendor speak differently. Also what the two kinds of sameness are made of. Fulfils `Passage` and `Joins`."""

    is_identity = False

    def __init__(self, client: str, upstream: str, form: str, most_inputs: int | None) -> None:
        self.client: Dialect = DIALECTS[client]
        self.upstream: Dialect = DIALECTS[upstream]
        self._form = form
        self._from: ClientForm = CLIENTS[client]
        self._to: UpstreamForm = UPSTREAMS[form]
        self._most = most_inputs

    def outbound(
        self, call: Call, deployment: Deployment, quirks: frozenset[str], marks: Marks
    ) -> Outbound:
        """The requests in the vendor's words, and the names of what it has none for."""
        ask = fitting(self._from.read_ask(call.fields), deployment)
        if ask.has_tokens and not self._to.takes_tokens:
            raise Fault(
                Kind.UNSUPPORTED_FIELD,
                "This model takes texts, not tokens: send them as strings.",
                param="input",
            )
        dropped = tuple(name for name in ask.extra if not self._to.passes(name))
        bodies = [
            self._to.write(msgspec.structs.replace(ask, inputs=some), deployment.upstream_model)
            for some in slices(ask.inputs, self._most)
        ]
        return Outbound(bodies[0], dropped, tuple(bodies[1:]))

    def read_reply(self, body: bytes, operation: Operation) -> ReplyFacts | None:
        """Usage and error of the vendor's reply."""
        return self._to.read_facts(body)

    def join(self, bodies: list[bytes]) -> bytes:
        """One reply of several."""
        try:
            return self._to.join(bodies)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise _garbage(bodies[0]) from None

    def answer(
        self,
        call: Call,
        body: bytes,
        usage: Usage,
        cost_nanodollars: int | None,
        marks: Marks,
    ) -> bytes:
        """The reply in the client's words."""
        answer = self._to.read(body)
        asked = self._from.read_ask(call.fields).inputs
        if answer is None or len(answer.vectors) != len(asked):
            raise _garbage(body)
        answer = EmbeddingAnswer(answer.vectors, usage)
        return self._from.write_answer(answer, call.fields, call.model, cost_nanodollars)

    def stream(self, call: Call, cost_of: CostOf | None, marks: Marks) -> ReplyStream:
        """Never asked for: no client's form has streams of embeddings."""
        raise Fault(Kind.INTERNAL, "Embeddings are not streamed.")


class OpenAIAlike(EmbeddingTranslation):
    """Both speak OpenAI's form: bytes go through as they came, but for what must be."""

    is_identity = True

    @override
    def outbound(
        self, call: Call, deployment: Deployment, quirks: frozenset[str], marks: Marks
    ) -> Outbound:
        """The client's own members; several requests only if there are too many inputs for one."""
        fields = call.fields
        raw = fields.get("input", msgspec.Raw())
        if self._most is not None and count_of(raw, self._most) > self._most:
            return super().outbound(call, deployment, quirks, marks)
        if "dimensions" in fields and deployment.width is not None:
            dimensions = asked_dimensions(fields)
            if _fitting_width(dimensions, deployment) is None:
                fields = {name: value for name, value in fields.items() if name != "dimensions"}
                call = msgspec.structs.replace(call, fields=fields)
        return Outbound(self.client.outbound(call, deployment, quirks))

    @override
    def answer(
        self,
        call: Call,
        body: bytes,
        usage: Usage,
        cost_nanodollars: int | None,
        marks: Marks,
    ) -> bytes:
        """The reply as it came, with its cost; told anew only where it is not in the encoding that was named."""
        wanted = call.fields.get("encoding_format")
        if wanted is not None and self._is_otherwise(call.fields, body):
            return super().answer(call, body, usage, cost_nanodollars, marks)
        if cost_nanodollars is None:
            return body
        return self.client.with_cost(body, cost_nanodollars, usage.raw)

    def _is_otherwise(self, fields: Fields, body: bytes) -> bool:
        """Whether the client named an encoding and the first vector, which is like all others, is not in it."""
        try:
            encoding = asked_encoding(fields)
        except Fault:
            return False  # upstream took it, whatever it means there
        if encoding is None:
            return False
        at = _start_of_vector(body)
        return at is not None and is_packed(msgspec.Raw(at)) != (encoding == "base64")


def _start_of_vector(body: bytes) -> bytes | None:
    """The first byte of the first vector of a reply; None if there is none."""
    at = body.find(b'"embedding"')
    while at >= 0:
        rest = body[at + 11 : at + 43].lstrip()
        if rest[:1] == b":":
            return rest[1:].lstrip()[:1] or None
        at = body.find(b'"embedding"', at + 11)
    return None


class GeminiAlike(EmbeddingTranslation):
    """Both speak Gemini's form: contents of all kinds go through; one alone is asked for as a batch of one."""

    is_identity = True

    @override
    def outbound(
        self, call: Call, deployment: Deployment, quirks: frozenset[str], marks: Marks
    ) -> Outbound:
        """The client's own requests, as one batch or several."""
        some = slices(tuple(batch_of(call.fields)), self._most)
        bodies = [batch(list(one), deployment.upstream_model) for one in some]
        return Outbound(bodies[0], (), tuple(bodies[1:]))

    @override
    def answer(
        self,
        call: Call,
        body: bytes,
        usage: Usage,
        cost_nanodollars: int | None,
        marks: Marks,
    ) -> bytes:
        """The reply as it came, in the shape that was asked for."""
        return body if is_batch(call.fields) else unbatched(body)


def fitting(ask: EmbeddingAsk, deployment: Deployment) -> EmbeddingAsk:
    """What is asked, with dimensions that the model has. Raises Fault invalid_request."""
    dimensions = _fitting_width(ask.dimensions, deployment)
    if dimensions == ask.dimensions:
        return ask
    return msgspec.structs.replace(ask, dimensions=dimensions)


def _fitting_width(dimensions: int | None, deployment: Deployment) -> int | None:
    """The dimensions that go upstream: None for a model that has but one width, and that is asked for.

    Raises Fault invalid_request for what the model is known not to have.
    """
    width = deployment.width
    if dimensions is None or width is None:
        return dimensions
    if width.is_fixed and dimensions != width.most:
        raise invalid(
            "dimensions", f"must be {width.most} or left out: this model has no other width"
        )
    if dimensions > width.most:
        raise invalid("dimensions", f"must be between 1 and {width.most} for this model")
    return None if width.is_fixed else dimensions


def slices(inputs: tuple[_One, ...], most: int | None) -> list[tuple[_One, ...]]:
    """The inputs in as few requests as they fit in. Raises Fault invalid_request where that is too many."""
    if most is None or len(inputs) <= most:
        return [inputs]
    if len(inputs) > most * MOST_REQUESTS:
        raise invalid(
            "input",
            f"holds {len(inputs):,} texts; for this model {most * MOST_REQUESTS:,} are accepted at once"
            f" (upstream takes {most} in a request): send the others in another call",
        )
    return [inputs[start : start + most] for start in range(0, len(inputs), most)]


def _garbage(body: bytes) -> Fault:
    return Fault(
        Kind.UPSTREAM_GARBAGE,
        "The upstream's embeddings cannot be read, or are not as many as the texts.",
        detail=repr(body[:200]),
    )


def form_of(dialect: str, row: str) -> str:
    """How embeddings are asked of an upstream: as its vendor's row says, else as the dialect's own servers are."""
    return row or _OWN_FORMS.get(dialect, "openai")


@cache
def embedding_passage(
    client: str, upstream: str, form: str, most_inputs: int | None = None
) -> Passage:
    """The way between a client's dialect and a vendor's form. `upstream` is the dialect whose head a request has."""
    kind = EmbeddingTranslation
    if (client, form) == ("openai_chat", "openai"):
        kind = OpenAIAlike
    elif client == form == "gemini":
        kind = GeminiAlike
    elif client not in CLIENTS:
        raise Fault(Kind.API_KIND_NOT_SUPPORTED, f"Embeddings are not asked for in {client}.")
    return kind(client, upstream, form, most_inputs)
