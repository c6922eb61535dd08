"""Whole replies: a Converse response as an Answer, and an Answer as such a response.

`metrics` is required and ours to make up: how long the model took is told in `Server-Timing`, here it is 0.
"""

from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer, Stop
from kilo_gateway.dialects.bedrock.blocks import Blocks
from kilo_gateway.dialects.bedrock.replies import REPLY, usage_of
from kilo_gateway.dialects.bedrock.schema import Raw, fitted
from kilo_gateway.dialects.bedrock.turns import answer_blocks
from kilo_gateway.dialects.conversation import ToolCall
from kilo_gateway.dialects.hub import Shown

_STOPS: dict[str, Stop] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "model_context_window_exceeded": "context",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
}
_WORDS: dict[Stop, str] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "context": "model_context_window_exceeded",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
    "pause": "end_turn",
    "error": "malformed_model_output",
}
METRICS = {"latencyMs": 0}
_TIERS = frozenset({"priority", "default", "flex", "reserved"})


def stop_of(word: str | None) -> Stop | None:
    """Why the model stopped; a new word is an end like any other."""
    return _STOPS.get(word, "stop") if word else None


def read_answer(body: bytes) -> Answer | None:
    """A whole reply with status 200; None if it is no response of Converse."""
    reply = fitted(body, REPLY)
    if reply is None or reply.output is None or reply.output.message is None:
        return None
    tier = reply.service_tier
    return Answer(
        Blocks(is_lenient=True).parts(reply.output.message.content, "content"),
        stop_of(reply.stop_reason),
        usage_of(reply.usage),
        raw_stop=reply.stop_reason or "",
        service_tier=(tier.type if tier is not None else None) or "",
    )


def write_answer(answer: Answer, _shown: Shown, cost_nanodollars: int | None = None) -> bytes:
    """A whole reply for a client."""
    has_calls = any(isinstance(part, ToolCall) for part in answer.parts)
    body: dict[str, Any] = {
        "metrics": METRICS,
        "output": {"message": {"content": list(answer_blocks(answer)), "role": "assistant"}},
        "stopReason": stop_word(answer.stop, answer.raw_stop, has_calls=has_calls),
        "usage": wire_usage_of(answer.usage, cost_nanodollars),
    }
    if answer.service_tier in _TIERS:
        body["serviceTier"] = {"type": answer.service_tier}
    return msgspec.json.encode(body)


def stop_word(stop: Stop | None, raw: str, *, has_calls: bool) -> str:
    """The service's word: `raw` if it is one of them. Some servers say "stop" beside tool calls, which a client would then not run."""
    if has_calls and stop in {None, "stop"}:
        return "tool_use"
    if raw in _STOPS and _STOPS[raw] == stop:
        return raw
    return _WORDS[stop] if stop is not None else "end_turn"


def wire_usage_of(usage: Usage, cost_nanodollars: int | None = None) -> dict[str, Any]:
    """`usage` as clients read it. The three main counts must be there: what is unknown is 0 in them alone."""
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    count, output = usage.input_tokens or 0, usage.output_tokens or 0
    told: dict[str, Any] = {
        "inputTokens": max(0, count - (read or 0) - (written or 0)),
        "outputTokens": output,
        "totalTokens": count + output,
    }
    if read is not None:
        told["cacheReadInputTokens"] = read
    if written is not None:
        told["cacheWriteInputTokens"] = written
    hour = usage.cache_write_1h_tokens
    if hour is not None:
        told["cacheDetails"] = [
            {"ttl": "5m", "inputTokens": max(0, (written or 0) - hour)},
            {"ttl": "1h", "inputTokens": hour},
        ]
    if cost_nanodollars is not None:
        told["cost"] = Raw(usd_text(cost_nanodollars).encode())
    return told
