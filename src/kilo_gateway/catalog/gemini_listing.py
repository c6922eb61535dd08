"""The answers of /v1beta/models: our catalog in Gemini's form."""

from collections.abc import Iterator, Sequence

import msgspec

from kilo_gateway.catalog.catalog import Catalog, Model
from kilo_gateway.catalog.listing import AUTO_ID, UNKNOWN_CONTEXT
from kilo_gateway.core.grant import Grant

_METHODS = {
    "chat": ("generateContent", "streamGenerateContent", "countTokens"),
    "embeddings": ("embedContent", "batchEmbedContents"),
}
_UNKNOWN_OUTPUT = 8_192


class _Row(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    name: str
    display_name: str
    description: str
    version: str
    input_token_limit: int
    output_token_limit: int
    supported_generation_methods: tuple[str, ...]
    thinking: bool = False


class _Page(msgspec.Struct, frozen=True, gc=False):
    models: tuple[_Row, ...]


def render_gemini(
    catalog: Catalog, auto: Sequence[str], grant: Grant | None, model_id: str = ""
) -> bytes | None:
    """The list, or one model of it by its id (with or without "models/"); None if there is no such model."""
    rows = tuple(_rows(catalog, auto, grant))
    if not model_id:
        return msgspec.json.encode(_Page(rows))
    wanted = f"models/{model_id.removeprefix('models/')}".lower()
    found = next((row for row in rows if row.name.lower() == wanted), None)
    return None if found is None else msgspec.json.encode(found)


def _rows(catalog: Catalog, auto: Sequence[str], grant: Grant | None) -> Iterator[_Row]:
    if auto:
        yield _Row(
            f"models/{AUTO_ID}", "Kilo Auto", "Picks a model for each call.", "1",
            UNKNOWN_CONTEXT, _UNKNOWN_OUTPUT, _METHODS["chat"],
        )  # fmt: skip
    for model in catalog.models.values():
        if grant is None or not grant.models or grant.may_use(model.id.lower()):
            yield _row(model)


def _row(model: Model) -> _Row:
    serves = {operation for one in model.deployments for operation in one.operations}
    return _Row(
        f"models/{model.id}",
        model.name,
        model.description,
        "1",
        model.limits.context or UNKNOWN_CONTEXT,
        model.limits.output or _UNKNOWN_OUTPUT,
        tuple(verb for one, verbs in _METHODS.items() if one in serves for verb in verbs),
        "reasoning" in model.capabilities,
    )
