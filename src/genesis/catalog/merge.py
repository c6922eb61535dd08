"""Discovered, configured and static models as one list, field by field (genesis.md 3.2, 2.6). Pure."""

from collections.abc import Iterable, Sequence
from math import isfinite

import msgspec
from msgspec import UnsetType

from genesis.config.schema_models import CostSettings, ModelDefinition
from genesis.core.model import Cost, Model


def merged(
    discovered: Iterable[Model], defined: Sequence[ModelDefinition], static: Iterable[Model] = ()
) -> list[Model]:
    """The models that the settings define come first, in their order; then the others. Each id once, in any case.

    Unlike the reference, a list in the settings does not hide what was discovered (genesis.md 3.2 [REC]). A definition
    that only repeats the static model, as onboarding writes it, corrects nothing: what the provider says now wins.
    """
    fallback = {model.id.lower(): model for model in static}
    known: dict[str, Model] = {}
    for model in (*discovered, *fallback.values()):
        known.setdefault(model.id.lower(), model)
    first: dict[str, Model] = {}
    for definition in defined:
        ident = definition.id.lower()
        found, plain = known.get(ident), fallback.get(ident)
        is_repeated = plain is not None and _corrected(plain, definition) == plain
        model = found if found is not None and is_repeated else _corrected(found, definition)
        first.setdefault(ident, model)
    return [*first.values(), *(model for ident, model in known.items() if ident not in first)]


def _corrected(found: Model | None, defined: ModelDefinition) -> Model:
    """A model as the settings correct it: what they say of its name, price, reasoning and sizes wins; of its input, discovery."""
    base = found or Model(defined.id, defined.name)
    defined_input = () if isinstance(defined.input, UnsetType) else tuple(defined.input)
    return Model(
        id=base.id,
        name=defined.name or base.name,
        reasoning=base.reasoning if isinstance(defined.reasoning, UnsetType) else defined.reasoning,
        input=base.input if found is not None or not defined_input else defined_input,
        cost=base.cost if isinstance(defined.cost, UnsetType) else _cost(defined.cost),
        context_window=_size(defined.context_window, base.context_window),
        max_tokens=_size(defined.max_tokens, base.max_tokens),
        context_tokens=_size(defined.context_tokens, 0) or base.context_tokens,
    )


def _cost(settings: CostSettings) -> Cost:
    return Cost(*msgspec.structs.astuple(settings))


def _size(value: float | UnsetType, otherwise: int) -> int:
    if isinstance(value, UnsetType) or not isfinite(value) or value <= 0:
        return otherwise
    return int(value)
