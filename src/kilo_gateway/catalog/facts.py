"""Shipped facts of well-known models, for upstreams whose lists tell ids only; read when first asked for."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

import msgspec

from kilo_gateway.catalog.source import Listed
from kilo_gateway.core.deployment import Operation

CAPABILITIES = {
    "t": "tools",
    "v": "vision",
    "r": "reasoning",
    "s": "structured",
    "a": "audio",
    "p": "pdf",
}
_OPERATIONS: dict[str, tuple[Operation, ...]] = {
    "c": ("chat",),
    "l": ("completions",),
    "e": ("embeddings",),
    "-": (),
}
# What a name tells of a model that nobody describes; the first match holds.
_BY_NAME: tuple[tuple[re.Pattern[str], tuple[Operation, ...]], ...] = (
    (re.compile(r"embed|\bbge-|\bgte-|\be5-|^voyage-|minilm"), ("embeddings",)),
    (re.compile(r"whisper|transcri"), ("transcriptions",)),
    (re.compile(r"\btts\b|tts-|-tts|orpheus|playai"), ("speech",)),
    (
        re.compile(r"dall-e|gpt-image|chatgpt-image|imagen|stable-diffusion|\bflux\b|flux[.-]"),
        ("images",),
    ),
    (re.compile(r"moderation"), ("moderations",)),
    (re.compile(r"rerank|llama-rank"), ("rerank",)),
    (
        re.compile(
            r"\bsora\b|sora-|\bveo-|realtime|lyria|\bocr\b|-ocr-|native-audio|-live-"
            r"|deep-research|computer-use|-image(?:-|$)|\baqa\b|-video"
        ),
        (),
    ),
    (re.compile(r"(?:babbage|davinci)-002|-turbo-instruct"), ("completions",)),
)
_FILLS_IN = re.compile(
    r"codestral(?!-(?:embed|mamba))|mercury-(?:edit|coder)|deepseek-(?:chat|coder|v3)|-fim\b"
)
_DATE = re.compile(r"[-@](?:20\d\d-?[01]\d-?[0-3]\d|\d{4}|latest)$")


class Fact(msgspec.Struct, frozen=True):
    """What is known of a model; sizes in tokens. `is_exact` says that it was found at this very vendor."""

    name: str
    context: int | None
    output: int | None
    capabilities: frozenset[str]
    operations: tuple[Operation, ...]
    is_exact: bool


class _Row(msgspec.Struct, frozen=True, array_like=True):
    name: str
    context: int | None
    output: int | None
    capabilities: str
    operations: str


class Facts:
    """Facts by vendor and id, or by the bare id whoever serves the model."""

    __slots__ = ("_bare", "_rows")

    def __init__(self, rows: Mapping[str, Mapping[str, _Row]]) -> None:
        self._rows = rows
        # Vendors that make models come before those that serve the models of others.
        self._bare: dict[str, _Row] = {}
        for models in rows.values():
            for model_id, row in models.items():
                self._bare.setdefault(folded(model_id.rpartition("/")[2]), row)

    def of(self, vendor: str, model_id: str) -> Fact | None:
        """The fact for an id at a vendor: its own row first, then a row of the same model anywhere."""
        known = self._rows.get(vendor, {})
        lower = model_id.lower()
        for spelling in (lower, lower.partition(":")[0]):
            if spelling in known:
                return _fact(known[spelling], is_exact=True)
        for spelling in _spellings(lower):
            if spelling in self._bare:
                return _fact(self._bare[spelling], is_exact=False)
        return None

    def models_of(self, vendor: str) -> tuple[Listed, ...]:
        """What stands in for the list of a vendor that offers none; empty if we know none of its models."""
        return tuple(
            Listed(id=model_id)
            for model_id, row in self._rows.get(vendor, {}).items()
            if row.operations != "-"
        )


@cache
def load_facts() -> Facts:
    """The shipped facts (about 5 ms the first time, nothing later)."""
    text = files("kilo_gateway.catalog").joinpath("data/facts.json").read_bytes()
    return Facts(msgspec.json.decode(text, type=dict[str, dict[str, _Row]]))


def folded(model_id: str) -> str:
    """An id without what vendors spell differently: lower case, dots as dashes."""
    return model_id.lower().replace(".", "-")


def undated(model_id: str) -> str:
    """A folded id without the date or `latest` at its end."""
    return _DATE.sub("", folded(model_id))


def operations_by_name(model_id: str) -> tuple[Operation, ...]:
    """Operations that an id suggests: chat and completions unless the name says otherwise; () for what we do not serve."""
    lower = model_id.lower()
    for pattern, operations in _BY_NAME:
        if pattern.search(lower):
            return operations
    return ("chat", "completions")


def fills_in(model_id: str) -> bool:
    """Whether an id is that of a model known to write code between a prompt and a suffix."""
    return _FILLS_IN.search(model_id.lower()) is not None


def _spellings(lower: str) -> Iterator[str]:
    """Spellings of a bare id, the most exact first."""
    bare = lower.rpartition("/")[2]
    for text in (bare, bare.partition(":")[0]):
        yield folded(text)
        yield undated(text)


def _fact(row: _Row, *, is_exact: bool) -> Fact:
    return Fact(
        name=row.name,
        context=row.context,
        output=row.output,
        capabilities=frozenset(CAPABILITIES[letter] for letter in row.capabilities),
        operations=_OPERATIONS[row.operations],
        is_exact=is_exact,
    )
