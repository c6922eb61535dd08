"""The models that `genesis models list` shows: from the settings, static ones, and what a provider offers now."""

import asyncio
import sys
from collections.abc import Mapping, Sequence

from genesis.commands.installation import Installation
from genesis.config.schema_models import ModelDefinition
from genesis.config.section import given
from genesis.core.model import DEFAULT_CONTEXT_WINDOW, DEFAULT_MAX_TOKENS, Model
from genesis.core.refs import ModelRef

DISCOVERY_S = 5.0


class KnownModels:
    def __init__(self, home: Installation, models: Mapping[str, Mapping[str, Model]]) -> None:
        self._home = home
        self._models = models

    def references(self) -> list[ModelRef]:
        return [ModelRef(name, one) for name, models in self._models.items() for one in models]

    def find(self, ref: ModelRef) -> Model | None:
        found = self._models.get(ref.provider, {}).get(ref.model)
        if found is not None:
            return found
        manifest = self._home.manifests.get(ref.provider)
        takes_any = manifest is not None and manifest.takes_any_model
        if takes_any or ref.provider in self._home.settings.models.providers:
            return Model(ref.model, ref.model)
        return None


def known_models(home: Installation, discover: Sequence[str]) -> KnownModels:
    models: dict[str, dict[str, Model]] = {}
    for name, block in home.settings.models.providers.items():
        models.setdefault(name.lower(), {}).update({one.id: _model(one) for one in block.models})
    for name in discover:
        if home.has_key(name) and name in home.manifests:
            for model in asyncio.run(_discovered(home, name)):
                models.setdefault(name, {}).setdefault(model.id, model)
    for name, manifest in home.manifests.items():
        for model in manifest.models:
            models.setdefault(name, {}).setdefault(model.id, model)
    return KnownModels(home, models)


async def _discovered(home: Installation, name: str) -> list[Model]:
    provider = home.registry.load(name)
    endpoint = home.endpoint(name, home.resolved(name))
    return await provider.discover(endpoint, timeout_s=DISCOVERY_S, warn=_warn)


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _model(one: ModelDefinition) -> Model:
    return Model(
        one.id,
        one.name,
        reasoning=given(one.reasoning, False),
        input=tuple(given(one.input, ("text",))),
        context_window=int(given(one.context_window, DEFAULT_CONTEXT_WINDOW)),
        max_tokens=int(given(one.max_tokens, DEFAULT_MAX_TOKENS)),
    )
