"""Wording: the pieces of a reply for a client, alike in whole replies and in streams."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.redaction import strike_json
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects import seal
from kilo_gateway.dialects.answer import Stop
from kilo_gateway.dialects.conversation import Citation, Media, Vendor
from kilo_gateway.dialects.openai_chat.media import media_url
from kilo_gateway.dialects.openai_chat.schema import Raw
from kilo_gateway.dialects.openai_chat.turns import DOCUMENT_URL

_MOST_ERROR_BYTES = 65_536
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_encode = msgspec.json.Encoder().encode

# OpenAI's words for why a model stopped. What has none keeps the vendor's own in `native_finish_reason`.
_WORDS: Mapping[Stop, str] = MappingProxyType(
    {
        "stop": "stop",
        "stop_sequence": "stop",
        "pause": "stop",
        "length": "length",
        "context": "length",
        "tool_calls": "tool_calls",
        "content_filter": "content_filter",
        "refusal": "content_filter",
        "error": "error",
    }
)
# Words of OpenAI, Anthropic and Groq for the tier that served a call.
_TIERS: Mapping[str, str] = MappingProxyType(
    {
        "auto": "auto",
        "default": "default",
        "standard": "default",
        "on_demand": "default",
        "flex": "flex",
        "scale": "scale",
        "priority": "priority",
        "fast": "fast",
    }
)


def stop_word(stop: Stop | None, *, has_calls: bool, has_refusal: bool) -> str:
    """The finish reason. A refusal that is told in words has stopped as any answer does."""
    if stop is None:
        return "tool_calls" if has_calls else "stop"
    return "stop" if stop == "refusal" and has_refusal else _WORDS[stop]


def tier_of(tier: str) -> str:
    """The tier in OpenAI's words, "" if there is none."""
    return _TIERS.get(tier, "")


def annotation_of(citation: Citation, offset: int = 0) -> dict[str, Any]:
    """Where a piece of text comes from; `offset` is where its part of the text begins.

    A place in a document that has no address is told as `document:<number>`.
    """
    url = citation.url
    if not url and citation.document is not None:
        url = f"{DOCUMENT_URL}{citation.document}"
    start, end = citation.start, citation.end
    told: dict[str, Any] = {
        "url": url,
        "title": citation.title,
        "start_index": 0 if start is None else start + offset,
        "end_index": 0 if end is None else end + offset,
    }
    if citation.quote:
        told["content"] = citation.quote
    return {"type": "url_citation", "url_citation": told}


def image_of(media: Media) -> dict[str, Any]:
    """A picture that the model made, as OpenRouter gives it."""
    return {"type": "image_url", "image_url": {"url": media_url(media)}}


def sound_of(media: Media) -> dict[str, Any]:
    """A sound that the model made."""
    return {
        "id": media.file_id,
        "data": media.data,
        "expires_at": 0,
        "transcript": media.text,
    }


def call_head(ident: str, name: str, *, is_custom: bool) -> dict[str, Any]:
    """A tool call without its arguments."""
    if is_custom:
        return {"id": ident, "type": "custom", "custom": {"name": name, "input": ""}}
    return {"id": ident, "type": "function", "function": {"name": name, "arguments": ""}}


def google_extra(signature: str, vendor: Vendor) -> dict[str, Any]:
    """Gemini's place for the signature of a tool call, or of a text."""
    return {"google": {"thought_signature": seal.wrap(signature, vendor, "google")}}


def usage_of(usage: Usage, cost_nanodollars: int | None) -> dict[str, Any]:
    """The usage object. A main count that is unknown is null; a detail that is unknown is left out."""
    read, written = usage.input_tokens, usage.output_tokens
    told: dict[str, Any] = {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": (read or 0) + (written or 0),
    }
    prompt = {
        "cached_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "audio_tokens": usage.audio_input_tokens,
    }
    completion = {
        "reasoning_tokens": usage.reasoning_tokens,
        "audio_tokens": usage.audio_output_tokens,
    }
    for name, counts in (
        ("prompt_tokens_details", prompt),
        ("completion_tokens_details", completion),
    ):
        known = {key: count for key, count in counts.items() if count is not None}
        if known:
            told[name] = known
    cost = usage.cost_nanodollars if cost_nanodollars is None else cost_nanodollars
    if cost is not None:
        told["cost"] = Raw(usd_text(cost).encode())
    return told


def error_of(error: bytes) -> bytes:
    """An upstream's error object, of whichever dialect, in OpenAI's shape and without what tells of the operator's account."""
    try:
        told = msgspec.json.decode(strike_json(error)) if len(error) <= _MOST_ERROR_BYTES else None
    except _UNREADABLE:
        told = None
    if isinstance(told, dict) and isinstance(told.get("error"), dict):
        told = told["error"]
    if not isinstance(told, dict):
        told = {"message": told} if isinstance(told, str) else {}
    kept = {name: value for name, value in told.items() if name not in {"message", "type"}}
    shown = {
        "message": str(told.get("message") or "The upstream failed in the middle of its answer."),
        "type": str(told.get("type") or told.get("status") or "upstream_error"),
        "code": kept.pop("code", None),
        "param": kept.pop("param", None),
    }
    return _encode(shown | kept)
