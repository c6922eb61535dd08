"""Whole replies: Anthropic's message as an Answer, and an Answer as such a message.

A foreign part finds its place, or none: a refusal's words are text; media that a model made is a link in Markdown; a citation from
the web is `web_search_result_location`, one of a document `char_location` over its quote. Marks on text and calls have none.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer, Stop
from kilo_gateway.dialects.anthropic_messages.blocks import Blocks
from kilo_gateway.dialects.anthropic_messages.replies import REPLY, usage_of, wire_usage
from kilo_gateway.dialects.anthropic_messages.schema import NAME, Raw, Reply, fitted, is_nothing
from kilo_gateway.dialects.anthropic_messages.turns import input_of
from kilo_gateway.dialects.conversation import (
    Citation,
    Media,
    Opaque,
    Part,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    Vendor,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.seal import wrap

_STOPS: dict[str, Stop] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "compaction": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
}
_WORDS: dict[Stop, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "pause": "pause_turn",
    "content_filter": "refusal",
    "refusal": "refusal",
    "error": "end_turn",
}
_TIERS = {"standard", "priority", "batch"}


def vendor_of(model: str | None) -> Vendor:
    """Whose signatures a reply holds: other vendors' models stand behind this dialect, too."""
    return "anthropic" if not model or "claude" in model.lower() else ""


def stop_of(word: str | None) -> Stop | None:
    """Why the model stopped; a new word is an end like any other."""
    return _STOPS.get(word, "stop") if word else None


def read_answer(body: bytes) -> Answer | None:
    """A whole reply with status 200; None if it is no message."""
    reply = fitted(body, REPLY)
    if reply is None or is_nothing(reply.content):
        return None
    parts = Blocks(vendor_of(reply.model), is_lenient=True).parts(reply.content, "content")
    wire = wire_usage(reply.usage)
    return Answer(
        (*parts, *explained(reply)),
        stop_of(reply.stop_reason),
        usage_of(reply.usage),
        reply.id or "",
        reply.model or "",
        raw_stop=reply.stop_reason or "",
        stop_sequence=reply.stop_sequence or "",
        service_tier=(wire.service_tier if wire is not None else None) or "",
    )


def explained(reply: Reply) -> Iterator[Refusal]:
    """Why the API declined, if it tells."""
    if reply.stop_details is not None and reply.stop_details.explanation:
        yield Refusal(reply.stop_details.explanation)


def write_answer(answer: Answer, shown: Shown, cost_nanodollars: int | None = None) -> bytes:
    """A whole reply for a client."""
    has_calls = any(isinstance(part, ToolCall) for part in answer.parts)
    message = message_of(answer.id, answer.model, shown)
    message["content"] = [block for part in answer.parts for block in _blocks(part)]
    message["stop_reason"] = stop_word(answer.stop, has_calls=has_calls)
    message["stop_sequence"] = answer.stop_sequence or None
    message["usage"] = wire_usage_of(answer.usage, cost_nanodollars, answer.service_tier)
    return msgspec.json.encode(message)


def message_of(ident: str, model: str, shown: Shown) -> dict[str, Any]:
    """A message that holds nothing yet."""
    return {
        "id": ident or f"msg_{shown.call_id}",
        "type": "message",
        "role": "assistant",
        "model": model or shown.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
    }


def stop_word(stop: Stop | None, *, has_calls: bool) -> str | None:
    """Anthropic's word. Some servers say "stop" beside tool calls, which a client would then not run."""
    if has_calls and stop in {None, "stop"}:
        return "tool_use"
    return _WORDS[stop] if stop is not None else "end_turn"


def wire_usage_of(
    usage: Usage, cost_nanodollars: int | None = None, service_tier: str = ""
) -> dict[str, Any]:
    """`usage` as clients read it. The two main counts must be there: what is unknown is 0 in them alone."""
    read, written = usage.cache_read_tokens, usage.cache_write_tokens
    told: dict[str, Any] = {
        "input_tokens": max(0, (usage.input_tokens or 0) - (read or 0) - (written or 0)),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_tokens or 0,
    }
    hour = usage.cache_write_1h_tokens
    if hour is not None:
        told["cache_creation"] = {
            "ephemeral_5m_input_tokens": max(0, (written or 0) - hour),
            "ephemeral_1h_input_tokens": hour,
        }
    if usage.reasoning_tokens is not None:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    if service_tier in _TIERS:
        told["service_tier"] = service_tier
    if cost_nanodollars is not None:
        told["cost"] = Raw(usd_text(cost_nanodollars).encode())
    return told


def _blocks(part: Part) -> Iterator[dict[str, Any] | Raw]:
    match part:
        case Text():
            block: dict[str, Any] = {"type": "text", "text": part.text}
            if part.citations:
                block["citations"] = [wire_citation(one) for one in part.citations]
            yield block
        case Refusal():
            yield {"type": "text", "text": part.text}
        case Thinking():
            mark = wrap(part.signature, part.vendor, "anthropic")
            yield {"type": "thinking", "thinking": part.text, "signature": mark}
        case SealedThinking():
            yield {"type": "redacted_thinking", "data": wrap(part.data, part.vendor, "anthropic")}
        case ToolCall():
            yield {"type": "tool_use", "id": part.id, "name": part.name, "input": input_of(part)}
        case Media():
            yield {"type": "text", "text": link_of(part)}
        case Opaque():
            if part.dialect == NAME:
                yield part.raw
        case _:
            pass  # a tool's result is nothing that a model answers with


def link_of(media: Media) -> str:
    """What a model made, as Markdown that shows it."""
    address = media.url or f"data:{media.media_type};base64,{media.data}"
    if media.kind == "image":
        return f"![{media.name or 'image'}]({address})"
    return media.text or f"[{media.name or media.kind}]({address})"


def wire_citation(citation: Citation) -> Raw | dict[str, Any]:
    """Anthropic's own as it came; of another dialect's what can be told."""
    if citation.dialect == NAME and not is_nothing(citation.raw):
        return citation.raw
    if citation.url or citation.document is None:
        return {
            "type": "web_search_result_location",
            "url": citation.url,
            "title": citation.title or None,
            "cited_text": citation.quote,
            "encrypted_index": "",
        }
    return {
        "type": "char_location",
        "document_index": citation.document,
        "document_title": citation.title or None,
        "cited_text": citation.quote,
        "start_char_index": 0,
        "end_char_index": len(citation.quote),
    }
