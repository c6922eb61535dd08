"""The Response object as a client sees it: what it asked is repeated, as the real API does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from kilo_gateway.core.money import usd_text
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Stop
from kilo_gateway.dialects.conversation import is_given
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_responses.schema import FIELDS, UNREADABLE, Head, decode_leniently

_FORMAT = {"format": {"type": "text"}}
_SCHEMA_FORMAT = {"description": None, "strict": None}
_REASONING = {"effort": None, "summary": None}
_FUNCTION = {"description": None, "parameters": None, "strict": True}
_TOOLS = msgspec.json.Decoder(list[msgspec.Raw])
_HEAD = msgspec.json.Decoder(Head)
# What is repeated of the request, and what stands there if the client did not say.
_REPEATED: Mapping[str, Any] = MappingProxyType(
    {
        "instructions": None,
        "max_output_tokens": None,
        "max_tool_calls": None,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": _REASONING,
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
    for name, complete in _COMPLETED.items():
        if name in request and is_given(request[name]):
            repeated[name] = complete(request[name])
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


def _with(usual: Mapping[str, Any], raw: msgspec.Raw) -> Any:
    """An object of the client's, with null or the usual value for what it left out."""
    try:
        return {**usual, **FIELDS.decode(raw)}
    except UNREADABLE:
        return raw


def _with_format(raw: msgspec.Raw) -> Any:
    text = _with(_FORMAT, raw)
    form = text["format"] if isinstance(text, dict) else None
    if isinstance(form, msgspec.Raw):
        is_schema = b'"json_schema"' in bytes(form)
        text["format"] = _with(_SCHEMA_FORMAT, form) if is_schema else form
    return text


def _with_reasoning(raw: msgspec.Raw) -> Any:
    return _with(_REASONING, raw)


def _with_strict(raw: msgspec.Raw) -> Any:
    """Tools; for this API a function is strict unless the client said otherwise."""
    try:
        tools = _TOOLS.decode(raw)
    except UNREADABLE:
        return raw
    return [_with(_FUNCTION, tool) if _is_function(tool) else tool for tool in tools]


def _is_function(tool: msgspec.Raw) -> bool:
    head = decode_leniently(_HEAD, tool)
    return head is not None and head.type == "function"


# What is repeated with all its members, as the real API does.
_COMPLETED: Mapping[str, Callable[[msgspec.Raw], Any]] = MappingProxyType(
    {"text": _with_format, "reasoning": _with_reasoning, "tools": _with_strict}
)


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
    details = {
        "cached_tokens": usage.cache_read_tokens or 0,
        "cache_write_tokens": usage.cache_write_tokens or 0,
    }
    made_details = {"reasoning_tokens": usage.reasoning_tokens or 0}
    for told, name, count in (
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
