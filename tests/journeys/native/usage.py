"""What a recorded reply says was used, by the ledger's columns, in the dialects that are not Chat. Nothing here uses the gateway's code.

Usage is inclusive: input holds what a cache gave or took, output holds thoughts.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from tests.journeys.expectations import NO_USAGE, events
from tests.journeys.replay import Exchange

Usage = dict[str, int | None]
# Events that end a stream. Gemini has none.
ENDS = {
    "message_stop",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "error",
}


def objects(exchange: Exchange) -> Iterator[dict[str, Any]]:
    """The JSON objects of a reply: itself, or its events to the end."""
    if exchange.status >= 400:
        return
    if exchange.is_streamed:
        for event in events(exchange.reply):
            yield event.value
            if event.value.get("type") in ENDS:
                return
    else:
        yield json.loads(exchange.reply)


def of_messages(exchange: Exchange) -> Usage:
    """Anthropic: what the start of a stream tells holds until its end tells otherwise."""
    told: dict[str, Any] = {}
    for value in objects(exchange):
        later = (value.get("message") or value).get("usage") or {}
        told |= {name: one for name, one in later.items() if one is not None}
    if "output_tokens" not in told:
        return NO_USAGE
    read, written = told.get("cache_read_input_tokens"), told.get("cache_creation_input_tokens")
    # Summing up a long conversation is billed beside the answer.
    rows = [told, *(row for row in told.get("iterations") or () if row["type"] == "compaction")]
    thought = told.get("output_tokens_details") or {}
    return NO_USAGE | {
        "input_tokens": sum(
            row["input_tokens"]
            + (row.get("cache_read_input_tokens") or 0)
            + (row.get("cache_creation_input_tokens") or 0)
            for row in rows
        ),
        "output_tokens": sum(row["output_tokens"] for row in rows),
        "cache_read_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": thought.get("thinking_tokens"),
    }


def of_responses(exchange: Exchange) -> Usage:
    """OpenAI and those that speak like it; xAI tells its price in ticks, OpenRouter in dollars."""
    told: dict[str, Any] = {}
    for value in objects(exchange):
        told = (value.get("response") or value).get("usage") or told
    if not told:
        return NO_USAGE
    into, out = told.get("input_tokens_details") or {}, told.get("output_tokens_details") or {}
    cost = told.get("cost")
    if "cost_in_usd_ticks" in told:
        cost = Decimal(told["cost_in_usd_ticks"]) / 10**10
    elif told.get("is_byok"):
        cost = told["cost_details"]["upstream_inference_cost"]
    return {
        "input_tokens": told["input_tokens"],
        "output_tokens": told["total_tokens"] - told["input_tokens"],
        "cache_read_tokens": into.get("cached_tokens"),
        "cache_write_tokens": into.get("cache_write_tokens"),
        "reasoning_tokens": out.get("reasoning_tokens"),
        "audio_input_tokens": into.get("audio_tokens"),
        "audio_output_tokens": out.get("audio_tokens"),
        "upstream_cost_nanodollars": None if cost is None else _nanodollars(cost),
    }


def _nanodollars(cost: object) -> int:
    return int((Decimal(str(cost)) * 10**9).to_integral_value("ROUND_HALF_UP"))


def of_gemini(exchange: Exchange) -> Usage:
    """Google: a stream's last count is that of all of it; what is no input is output. A count of 0 is not written."""
    told: dict[str, Any] = {}
    for value in objects(exchange):
        told = value.get("usageMetadata") or told
    into = (told.get("promptTokenCount") or 0) + (told.get("toolUsePromptTokenCount") or 0)
    out = told.get("candidatesTokenCount") or 0
    rest = told.get("totalTokenCount", 0) - into
    # The total tells whether thoughts stand beside the answer. Two made-up replies tell less than their parts.
    out = rest if rest >= out else out + (told.get("thoughtsTokenCount") or 0)
    if not out and not into:
        return NO_USAGE
    return NO_USAGE | {
        "input_tokens": into if "totalTokenCount" in told else None,
        "output_tokens": out,
        "cache_read_tokens": told.get("cachedContentTokenCount"),
        "reasoning_tokens": told.get("thoughtsTokenCount"),
        "audio_input_tokens": _audio(told.get("promptTokensDetails")),
        "audio_output_tokens": _audio(told.get("candidatesTokensDetails")),
    }


def _audio(details: list[dict[str, Any]] | None) -> int | None:
    return next((row["tokenCount"] for row in details or () if row["modality"] == "AUDIO"), None)
