"""Catalog: models by provider and by reference. A snapshot: discovery makes a new one."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from genesis.catalog.merge import merged
from genesis.config.schema_models import ProviderSettings
from genesis.core.fault import GenesisError
from genesis.core.model import Model
from genesis.core.refs import ModelRef, key
from genesis.providers.provider import Manifest


class Catalog:
    """All models of all providers, each provider's in its own order. Immutable."""

    def __init__(
        self, models: Mapping[str, Sequence[Model]], takes_any: Iterable[str] = ()
    ) -> None:
        self._models = {
            provider: {model.id: model for model in rows} for provider, rows in models.items()
        }
        self._takes_any = frozenset(takes_any)

    @property
    def providers(self) -> list[str]:
        """The providers that have models, sorted."""
        return sorted(name for name, models in self._models.items() if models)

    def of(self, provider: str) -> list[Model]:
        """The models of a provider, in its order."""
        return list(self._models.get(provider, {}).values())

    def references(self) -> list[ModelRef]:
        """All models, sorted by provider, then by name."""
        rows = ((name, one) for name, models in self._models.items() for one in models.values())
        return [
            ModelRef(name, one.id)
            for name, one in sorted(rows, key=lambda row: (row[0], row[1].name, row[1].id))
        ]

    def find(self, ref: ModelRef) -> Model | None:
        """The model that a reference names, if it is listed."""
        return self._models.get(ref.provider, {}).get(ref.model)

    def model_for(self, ref: ModelRef) -> Model:
        """The model to ask. One that no list has is asked all the same where the provider decides (genesis.md 3.6).

        Raises GenesisError `Unknown model: …`.
        """
        found = self.find(ref)
        if found is not None:
            return found
        if ref.provider not in self._takes_any:
            raise GenesisError(
                f"Unknown model: {key(ref)}. `genesis models list --all` shows the models that are known."
            )
        plain = Model(ref.model, ref.model)
        pattern = next(iter(self._models.get(ref.provider, {}).values()), None)
        if pattern is None:
            return plain
        return msgspec.structs.replace(
            plain, context_window=pattern.context_window, max_tokens=pattern.max_tokens
        )


def build(
    manifests: Mapping[str, Manifest],
    configured: Mapping[str, ProviderSettings],
    discovered: Mapping[str, Sequence[Model]],
) -> Catalog:
    """The catalog of what was discovered, what the settings define, and what is static."""
    blocks = {name.strip().lower(): block for name, block in configured.items()}
    names = dict.fromkeys((*manifests, *blocks, *discovered))
    models: dict[str, list[Model]] = {}
    takes_any: list[str] = []
    for name in names:
        manifest, block = manifests.get(name), blocks.get(name)
        models[name] = merged(
            discovered.get(name, ()),
            block.models if block is not None else (),
            manifest.models if manifest is not None else (),
        )
        if block is not None or (manifest is not None and manifest.takes_any_model):
            takes_any.append(name)
    return Catalog(models, takes_any)
