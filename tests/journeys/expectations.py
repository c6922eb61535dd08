"""What a client must get of a recorded reply, and what the ledger must know of it. Nothing here uses the gateway's code.

The client must get the recorded reply byte for byte, except for these rules:

    usage     the chunk that only carries usage is not shown to a client that did not ask for it
    done      `data: [DONE]` is added where the upstream ended well without it, and after an error
    dropped   what follows [DONE] or an error is not passed on
    closed    the blank line of a last event is added
    bom       a byte order mark is removed
    fault     an error before anything was sent is answered as an HTTP error
    refused   the recorded request is no request of our wire format, or is for a model that does not serve it (the vendor
              refused that too): the gateway says so, naming the field, without asking upstream
    error     the upstream's error status becomes the gateway's answer (see `FAULTS`)
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tests.journeys.replay import EVENT, Exchange

DONE = b"data: [DONE]\n\n"
_BOM = b"\xef\xbb\xbf"


@dataclass
class Expected:
    """What the client must get: a stream's bytes, or (`is_fault`) an HTTP error with some status of `statuses`."""

    body: bytes = b""
    rules: set[str] = field(default_factory=set)
    is_fault: bool = False
    may_be_fault: bool = False
    is_cut: bool = False
    statuses: tuple[int, ...] = (200,)


@dataclass
class Event:
    """One event of a recorded stream: its bytes, name, and data (None for a comment)."""

    raw: bytes
    name: str = ""
    data: bytes | None = None

    @property
    def value(self) -> dict[str, Any]:
        """Its data as a JSON object; empty if it is none."""
        try:
            value = json.loads(self.data or b"")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def is_done(self) -> bool:
        return self.data is not None and self.data.strip() == b"[DONE]"

    @property
    def is_error(self) -> bool:
        return self.name == "error" or bool(self.value.get("error"))


def events(body: bytes) -> Iterator[Event]:
    """The events of a recorded stream; the last one may lack its blank line."""
    body = body.removeprefix(_BOM)
    end = 0
    for found in EVENT.finditer(body):
        end = found.end()
        yield _event(found[0])
    if body[end:].strip():
        yield _event(body[end:])


def _event(raw: bytes) -> Event:
    event = Event(raw)
    data = []
    for line in re.split(rb"\r\n|\n|\r", raw):
        name, _, value = line.partition(b":")
        if name == b"data":
            data.append(value.removeprefix(b" "))
        elif name == b"event":
            event.name = value.strip().decode()
    event.data = b"\n".join(data) if data else None
    return event


def expected_answer(exchange: Exchange) -> Expected:
    """What the client must get, however upstream cuts its reply."""
    if exchange.status >= 400:
        return Expected(rules={"error"}, is_fault=True, statuses=FAULTS[exchange.status])
    if exchange.is_streamed:
        expected = expected_stream(exchange)
        expected.statuses = tuple(range(400, 600)) if expected.is_fault else (200,)
        return expected
    value = json.loads(exchange.reply)
    if value.get("error") and not value.get("choices"):
        return Expected(rules={"fault"}, is_fault=True, statuses=tuple(range(400, 600)))
    return Expected(exchange.reply)


def expected_stream(exchange: Exchange) -> Expected:
    """What the client must get of a recorded stream."""
    told = list(events(exchange.reply))
    expected = Expected()
    kept: list[bytes] = []
    finishes = has_ended = False
    if exchange.reply.startswith(_BOM):
        expected.rules.add("bom")
    for place, event in enumerate(told):
        value = event.value
        finishes = finishes or any(c.get("finish_reason") for c in value.get("choices") or ())
        finishes = finishes or usage_of(value, exchange.file) is not None
        if event.is_error:
            expected.is_fault = all(before.data is None for before in told[:place])
            expected.may_be_fault = True
        if _is_only_usage(value) and not exchange.wants_usage and not event.is_error:
            expected.rules.add("usage")
        else:
            kept.append(event.raw)
        if event.is_done or event.is_error:
            has_ended = True
            if place < len(told) - 1:
                expected.rules.add("dropped")
            break
    body = b"".join(kept)
    if body and not EVENT.fullmatch(kept[-1]):
        expected.rules.add("closed")
        body = body.rstrip(b"\r\n") + b"\n\n"
    if not has_ended or told[-1].is_error or expected.may_be_fault:
        expected.rules.add("done")
        body += DONE
    expected.is_cut = not has_ended and not finishes
    expected.body = body
    return expected


def _is_only_usage(value: dict[str, Any]) -> bool:
    return value.get("choices") == [] and bool(value.get("usage"))


# An upstream's error status -> the statuses that a client may get for it. Keys that upstream refuses and credit that it
# lacks are the operator's trouble (502, 503), models that it has not are 404, what the caller did wrong keeps its status.
FAULTS: dict[int, tuple[int, ...]] = {
    400: (400, 404, 502),
    401: (502,),
    403: (404, 400, 502),
    404: (404, 400),
    422: (422,),
    429: (429,),
}

USAGE = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "upstream_cost_nanodollars",
)
NO_USAGE: dict[str, int | None] = dict.fromkeys(USAGE)
_READ = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens", "cache_read_input_tokens")


def told_usage(exchange: Exchange) -> dict[str, int | None]:
    """What the reply says was used, by the ledger's columns: of a stream the last that it says."""
    if exchange.status >= 400:
        return NO_USAGE
    if not exchange.is_streamed:
        return usage_of(json.loads(exchange.reply), exchange.file) or NO_USAGE
    usage = NO_USAGE
    for event in events(exchange.reply):
        if event.is_done:
            break
        usage = usage_of(event.value, exchange.file) or usage
        if event.is_error:
            break
    return usage


def usage_of(value: dict[str, Any], file: str) -> dict[str, int | None] | None:
    """The usage that one JSON object tells; None if it tells no count of tokens."""
    told = value.get("usage") or (value.get("x_groq") or {}).get("usage") or {}
    prompt, output = _whole(told.get("prompt_tokens")), _whole(told.get("completion_tokens"))
    total = _whole(told.get("total_tokens"))
    if file == "embeddings" and told:
        output = output or 0
    if prompt is None and total is not None and output is not None:
        prompt = total - output
    if prompt is None and output is None:
        return None
    into = told.get("prompt_tokens_details") or {}
    out = told.get("completion_tokens_details") or {}
    reasoning = _first(out.get("reasoning_tokens"), told.get("reasoning_tokens"))
    if reasoning and output is not None and prompt is not None and total is not None:
        # xAI counts reasoning beside completion_tokens; everybody else inside
        output += reasoning if prompt + output + reasoning == total else 0
    return {
        "input_tokens": prompt,
        "output_tokens": output,
        "cache_read_tokens": _first(into.get("cached_tokens"), *(told.get(name) for name in _READ)),
        "cache_write_tokens": _first(
            into.get("cache_write_tokens"),
            into.get("cache_creation_tokens"),
            told.get("cache_creation_input_tokens"),
        ),
        "reasoning_tokens": reasoning,
        "audio_input_tokens": _whole(into.get("audio_tokens")),
        "audio_output_tokens": _whole(out.get("audio_tokens")),
        "upstream_cost_nanodollars": _cost(told),
    }


def _whole(number: object) -> int | None:
    return int(number) if isinstance(number, int | float) else None


def _first(*numbers: object) -> int | None:
    return next((_whole(number) for number in numbers if number is not None), None)


def _cost(told: dict[str, Any]) -> int | None:
    """Nanodollars: OpenRouter's `cost` (with a key of one's own: what the vendor behind it took), Perplexity's table,
    xAI's ticks of a ten thousand millionth."""
    if "cost_in_usd_ticks" in told:
        return int(told["cost_in_usd_ticks"]) // 10
    cost = told.get("cost")
    if told.get("is_byok") and told.get("cost_details"):
        cost = told["cost_details"].get("upstream_inference_cost")
    elif isinstance(cost, dict):
        cost = cost.get("total_cost")
    if cost is None:
        return None
    return int((Decimal(repr(cost)) * 10**9).to_integral_value("ROUND_HALF_UP"))
