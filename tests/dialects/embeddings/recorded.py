"""The recorded exchanges of embeddings: what was asked in the hub's terms, and the vectors of the reply. None of our code is used."""

import base64
import gzip
import json
import struct
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

TRAFFIC = Path(__file__).parents[4] / "shared" / "data" / "traffic"
FILE = TRAFFIC / "embeddings.jsonl.gz"
WHY_SKIPPED = "the recorded traffic is not beside this checkout (../shared/data/traffic)"
# Recorded provider -> (row of the vendors' table, form).
VENDORS = {
    "openai": ("openai", "openai"),
    "azure": ("azure", "openai"),
    "openrouter": ("openrouter", "openai"),
    "mistral": ("mistral", "mistral"),
    "voyageai": ("voyage", "voyage"),
    "perplexity": ("perplexity", "perplexity"),
    "cohere": ("cohere", "cohere"),
    "gemini": ("gemini", "gemini"),
    "ollama": ("ollama", "ollama"),
}
_DIMENSIONS = ("dimensions", "output_dimension", "outputDimensionality")


@dataclass
class Exchange:
    """One exchange that was answered. `request` is what the vendor got, None if that was not recorded."""

    id: str
    vendor: str
    form: str
    request: dict[str, Any] | None
    reply: bytes
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def vectors(self) -> list[bytes]:
        """Each as little-endian 32-bit floats."""
        if self.form == "cohere":
            rows = self.values["embeddings"]["float"]
        elif self.form == "ollama":
            rows = self.values["embeddings"]
        elif self.form == "gemini":
            rows = [row["values"] for row in self.values["embeddings"]]
        else:
            rows = [row["embedding"] for row in self.values["data"]]
        return [floats_of(row, is_bytes=self.form == "perplexity") for row in rows]

    @property
    def tokens(self) -> int | None:
        """What the reply says was read."""
        if self.form == "cohere":
            return int(self.values["meta"]["billed_units"]["input_tokens"])
        if self.form == "ollama":
            return int(self.values["prompt_eval_count"])
        if self.form == "gemini":
            told = self.values.get("usageMetadata")
            return None if told is None else int(told["promptTokenCount"])
        usage = self.values["usage"]
        return int(usage.get("prompt_tokens", usage["total_tokens"]))

    @property
    def is_of_texts(self) -> bool:
        return "inline_data" not in json.dumps(self.request)

    @property
    def asked(self) -> dict[str, Any]:
        """What a client of OpenAI's form would have sent, but for the model."""
        sent = self.request or {}
        if self.form == "gemini" and self.request is not None:
            sent = sent["requests"][0]
            texts = [one["content"]["parts"][0].get("text") for one in self.request["requests"]]
        else:
            texts = sent.get("input", sent.get("texts", ["a text"] * len(self.vectors)))
        told: dict[str, Any] = {"input": texts}
        for name in _DIMENSIONS:
            if sent.get(name) is not None:
                told["dimensions"] = sent[name]
        for name in ("input_type", "taskType", "truncate", "truncation", "user", "encoding_format"):
            if sent.get(name) is not None:
                told["task_type" if name == "taskType" else name] = sent[name]
        return told

    def sent_for(self, model: str) -> dict[str, Any]:
        """What the vendor must get: the recorded request for another model, without what says nothing."""
        assert self.request is not None
        if self.form == "gemini":
            return {
                "requests": [one | {"model": f"models/{model}"} for one in self.request["requests"]]
            }
        wanted = {name: value for name, value in self.request.items() if value is not None}
        if self.form != "openai" and isinstance(wanted.get("input"), str):
            wanted["input"] = [wanted["input"]]
        if self.form == "cohere":
            wanted["embedding_types"] = ["float"]
        if self.form == "perplexity":
            wanted["encoding_format"] = "base64_int8"
        return wanted | {"model": model}


def floats_of(row: Any, *, is_bytes: bool = False) -> bytes:
    """A vector as it is written, as little-endian 32-bit floats."""
    if isinstance(row, str):
        data = base64.b64decode(row, validate=True)
        if not is_bytes:
            return data
        row = struct.unpack(f"<{len(data)}b", data)
    return struct.pack(f"<{len(row)}f", *row)


@cache
def exchanges() -> tuple[Exchange, ...]:
    """All that were answered, in the order of the file; () without the recorded traffic."""
    if not FILE.is_file():
        return ()
    with gzip.open(FILE, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    return tuple(
        Exchange(
            row["id"],
            *VENDORS[row["provider"]],
            row["request_body"],
            row["response_body"].encode(),
            json.loads(row["response_body"]),
        )
        for row in rows
        if row["status"] in {200, None}
    )
