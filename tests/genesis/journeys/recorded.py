"""Recorded conversations with a tool call, each of two streams: the model calls, and answers once it has the results."""

import gzip
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.journeys.replay import TRAFFIC

# The call, and what the same model answered in the same cassette.
CONVERSATIONS = {
    "openai.openai-chat.682d69de": "openai.openai-chat.9e86ba1f",
    "openai.openai-chat.93025548": "openai.openai-chat.fae50610",  # two calls at once
    "azure.openai-chat.f1e15249": "azure.openai-chat.0c8ce995",
    "deepseek.openai-chat.55d68c1e": "deepseek.openai-chat.5e31ae75",
    "ollama.openai-chat.867d57f0": "ollama.openai-chat.462c6c33",  # thinks first
    "databricks.openai-chat.ac4f91f4": "databricks.openai-chat.2acd08ae",  # text first, arguments ""
    "groq.openai-chat.5786e423": "groq.openai-chat.5eb2da52",
    "openrouter.openrouter-chat.214073b6": "openrouter.openrouter-chat.421326e8",  # comments between
}
_FILES = ("openai-chat", "openai-compatible-chat", "openrouter-chat")


@dataclass(frozen=True)
class Call:
    """One tool call, its fragments put together."""

    id: str
    name: str
    arguments: str


@cache
def streams() -> dict[str, bytes]:
    """The recorded bodies by id."""
    wanted = {*CONVERSATIONS, *CONVERSATIONS.values()}
    found: dict[str, bytes] = {}
    for name in _FILES:
        with gzip.open(TRAFFIC / f"{name}.jsonl.gz", "rt") as lines:
            for line in lines:
                named = re.search(r'"id": ?"([^"]+)"', line[:200])
                if named is not None and named[1] in wanted:
                    found[named[1]] = json.loads(line)["response_body"].encode()
    return found


def calls_of(stream: bytes) -> list[Call]:
    """The calls in a stream, in the order of their indexes."""
    parts: dict[int, list[str]] = {}
    for chunk in _chunks(stream):
        for piece in _pieces(chunk):
            known = parts.setdefault(piece.get("index", 0), ["", "", ""])
            function = piece.get("function") or {}
            for place, text in enumerate((piece.get("id"), function.get("name"))):
                known[place] = known[place] or text or ""
            known[2] += function.get("arguments") or ""
    return [Call(*parts[index]) for index in sorted(parts)]


def text_of(stream: bytes) -> str:
    """What the model says in a stream."""
    deltas = (choice.get("delta") or {} for chunk in _chunks(stream) for choice in chunk["choices"])
    return "".join(delta.get("content") or "" for delta in deltas)


def output_of(stream: bytes) -> int | None:
    """The tokens that a stream says the model wrote; None if it does not say."""
    told = [(chunk.get("usage") or {}).get("completion_tokens") for chunk in _chunks(stream)]
    return next((count for count in reversed(told) if count is not None), None)


def with_calls(stream: bytes, calls: list[tuple[str, str]]) -> bytes:
    """The stream with other tools called: names and arguments are exchanged, cut where the recorded ones were cut."""
    rows = stream.decode().split("\n")
    cuts = [0] * len(calls)
    for chunk in _chunks(stream):
        for piece in _pieces(chunk):
            cuts[piece.get("index", 0)] += 1
    left = [_cut(arguments, cuts[index]) for index, (_, arguments) in enumerate(calls)]
    for at, row in enumerate(rows):
        chunk = _read(row)
        if chunk is None or not list(_pieces(chunk)):
            continue
        for piece in _pieces(chunk):
            index = piece.get("index", 0)
            function = piece.setdefault("function", {})
            if function.get("name"):
                function["name"] = calls[index][0]
            function["arguments"] = left[index].pop(0)
        rows[at] = f"data: {json.dumps(chunk)}"
    return "\n".join(rows).encode()


def _cut(text: str, pieces: int) -> list[str]:
    size = -(-len(text) // pieces)
    return [text[place * size : (place + 1) * size] for place in range(pieces)]


def _chunks(stream: bytes) -> list[dict[str, Any]]:
    return [chunk for row in stream.decode().split("\n") if (chunk := _read(row)) is not None]


def _read(row: str) -> dict[str, Any] | None:
    text = row.strip().removeprefix("data:").strip()
    return json.loads(text) if text.startswith("{") else None


def _pieces(chunk: dict[str, Any]) -> list[dict[str, Any]]:
    deltas = [choice.get("delta") or {} for choice in chunk["choices"]]
    return [piece for delta in deltas for piece in delta.get("tool_calls") or []]
