"""How many numbers the embeddings of well-known models have, by the model's name: its makers' documents say so.

A name is looked for at the front of a bare id in lower case, the longest first, so that `bge-m3` finds `bge-m3:567m`. What
belongs to a model's weights holds wherever it is served.
"""

import re
from types import MappingProxyType

from kilo_gateway.core.deployment import Width

_FIXED = {
    "text-embedding-ada-002": 1536,
    "mistral-embed": 1024,
    "embed-english-v3.0": 1024,
    "embed-multilingual-v3.0": 1024,
    "embed-english-light-v3.0": 384,
    "embed-multilingual-light-v3.0": 384,
    "cohere-embed-v3-": 1024,
    "voyage-3": 1024,
    "voyage-3-lite": 512,
    "voyage-finance-2": 1024,
    "voyage-law-2": 1024,
    "voyage-multilingual-2": 1024,
    "voyage-code-2": 1536,
    "all-minilm": 384,
    "all-minilm-l6": 384,
    "all-minilm-l12": 384,
    "bge-m3": 1024,
    "bge-large-": 1024,
    "bge-base-": 768,
    "bge-small-": 384,
    "e5-large": 1024,
    "e5-base": 768,
    "e5-small": 384,
    "multilingual-e5-large": 1024,
    "multilingual-e5-base": 768,
    "multilingual-e5-small": 384,
    "gte-large": 1024,
    "gte-base": 768,
    "gte-small": 384,
    "titan-embed-text-v1": 1536,
}
_AT_MOST = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "codestral-embed": 3072,
    "gemini-embedding-": 3072,
    "text-embedding-004": 768,
    "embed-v4.0": 1536,
    "voyage-3.5": 2048,
    "voyage-3-large": 2048,
    "voyage-4": 2048,
    "voyage-code-3": 2048,
    "jina-embeddings-v3": 1024,
    "jina-embeddings-v4": 2048,
    "nomic-embed-text": 768,
    "mxbai-embed-large": 1024,
    "embeddinggemma": 768,
    "qwen3-embedding-0.6b": 1024,
    "qwen3-embedding-4b": 2560,
    "qwen3-embedding-8b": 4096,
    "text-embedding-v3": 1024,
    "text-embedding-v4": 2048,
    "titan-embed-text-v2": 1024,
}
_WIDTHS = MappingProxyType(
    {name: Width(most, is_fixed=True) for name, most in _FIXED.items()}
    | {name: Width(most) for name, most in _AT_MOST.items()}
)
_NAMES = sorted(_WIDTHS, key=len, reverse=True)
# What may follow a whole name: a date, a tag, a version of the same weights.
_GOES_ON = re.compile(r"$|[:@]|-\d{4}|-v\d|-latest|-lite|-large|-en|-zh")


def width_of(model_id: str) -> Width | None:
    """The width of a model's embeddings; None where unknown."""
    bare = model_id.lower().rpartition("/")[2].removeprefix("amazon.")
    for name in _NAMES:
        if bare.startswith(name) and (name.endswith("-") or _GOES_ON.match(bare[len(name) :])):
            return _WIDTHS[name]
    return None
