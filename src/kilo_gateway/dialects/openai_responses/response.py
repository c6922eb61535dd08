"""The Response object as a client sees it: what it asked is repeated, as the real API does."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Stop
from kilo_gateway.dialects.conversation import is_given
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_responses.schema import UNREADABLE

_FORMAT = {"format": {"type": "text"}}
# What is repeated of the request, and what stands there if the client did not say.
_REPEATED: Mapping[str, Any] = MappingProxyType(
    {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        "temperature": 1.0,
        "text": _FORMAT,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": "disabled",
        "user": None,
        "metadata": {},
    }
)
_INCOMPLETE: Mapping[Stop | None, str] = MappingProxyType(
    {
        "length": "max_output_tokens",
        "context": "max_output_tokens",
        "content_filter": "content_filter",
    }
)


def stem_of(call_id: str) -> str:
    """What ids of a reply are made of."""
    return call_id.removeprefix("req_")


def begun(shown: Shown) -> dict[str, Any]:
    """The Response object of a reply that has begun. Nothing is stored here, whatever was asked."""
    request = shown.request
    repeated = {
        name: request[name] if name in request and is_given(request[name]) else usual
        for name, usual in _REPEATED.items()
    }
    if repeated["text"] is not _FORMAT:
        repeated["text"] = _with_format(request["text"])
    return {
        "id": f"resp_{stem_of(shown.call_id)}",
        "object": "response",
        "created_at": shown.created,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": shown.model,
        "output": [],
        **repeated,
        "service_tier": "default",
        "store": False,
        "usage": None,
    }


def _with_format(raw: msgspec.Raw) -> Any:
    try:
        text = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except UNREADABLE:
        return raw
    return _FORMAT | {name: value for name, value in text.items() if is_given(value)}


def ended(
    response: dict[str, Any], stop: Stop | None, usage: dict[str, Any] | None
) -> tuple[str, dict[str, Any]]:
    """The status that an answer ends with, and the whole object."""
    reason = _INCOMPLETE.get(stop)
    if stop == "refusal" and not _refuses(response["output"]):
        reason = "content_filter"
    status = "incomplete" if reason else "completed"
    details = {"reason": reason} if reason else None
    at = response["created_at"] if status == "completed" else None
    told = {
        "status": status,
        "completed_at": at,
        "incomplete_details": details,
        "usage": usage,
    }
    return status, response | told


def _refuses(output: list[Any]) -> bool:
    return any(
        part["type"] == "refusal"
        for item in output
        if isinstance(item, dict) and item["type"] == "message"
        for part in item["content"]
    )


def usage_of(usage: Usage, cost_nanodollars: int | None) -> dict[str, Any] | None:
    """The usage object, null if nothing is known. This API has no place for what is unknown in it: it says 0."""
    if not usage.is_known:
        return None
    read, made = usage.input_tokens or 0, usage.output_tokens or 0
    details = {"cached_tokens": usage.cache_read_tokens or 0}
    made_details = {"reasoning_tokens": usage.reasoning_tokens or 0}
    for told, name, count in (
        (details, "cache_write_tokens", usage.cache_write_tokens),
        (details, "audio_tokens", usage.audio_input_tokens),
        (made_details, "audio_tokens", usage.audio_output_tokens),
    ):
        if count is not None:
            told[name] = count
    told_usage: dict[str, Any] = {
        "input_tokens": read,
        "input_tokens_details": details,
        "output_tokens": made,
        "output_tokens_details": made_details,
        "total_tokens": read + made,
    }
    cost = usage.cost_nanodollars if cost_nanodollars is None else cost_nanodollars
    if cost is not None:
        told_usage["cost"] = msgspec.Raw(usd_text(cost).encode())
    return told_usage
