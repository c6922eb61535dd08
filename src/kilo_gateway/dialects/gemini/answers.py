"""Whole replies: Google's as an Answer, and an Answer as Google's.

A foreign part finds its place, or none: a refusal's words are text, a mark of another vendor stands wrapped in `thoughtSignature`
(`marks`), free text for a custom tool is the member `input`, sources are grounding metadata.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer, Stop, collect
from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.gemini import likelihoods, marks
from kilo_gateway.dialects.gemini.deltas import Turns, decoded
from kilo_gateway.dialects.gemini.grounding import Sources
from kilo_gateway.dialects.gemini.parts import Written, written_arguments, written_media
from kilo_gateway.dialects.hub import Shown

_WORDS: dict[Stop, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "context": "MAX_TOKENS",
    "tool_calls": "STOP",
    "pause": "STOP",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "error": "OTHER",
}


def read_answer(body: bytes) -> Answer | None:
    """A whole reply with status 200; None if it is none, or an error in spite of its status."""
    chunk = decoded(body)
    if chunk is None or (not chunk.candidates and chunk.prompt_feedback is None):
        return None
    turns = Turns()
    deltas = [*turns.chunk(chunk), *turns.end()]
    return None if turns.has_failed else collect(deltas)


def write_answer(answer: Answer, shown: Shown, cost_nanodollars: int | None = None) -> bytes:
    """A whole reply for a client."""
    parts = [one for part in answer.parts for one in written_part(part)]
    candidate = candidate_of(parts)
    candidate["finishReason"] = stop_word(answer.stop)
    candidate |= likelihoods.written(answer.logprobs)
    metadata = _sources(answer.parts).metadata()
    if metadata:
        candidate["groundingMetadata"] = metadata
    reply = {
        "candidates": [candidate],
        "usageMetadata": wire_usage_of(answer.usage, cost_nanodollars),
        **identity_of(answer.id, answer.model, shown),
    }
    return msgspec.json.encode(reply)


def _sources(parts: Iterable[Part]) -> Sources:
    sources = Sources()
    for part in parts:
        if isinstance(part, Text | Refusal):
            sources.text(part.text, begins=True)
        for citation in part.citations if isinstance(part, Text) else ():
            sources.cite(citation)
    return sources


def identity_of(ident: str, model: str, shown: Shown) -> Written:
    """Which reply this is, and whose."""
    return {"modelVersion": model or shown.model, "responseId": ident or shown.call_id}


def candidate_of(parts: list[Any]) -> Written:
    """The one answer."""
    return {"content": {"parts": parts, "role": "model"}, "index": 0}


def stop_word(stop: Stop | None) -> str:
    """Google's word."""
    return _WORDS[stop] if stop is not None else "STOP"


def written_part(part: Part) -> Iterator[Written | msgspec.Raw]:
    """A part of an answer as parts of this wire."""
    match part:
        case Text():
            yield _signed({"text": part.text}, part.signature, part)
        case Thinking():
            yield _signed({"text": part.text, "thought": True}, part.signature, part)
        case SealedThinking():
            mark = marks.written(part.data, part.vendor, is_sealed=True)
            yield {"text": "", "thoughtSignature": mark}
        case ToolCall():
            yield written_call(part)
        case Refusal():
            yield {"text": part.text}
        case Media():
            yield _signed(written_media(part), part.signature, part)
        case Opaque() if part.dialect == "gemini":
            yield part.raw
        case _:
            return


def written_call(call: ToolCall) -> Written:
    """A call with its arguments, which are an object on this wire."""
    if call.is_custom:
        arguments = msgspec.Raw(msgspec.json.encode({"input": call.arguments}))
    else:
        arguments = written_arguments(call.arguments)
    function: Written = {"id": call.id, "name": call.name, "args": arguments}
    return _signed({"functionCall": function}, call.signature, call)


def _signed(written: Written, signature: str, part: Text | Thinking | ToolCall | Media) -> Written:
    if signature:
        written["thoughtSignature"] = marks.written(signature, part.vendor)
    return written


def wire_usage_of(usage: Usage, cost_nanodollars: int | None) -> Written:
    """Counts in Google's words; thoughts stand beside the answer, unknown ones are left out."""
    given, output, thoughts = usage.input_tokens, usage.output_tokens, usage.reasoning_tokens
    # Servers that count what the cache gave or took, or thoughts, beside the rest: here they are inside.
    if given is not None:
        given = max(given, (usage.cache_read_tokens or 0) + (usage.cache_write_tokens or 0))
    if output is not None and thoughts is not None:
        thoughts = min(thoughts, output)
    told: dict[str, int | None] = {
        "promptTokenCount": given,
        "candidatesTokenCount": None if output is None else max(0, output - (thoughts or 0)),
        "thoughtsTokenCount": thoughts or None,
        "cachedContentTokenCount": usage.cache_read_tokens or None,
        "totalTokenCount": None if given is None or output is None else given + output,
    }
    written: Written = {name: count for name, count in told.items() if count is not None}
    details = [
        (name, count)
        for name, count in (
            ("promptTokensDetails", usage.audio_input_tokens),
            ("candidatesTokensDetails", usage.audio_output_tokens),
        )
        if count
    ]
    written |= {name: [{"modality": "AUDIO", "tokenCount": count}] for name, count in details}
    if cost_nanodollars is not None:
        written["cost"] = msgspec.Raw(usd_text(cost_nanodollars).encode())
    return written
