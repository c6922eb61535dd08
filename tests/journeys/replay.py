"""The recorded exchanges: what a client sends of each, what upstream must get, and how its reply is cut into pieces.

An exchange is asked as it was recorded, but for its model, which the client names `replay/<model>`. The upstream must get
the recorded body again. What the client must get is told in expectations.py. Nothing here uses
the gateway's own code.
"""

import gzip
import itertools
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

TRAFFIC = Path(__file__).parents[3] / "shared" / "data" / "traffic"
FILES = (
    "openai-chat",
    "openai-compatible-chat",
    "openrouter-chat",
    "mistral-chat",
    "embeddings",
    "openai-completions",
)
PATHS = {"embeddings": "/embeddings", "openai-completions": "/completions"}
NEEDS = {"embeddings": ("input",), "openai-completions": ("prompt", "messages")}
EVENT = re.compile(rb".*?(?:\r\n\r\n|\n\r\n|\n\n|\r\r)", re.DOTALL)


@dataclass
class Exchange:
    """One recorded exchange, with what was lost in recording made up."""

    id: str
    file: str
    request: dict[str, Any]
    status: int
    content_type: str
    reply: bytes
    is_streamed: bool
    api: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return PATHS.get(self.file, "/chat/completions")

    @property
    def model(self) -> str:
        """The model that upstream must be asked for."""
        return str(self.request["model"])

    @property
    def wants_stream(self) -> bool:
        return self.request.get("stream") is True

    @property
    def wants_usage(self) -> bool:
        options = self.request.get("stream_options") or {}
        return self.wants_stream and options.get("include_usage") is True

    @property
    def is_of_this_format(self) -> bool:
        """Whether the request is what the path takes. Cohere's and Gemini's embeddings are not; and `provider` must be an
        object (Hugging Face's client puts a name there for itself)."""
        needed = NEEDS.get(self.file, ("messages",))
        if isinstance(self.request.get("provider"), str):
            return False
        return any(self.request.get(name) is not None for name in needed)

    def without_asking_usage(self) -> "Exchange":
        """The same exchange with a client that does not ask for usage."""
        request = {name: value for name, value in self.request.items() if name != "stream_options"}
        return replace(self, request=request)

    def dice(self, salt: str = "") -> random.Random:
        return random.Random(self.id + salt)


@cache
def exchanges(file: str, api: str = "") -> tuple[Exchange, ...]:
    """All exchanges of one file, in its order; with `api` only those of it."""
    with gzip.open(TRAFFIC / f"{file}.jsonl.gz", "rt") as lines:
        rows = map(json.loads, lines)
        return tuple(_exchange(file, row) for row in rows if api in {"", row["api"]})


def _exchange(file: str, row: dict[str, Any]) -> Exchange:
    is_streamed = row["framing"] in {"sse", "chunks-jsonl", "json-array"}
    body = row["request_body"]
    request = dict(body) if body is not None else _made_up(file, row["id"], is_streamed)
    if not isinstance(request.get("model"), str):
        request["model"] = row["model"] or f"{file}-without-a-name"
    headers = {name.lower(): value for name, value in (row["response_headers"] or {}).items()}
    reply = row["response_body"].encode()
    if row["framing"] == "chunks-jsonl":
        reply = b"".join(b"data: %b\n\n" % line for line in reply.splitlines() if line.strip())
    usual = "text/event-stream" if is_streamed else "application/json"
    return Exchange(
        id=row["id"],
        file=file,
        request=request,
        status=row["status"] or 200,
        content_type=headers.get("content-type", usual),
        reply=reply,
        is_streamed=is_streamed,
        api=row["api"],
        url=row["url_path"] or "",
        headers={name.lower(): value for name, value in (row["request_headers"] or {}).items()},
    )


def _made_up(file: str, ident: str, is_streamed: bool) -> dict[str, Any]:
    """A plausible request for a reply that was recorded without its own."""
    if file == "embeddings":
        return {"input": ["sunny day at the beach", "rainy day in the city"]}
    if file == "openai-completions":
        return {"prompt": "Once upon a time"}
    if file.startswith("gemini-"):
        return {"contents": [{"role": "user", "parts": [{"text": "Hallo, wie geht es? 🙂"}]}]}
    if file == "openai-responses":
        return {"input": "Hallo, wie geht es? 🙂"} | ({"stream": True} if is_streamed else {})
    request: dict[str, Any] = {"messages": [{"role": "user", "content": "Hallo, wie geht es? 🙂"}]}
    if file == "anthropic-messages":
        request["max_tokens"] = 1000
    if is_streamed:
        request["stream"] = True
        if file != "anthropic-messages" and random.Random(ident).random() < 0.5:
            request["stream_options"] = {"include_usage": True}
    return request


# --- what is sent ----------------------------------------------------------------------------------------------


@dataclass
class Asked:
    """A client's body, and the members of it as they were written."""

    body: bytes
    members: dict[str, bytes]


def asked(exchange: Exchange, upstream: str) -> Asked:
    """The recorded request for `upstream/model`."""
    return written(exchange, exchange.request | {"model": f"{upstream}/{exchange.model}"})


def written(exchange: Exchange, request: Mapping[str, Any]) -> Asked:
    """A request in one of the styles in which clients write JSON."""
    dice = exchange.dice("style")
    style: dict[str, Any] = {"ensure_ascii": dice.random() < 0.5}
    style |= dice.choice([{}, {"separators": (",", ":")}, {"indent": 2}])
    members = {name: json.dumps(value, **style).encode() for name, value in request.items()}
    colon = dice.choice([b":", b": ", b" :\n\t"])
    comma = dice.choice([b",", b", ", b"\r\n , "])
    inside = comma.join(json.dumps(name).encode() + colon + members[name] for name in members)
    return Asked(b"{" + inside + b"}", members)


def wrong_in_request(exchange: Exchange, sent: Asked, got: bytes) -> str | None:
    """How the body that upstream got differs from the recorded one; None if it does not."""
    wanted = {name: value for name, value in exchange.request.items() if name != "models"}
    members = {name: raw for name, raw in sent.members.items() if name in wanted}
    members["model"] = json.dumps(exchange.model).encode()
    if exchange.wants_stream and not exchange.wants_usage:
        wanted["stream_options"] = (wanted.get("stream_options") or {}) | {"include_usage": True}
        members.pop("stream_options", None)
    return wrong_in_members(wanted, members, got, exchange.model)


def wrong_in_members(
    wanted: dict[str, Any], members: dict[str, bytes], got: bytes, model: str
) -> str | None:
    """How a body differs from what it should hold, and from the bytes in which its members were written."""
    pairs = json.loads(got, object_pairs_hook=list)
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        return f"upstream got doubled members: {names}"
    if json.loads(got) != wanted:
        return "upstream got another request than the recorded one"
    found = top_level(got)
    for name, raw in members.items():
        same = found[name] == raw
        if name == "model":
            same = json.loads(found[name]) == model
        if not same:
            return f"upstream got other bytes in {name}: {found[name][:80]!r} for {raw[:80]!r}"
    return None


_SPACE = re.compile(rb"[ \t\r\n]*")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]}\s]+")


def top_level(body: bytes) -> dict[str, bytes]:
    """The members of a JSON object, each value as it is written."""
    found: dict[str, bytes] = {}
    at = _SPACE.match(body, 0).end() + 1  # type: ignore[union-attr]  # it matches nothing as well
    while True:
        at = _skip(body, at, b" \t\r\n,")
        if body[at : at + 1] == b"}":
            return found
        name_end = _value_end(body, at)
        name = json.loads(body[at:name_end])
        start = _skip(body, name_end, b" \t\r\n:")
        at = _value_end(body, start)
        found[name] = body[start:at]


def _skip(body: bytes, at: int, characters: bytes) -> int:
    while body[at] in characters:
        at += 1
    return at


def _value_end(body: bytes, at: int) -> int:
    """Behind the value that starts there."""
    depth = 0
    while True:
        first = body[at : at + 1]
        if first == b'"':
            at = _STRING.match(body, at).end()  # type: ignore[union-attr]  # JSON that json has read
        elif first in {b"{", b"["}:
            depth, at = depth + 1, at + 1
        elif first in {b"}", b"]"}:
            depth, at = depth - 1, at + 1
        else:
            at = _SCALAR.match(body, at).end()  # type: ignore[union-attr]
        if depth == 0:
            return at
        at = _skip(body, at, b" \t\r\n,:")


# --- how the reply is cut --------------------------------------------------------------------------------------

CHUNKINGS = ("whole", "bytes", "random", "borders", "events")
# Byte by byte up to a length that can be afforded, then in small odd pieces: (length of the body, bytes in a piece).
STEPS = ((10_000, 1), (50_000, 7), (10**9, 61))


def pieces(exchange: Exchange, chunking: str) -> list[bytes]:
    """The reply's body cut into the pieces that upstream sends."""
    body = exchange.reply
    if chunking == "whole" or len(body) < 2:
        cuts: list[int] = []
    elif chunking == "bytes":
        cuts = list(range(1, len(body), next(step for limit, step in STEPS if len(body) <= limit)))
    elif chunking == "random":
        dice = exchange.dice(chunking)
        cuts = dice.sample(range(1, len(body)), min(len(body) - 1, dice.randint(1, 40)))
    elif chunking == "borders":
        cuts = [found.end() for found in re.finditer(rb"\r(?=\n)|\n(?=\r?\n)|\r(?=\r)", body)]
    else:
        cuts = [found.end() for found in EVENT.finditer(body)]
    edges = [0, *sorted(cuts), len(body)]
    return [body[a:b] for a, b in itertools.pairwise(edges) if b > a]
