"""The recorded exchanges in this format, and answers made comparable: what may differ between two tellings is named here."""

import gzip
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.answer import Answer, collect
from kilo_gateway.dialects.conversation import (
    Opaque,
    Part,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.hub import Shown
from kilo_gateway.dialects.openai_responses import OpenAIResponses

TRAFFIC = Path(__file__).parents[4] / "shared" / "data" / "traffic" / "openai-responses.jsonl.gz"
SPECS = Path(__file__).parents[4] / "shared" / "data" / "specs"
needs_recordings = pytest.mark.skipif(
    not TRAFFIC.exists(), reason="the recorded traffic is not beside this checkout"
)
DIALECT = OpenAIResponses()
SHOWN = Shown("req_0123456789abcdef", "some/model", 1_760_000_000)


@dataclass(frozen=True)
class Recording:
    """One exchange; `request` is None where only the reply was recorded."""

    id: str
    api: str
    provider: str
    model: str
    status: int
    request: dict[str, Any] | None
    reply: bytes
    is_stream: bool

    @property
    def is_answer(self) -> bool:
        return self.status == 200 and self.api == "openai-responses"

    @property
    def last(self) -> dict[str, Any]:
        """The Response object in the last event that has one, of a stream; the last of several in a row."""
        events = [json.loads(line[5:]) for line in self.lines if line[5:].strip() != b"[DONE]"]
        return next(e["response"] for e in reversed(events) if "response" in e)

    @property
    def lines(self) -> list[bytes]:
        return [line for line in self.reply.splitlines() if line.startswith(b"data:")]

    @property
    def is_chained(self) -> bool:
        """Whether its recorder put several streams behind each other."""
        return self.reply.count(b'"type":"response.created"') > 1

    @property
    def is_failed(self) -> bool:
        return b'"type":"response.failed"' in self.reply or b'"type":"error"' in self.reply


@cache
def recordings() -> tuple[Recording, ...]:
    with gzip.open(TRAFFIC, "rt") as lines:
        return tuple(_recording(json.loads(line)) for line in lines)


def _recording(row: dict[str, Any]) -> Recording:
    reply = row["response_body"].encode()
    if row["framing"] == "chunks-jsonl":
        reply = b"".join(b"data: %b\n\n" % line for line in reply.splitlines() if line.strip())
    body = row["request_body"]
    return Recording(
        row["id"],
        row["api"],
        row["provider"],
        row["model"] or "unknown",
        row["status"] or 200,
        body if isinstance(body, dict) else None,
        reply,
        row["framing"] in {"sse", "chunks-jsonl"},
    )


def answers() -> list[Recording]:
    return [one for one in recordings() if one.is_answer]


def answer_of(recording: Recording) -> Answer:
    if recording.is_stream:
        reader = DIALECT.reader("chat")
        return collect([*reader.feed(recording.reply), *reader.finish()])
    answer = DIALECT.read_answer(recording.reply)
    assert answer is not None
    return answer


def compact(raw: msgspec.Raw) -> msgspec.Raw:
    data = bytes(raw)
    return (
        msgspec.Raw(msgspec.json.encode(msgspec.json.decode(data), order="sorted")) if data else raw
    )


def _part(part: Part, *, is_sealed_alike: bool) -> Part:
    change = msgspec.structs.replace
    match part:
        case Text():
            return change(
                part, citations=tuple(change(one, raw=compact(one.raw)) for one in part.citations)
            )
        case Opaque() if is_sealed_alike:
            return change(part, raw=msgspec.Raw())
        case Opaque():
            return change(part, raw=compact(part.raw))
        case ToolCall():
            return change(part, item_id="")
        case Thinking() if is_sealed_alike:
            mark = "sealed" if part.signature else ""
            return change(part, id="", signature=mark, is_summary=True)
        case Thinking():
            return change(part, is_summary=True)
        case SealedThinking() if is_sealed_alike:
            return change(part, data="sealed")
        case _:
            return part


def essence(answer: Answer, *, is_sealed_alike: bool = False) -> Answer:
    """An answer without what a telling changes: ids, names, layout of JSON, the details of usage that are unknown, and
    whether thoughts are open or a summary (clients are told a summary).

    `is_sealed_alike`: OpenAI seals the same thoughts and items anew for each event, in other bytes; OpenRouter names them anew.
    """
    usage = answer.usage
    return msgspec.structs.replace(
        answer,
        parts=tuple(_part(part, is_sealed_alike=is_sealed_alike) for part in answer.parts),
        usage=msgspec.structs.replace(
            usage,
            raw=b"",
            cache_read_tokens=usage.cache_read_tokens or 0,
            cache_write_tokens=usage.cache_write_tokens or 0,
            reasoning_tokens=usage.reasoning_tokens or 0,
        ),
        id="",
        model="",
        created=0,
        raw_stop="",
        service_tier="",
        # OpenAI rounds them in its last event.
        logprobs=tuple(
            msgspec.structs.replace(one, logprob=round(one.logprob, 4)) for one in answer.logprobs
        ),
    )
