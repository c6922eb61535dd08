"""What the tests of this dialect share: the vendor's own schema, usage read by hand, and streams cut to pieces."""

import json
from functools import cache

import jsonschema
import msgspec

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.answer import Answer
from kilo_gateway.dialects.hub import Shown, Target
from tests.dialects.recordings import TRAFFIC

SCHEMA = TRAFFIC.parent / "specs" / "anthropic" / "anthropic-sdk-python-2.12.0.schema.json"
SHOWN = Shown(call_id="req_1", model="claude/asked", created=1_760_000_000)
CLAUDE = Target("claude-sonnet-4-5", reads_thinking="anthropic")
ADAPTIVE = Target("claude-opus-5", reads_thinking="anthropic")
OTHER = Target("deepseek-chat")


@cache
def _validator(root):
    told = json.loads(SCHEMA.read_text())
    return jsonschema.Draft202012Validator({**told["roots"][root], "$defs": told["$defs"]})


def checked(root, value):
    """The value is what the vendor's SDK takes for one of its types; nothing is checked where the schema is absent."""
    if SCHEMA.is_file():
        problems = [error.message[:300] for error in _validator(root).iter_errors(value)]
        assert not problems, problems


def events_in(wire):
    """The data of a stream's events. Each has the name of its type."""
    found = []
    for block in wire.decode().split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


def usage_by_hand(usage):
    """(input, output, cache read, cache write, 1 h) of the wire's usage object, or of ours."""
    if isinstance(usage, Usage):
        return (
            usage.input_tokens,
            usage.output_tokens,
            usage.cache_read_tokens or 0,
            usage.cache_write_tokens or 0,
            usage.cache_write_1h_tokens or 0,
        )
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    hour = (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
    extra = [one for one in usage.get("iterations") or [] if one["type"] == "compaction"]
    return (
        usage["input_tokens"] + read + written + sum(one["input_tokens"] for one in extra),
        usage["output_tokens"] + sum(one["output_tokens"] for one in extra),
        read,
        written,
        hour,
    )


def told(answer: Answer) -> Answer:
    """An answer without what no writer tells again: the raw bytes of its usage."""
    usage = msgspec.structs.replace(answer.usage, raw=b"", cost_nanodollars=None)
    return msgspec.structs.replace(answer, usage=usage)


def first_message(reply: bytes) -> bytes:
    """A recorded stream up to its end: some fixtures hold the streams of several turns, one behind the other."""
    at = reply.index(b'"message_stop"')
    return reply[: reply.index(b"\n\n", at) + 2] if b"\n\n" in reply[at:] else reply
