"""The recorded exchanges as the dialects' tests read them: whole replies and streams of one wire format at a time."""

import base64
import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from kilo_gateway.dialects.frames import event_frame

TRAFFIC = Path(__file__).parents[3] / "shared" / "data" / "traffic"
WHY_SKIPPED = "the recorded traffic is not beside this checkout (../shared/data/traffic)"
# Which dialect each file is in, and the apis of it that are answers to a conversation.
FILES = {
    "openai-chat": ("openai_chat", {"openai-chat"}),
    "openai-compatible-chat": ("openai_chat", {"openai-chat"}),
    "openrouter-chat": ("openai_chat", {"openrouter-chat"}),
    "mistral-chat": ("openai_chat", {"mistral-chat"}),
    "openai-responses": ("openai_responses", {"openai-responses"}),
    "anthropic-messages": ("anthropic_messages", {"anthropic-messages"}),
    "gemini-generate": ("gemini", {"gemini-generate"}),
    "gemini-stream": ("gemini", {"gemini-stream"}),
    "bedrock": ("bedrock", {"bedrock-converse", "bedrock-converse-stream"}),
}


@dataclass(frozen=True)
class Recording:
    """One exchange. `request` is None for a recorded reply without its request."""

    id: str
    dialect: str
    status: int
    request: dict[str, Any] | None
    model: str
    reply: bytes
    is_stream: bool

    @property
    def is_good(self) -> bool:
        return self.status == 200


@cache
def recordings(file: str) -> tuple[Recording, ...]:
    """All exchanges of one file that are of its dialect, in its order."""
    dialect, apis = FILES[file]
    with gzip.open(TRAFFIC / f"{file}.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(_recording(row, dialect) for row in rows if row["api"] in apis)


def _recording(row: dict[str, Any], dialect: str) -> Recording:
    is_binary = row["response_body_encoding"] == "base64"
    reply = base64.b64decode(row["response_body"]) if is_binary else row["response_body"].encode()
    is_stream = row["framing"] in {"sse", "chunks-jsonl", "eventstream"}
    if row["framing"] == "chunks-jsonl" and dialect == "bedrock":
        reply = b"".join(
            event_frame(name, json.dumps(payload).encode())
            for line in reply.splitlines()
            for name, payload in json.loads(line).items()
        )
    elif row["framing"] == "chunks-jsonl":
        reply = b"".join(b"data: %b\n\n" % line for line in reply.splitlines() if line.strip())
    body = row["request_body"]
    return Recording(
        row["id"],
        dialect,
        row["status"] or 200,
        body if isinstance(body, dict) else None,
        row["model"] or "unknown",
        reply,
        is_stream,
    )
