"""What the tests of this dialect share: its recordings, and requests as members."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.hub import Shown
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, Recording, recordings

needs_recordings = pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
SSE = msgspec.Raw(b'"sse"')
SHOWN = Shown(call_id="req_1", model="some/model", created=1, request={"alt": SSE})
FILES = ("gemini-generate", "gemini-stream")


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def fields(**members: Any) -> Fields:
    return {name: raw(value) for name, value in members.items()}


def wholes() -> list[Recording]:
    return [one for one in recordings("gemini-generate") if one.is_good and not one.is_stream]


def streams() -> list[Recording]:
    return [one for one in recordings("gemini-stream") if one.is_good and one.is_stream]


def one_of(ident: str) -> Recording:
    """The recording whose id ends so."""
    return next(one for file in FILES for one in recordings(file) if one.id.endswith(ident))


def reply(*parts: Any, **more: Any) -> bytes:
    """A whole reply of one candidate."""
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}
    return json.dumps({"candidates": [candidate | more.pop("candidate", {})], **more}).encode()


def events(*bodies: Any) -> bytes:
    """Chunks as Google sends them, with CRLF."""
    return b"".join(b"data: %b\r\n\r\n" % json.dumps(one).encode() for one in bodies)
