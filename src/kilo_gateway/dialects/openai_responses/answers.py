"""Whole replies, read and written."""

from collections.abc import Iterable, Iterator

import msgspec

from kilo_gateway.dialects import logprobs
from kilo_gateway.dialects.answer import Answer, Stop, deltas_of
from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.conversation import Part, Refusal, ToolCall, is_given
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.logprobs import Logprob
from kilo_gateway.dialects.openai_responses import marks
from kilo_gateway.dialects.openai_responses.items import ITEM, PART, lenient, parts_of, with_marks
from kilo_gateway.dialects.openai_responses.making import Making, nobody
from kilo_gateway.dialects.openai_responses.replies import stop_reason, usage_of
from kilo_gateway.dialects.openai_responses.response import begun, ended, stem_of
from kilo_gateway.dialects.openai_responses.response import usage_of as usage_told
from kilo_gateway.dialects.openai_responses.schema import Reply, decode_leniently

REPLY = msgspec.json.Decoder(Reply)
_REASONS: dict[str, Stop] = {"max_output_tokens": "length", "content_filter": "content_filter"}


def read_answer(body: bytes) -> Answer | None:
    """An upstream's whole reply; None for what is no Response object."""
    reply = decode_leniently(REPLY, body)
    if reply is None or (
        reply.output is None and reply.status is None and not is_given(reply.error)
    ):
        return None
    return answer_of(reply)


def answer_of(reply: Reply) -> Answer:
    """A Response object."""
    maker = marks.maker_of(reply.model or "")
    found: list[Part] = []
    for raw in reply.output or ():
        found += parts_of(raw, maker, lenient)
    parts = with_marks(found)
    stop, word = stop_of(
        reply,
        has_called=any(isinstance(part, ToolCall) for part in parts),
        has_refused=any(isinstance(part, Refusal) for part in parts),
    )
    return Answer(
        parts,
        stop,
        usage_of(reply.usage),
        reply.id or "",
        reply.model or "",
        int(reply.created_at or 0),
        word,
        logprobs=tuple(_logprobs(reply.output or ())),
        service_tier=reply.service_tier or "",
    )


def stop_of(reply: Reply, *, has_called: bool, has_refused: bool) -> tuple[Stop | None, str]:
    """Why the model stopped, and the vendor's word for it. A reply without a status is whole unless it is an error."""
    word = stop_reason(reply.status, reply.incomplete_details) or ""
    status = reply.status or ("failed" if is_given(reply.error) else "completed")
    if status in {"failed", "cancelled"}:
        return "error", word
    if status == "incomplete":
        return _REASONS.get(word), word
    if status in {"queued", "in_progress"}:
        return None, word
    if has_called:
        return "tool_calls", word
    return "refusal" if has_refused else "stop", word


def _logprobs(output: Iterable[msgspec.Raw]) -> Iterator[Logprob]:
    """Those of all texts."""
    for raw in output:
        if b'"logprobs"' not in bytes(raw):
            continue
        content = lenient(raw, ITEM, "").content
        for one in content if isinstance(content, list) else ():
            yield from logprobs.read(lenient(one, PART, "").logprobs)


def write_answer(answer: Answer, shown: Shown, cost_nanodollars: int | None = None) -> bytes:
    """A whole reply for a client: made by the same steps as a stream."""
    making = Making(stem_of(shown.call_id), nobody)
    for delta in deltas_of(answer):
        making.take(delta)
    making.close(is_cut=answer.stop in {"length", "context"})
    response = begun(shown) | {"output": making.output()}
    if answer.service_tier:
        response["service_tier"] = answer.service_tier
    _, whole = ended(response, answer.stop, usage_told(answer.usage, cost_nanodollars))
    return bytes(raw_json(whole))
