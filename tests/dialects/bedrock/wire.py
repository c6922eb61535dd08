"""What the tests of this dialect share: the service's own model as a schema, usage read by hand, frames taken apart."""

import json
from functools import cache

import jsonschema
import msgspec

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.conversation import Opaque, Text
from kilo_gateway.dialects.frames import Frames
from kilo_gateway.dialects.hub import Shown, Target
from tests.dialects.recordings import TRAFFIC

MODEL = TRAFFIC.parent / "specs" / "bedrock" / "bedrock-runtime-2023-09-30.service-2.json"
SHOWN = Shown(call_id="req_1", model="bedrock/asked", created=1_760_000_000)
CLAUDE = Target("us.anthropic.claude-sonnet-4-5-20250929-v1:0", reads_thinking="anthropic")
ADAPTIVE = Target("us.anthropic.claude-opus-4-8", reads_thinking="anthropic")
NOVA = Target("us.amazon.nova-2-lite-v1:0")
OTHER = Target("us.meta.llama4-maverick-17b-instruct-v1:0")
_PLAIN = {
    "string": "string",
    "boolean": "boolean",
    "integer": "integer",
    "long": "integer",
    "blob": "string",
}


@cache
def _shapes():
    return json.loads(MODEL.read_text())["shapes"]


@cache
def _schema(name):
    """One shape of the service's model as a JSON Schema; members that it does not name are allowed nowhere but in usage."""
    shape = _shapes()[name]
    kind = shape["type"]
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]} | ({"enum": shape["enum"]} if "enum" in shape else {})
    if kind in {"float", "double"}:
        return {"type": "number"}
    if kind == "list":
        return {"type": "array", "items": _schema(shape["member"]["shape"])}
    if kind == "map":
        return {"type": "object", "additionalProperties": _schema(shape["value"]["shape"])}
    if shape.get("document"):
        return {}
    members = {
        key: _schema(row["shape"])
        for key, row in shape["members"].items()
        if row["shape"] not in {"GuardrailTraceAssessment", "GuardrailConverseContentBlock"}
    }
    needed = [key for key in shape.get("required", []) if "location" not in shape["members"][key]]
    limits = {"maxProperties": 1, "minProperties": 1} if shape.get("union") else {}
    open_too = {"additionalProperties": name == "TokenUsage"}
    return {"type": "object", "properties": members, "required": needed} | limits | open_too


def checked(name, value):
    """The value is what the service's model says of one of its shapes; nothing is checked where the model is absent."""
    if MODEL.is_file():
        problems = [
            f"{error.json_path}: {error.message[:300]}"
            for error in jsonschema.Draft202012Validator(_schema(name)).iter_errors(value)
        ]
        assert not problems, problems


def frames_in(wire):
    """The events of a stream, (type, payload) each; each is as the service's model says."""
    frames = Frames()
    found = [(frame, json.loads(frame.payload)) for frame in frames.feed(wire)]
    assert not frames.held_bytes
    for frame, payload in found:
        checked("ConverseStreamOutput", {frame.event: payload})
    return [(frame.event, payload) for frame, payload in found]


def usage_by_hand(usage):
    """(input, output, cache read, cache write, 1 h) of the wire's usage object, or of ours."""
    if isinstance(usage, Usage):
        return (
            usage.input_tokens or 0,
            usage.output_tokens or 0,
            usage.cache_read_tokens or 0,
            usage.cache_write_tokens or 0,
            usage.cache_write_1h_tokens or 0,
        )
    read, written = usage.get("cacheReadInputTokens", 0), usage.get("cacheWriteInputTokens", 0)
    hour = sum(one["inputTokens"] for one in usage.get("cacheDetails", []) if one["ttl"] == "1h")
    return (
        usage.get("inputTokens", 0) + read + written,
        usage["outputTokens"],
        read,
        written,
        hour,
    )


def told_usage(recording):
    """The usage that a recorded reply holds."""
    if not recording.is_stream:
        return json.loads(recording.reply)["usage"]
    payloads = [json.loads(frame.payload) for frame in Frames().feed(recording.reply)]
    return next(payload["usage"] for payload in payloads if "usage" in payload)


def plain(value):
    """A struct with its raw JSON read, so that two of them can be compared whatever the order of members."""
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value) or b"null")
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


def same_answer(one, other):
    """Two answers but for their tier, which streams have no place for; counts that were not told are 0 on the wire."""

    def bare(answer):
        told = plain(msgspec.structs.replace(answer, usage=Usage(), service_tier=""))
        return told | {"usage": usage_by_hand(answer.usage)}

    return bare(one) == bare(other)


def texts(parts):
    """The texts of parts, and the kinds of those that only this dialect has."""
    return [
        part.text if isinstance(part, Text) else part.kind
        for part in parts
        if isinstance(part, Text | Opaque)
    ]
