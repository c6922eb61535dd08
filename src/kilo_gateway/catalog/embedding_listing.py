"""The answer of /embedding-models: the models whose vectors have a known width, since an index is made for one (gateway.md 12.3)."""

from typing import Any

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.catalog.listing import open_to
from kilo_gateway.core.deployment import Width
from kilo_gateway.core.grant import Grant

# What an index of code is best made with, the best first; where none of them is there, the first model of the catalog.
_PREFERRED = ("codestral-embed", "text-embedding-3-small", "voyage-code", "qwen3-embedding")
# How alike two texts must be to count as found: what Kilo's clients use for these models.
_SCORES = {"codestral-embed": 0.35}
_USUAL_SCORE = 0.4


def render_embeddings(catalog: Catalog, grant: Grant | None) -> bytes | None:
    """The embedding models that the grant opens (None: all), with one that is best by default; None if there is none."""
    known = [
        (model, width) for model in open_to(grant, catalog) if (width := _width(model)) is not None
    ]
    if not known:
        return None
    ids = [model.id for model, _ in known]
    preferred = [one for part in _PREFERRED for one in ids if part in one.lower()]
    aliases = {
        name: model.id
        for name in catalog.aliases
        if (model := catalog.model(name)) is not None and model.id in ids
    }
    return msgspec.json.encode(
        {
            "defaultModel": [*preferred, *ids][0],
            "models": [_row(model, width) for model, width in known],
            "aliases": aliases,
        }
    )


def _width(model: Model) -> Width | None:
    return next((one.width for one in model.deployments if one.width is not None), None)


def _row(model: Model, width: Width) -> dict[str, Any]:
    score = next(
        (score for part, score in _SCORES.items() if part in model.id.lower()), _USUAL_SCORE
    )
    row = {
        "id": model.id,
        "name": model.name,
        "dimension": width.most,
        "scoreThreshold": score,
    }
    return row | {"dimensionMode": "fixed"} if width.is_fixed else row
