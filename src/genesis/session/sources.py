"""Sources: where models come from. Joins the settings, the stored keys, the plug-ins, the catalog and discovery."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from genesis.auth import known
from genesis.auth.lookup import Resolved, missing_key_text
from genesis.auth.profiles import Profile, Profiles
from genesis.catalog import file
from genesis.catalog.catalog import Catalog, build
from genesis.catalog.discovery import LIMIT_S, Discovery
from genesis.config.load import Loaded
from genesis.config.schema_models import ModelDefinition
from genesis.config.section import given
from genesis.core.fault import AuthMissingError, GenesisError
from genesis.core.model import Model
from genesis.core.refs import ModelRef, key, parse
from genesis.core.secret import Secret
from genesis.failover.bench import Bench
from genesis.failover.chain import candidates
from genesis.failover.choice import choose
from genesis.failover.state import AuthStateFile
from genesis.providers.accounts import Accounts
from genesis.providers.kilocode.levels import default_level
from genesis.providers.provider import Endpoint
from genesis.providers.registry import GENERIC, Registry
from genesis.session.request import Target


class Sources:
    """`clock` gives seconds since the epoch. Keys are read anew for every request: a new one works at once."""

    def __init__(self, loaded: Loaded, registry: Registry, clock: Callable[[], float]) -> None:
        self.loaded = loaded
        self.registry = registry
        self.settings = loaded.settings
        self.accounts = Accounts(loaded, registry)
        manifests = registry.manifests
        exempt = frozenset(name for name, one in manifests.items() if one.is_cooldown_exempt)
        self._profiles = Profiles(loaded.paths.auth_profiles)
        self._bench = Bench(
            AuthStateFile(loaded.paths.auth_state),
            self._profiles.load,
            self.settings.auth,
            clock=clock,
            exempt=exempt,
        )
        self.choice = choose(self.settings, manifests, self.has_key)
        self.discovery = Discovery(self._discoverable, self._discover, self._fingerprint)
        self._kept = file.read(loaded.paths.models_file)
        self._warnings: list[str] = list(self.choice.warnings)

    @property
    def bench(self) -> Bench:
        """What is known of stored keys."""
        return self._bench

    def chain(self, requested: ModelRef | None) -> list[ModelRef]:
        """The models to try, in order."""
        choice = self.choice
        return candidates(requested, choice.primary, choice.fallbacks)

    async def seeing(self, chain: list[ModelRef]) -> list[ModelRef]:
        """The same for a message with pictures: where the first one takes none, those of agents.defaults.imageModel stand
        before it."""
        image = self.choice.image
        if image is None or not chain or "image" in (await self._model(chain[0])).input:
            return chain
        return list(dict.fromkeys([image, *self.choice.image_fallbacks, *chain]))

    async def target(self, ref: ModelRef, profile: str | None) -> Target:
        """The model with its provider and key. Raises AuthMissingError, GenesisError."""
        found = self.require_key(ref, profile)
        definition = self._definition(ref)
        api = given(definition.api, None) if definition is not None else None
        provider = self.registry.load(ref.provider, api or self.accounts.api(ref.provider))
        model = await self._model(ref)
        params = self.params(ref)
        return Target(ref, provider, self._endpoint(ref, found), model, self.level(ref), params)

    def secrets(self) -> Sequence[Secret]:
        """Every key and token that is known here."""
        return known.keys_and_tokens(self.loaded, self._stored(), self.accounts.all_variables())

    def secrets_for_logs(self) -> Sequence[Secret]:
        """And whatever could be one."""
        return [*self.secrets(), *known.for_logs(self.loaded, self._stored())]

    def warnings(self) -> list[str]:
        """What was found since the last time."""
        told, self._warnings = self._warnings, []
        return told

    def has_key(self, provider: str) -> bool:
        """Can the provider be asked: is there a key, or does it need none?"""
        return self.key_of(provider) is not None or not self.accounts.wants_key(provider)

    def key_of(self, provider: str, profile: str | None = None) -> Resolved | None:
        """The key that the provider would be asked with."""
        stored = self._stored()
        if profile is not None:
            return self.accounts.key_of_profile(provider, stored, profile)
        return self.accounts.key(provider, stored, self._bench.order(provider))

    def require_key(self, ref: ModelRef, profile: str | None = None) -> Resolved | None:
        """The key for a model; None if its provider wants none. Raises AuthMissingError."""
        provider = ref.provider
        block = self.accounts.block(provider)
        is_configured_first = block is not None and block.auth == "api-key"
        if ref.profile is not None:
            found = self.key_of(provider, ref.profile)
        elif profile is None or is_configured_first:
            found = self.key_of(provider)
        else:
            found = self.key_of(provider, profile) or self.key_of(provider)
        if found is None and self.accounts.wants_key(provider):
            raise AuthMissingError(missing_key_text(provider, self.loaded.paths), provider)
        return found

    def catalog(self) -> Catalog:
        """The models that are known now."""
        kept = {} if self.settings.models.mode == "replace" else self._kept
        models: dict[str, Sequence[Model]] = {name: one.models for name, one in kept.items()}
        models.update(self.discovery.found)
        return build(self.registry.manifests, self.settings.models.providers, models)

    def params(self, ref: ModelRef) -> dict[str, Any]:
        """The settings' parameters for the model's requests; the more special ones win."""
        defaults, definition = self.settings.agents.defaults, self._definition(ref)
        found: dict[str, Any] = dict(defaults.params)
        found |= definition.params if definition is not None else {}
        for name, entry in defaults.models.items():
            if _names(name, ref):
                found |= entry.params
        return found

    def level(self, ref: ModelRef | None) -> str:
        """How much the model thinks where a session chose nothing."""
        wanted = self.params(ref).get("thinking") if ref else None
        model = self.catalog().find(ref) if ref else None
        return default_level(
            wanted if isinstance(wanted, str) else None,
            self.settings.agents.defaults.thinking_default,
            reasons=model is not None and model.reasoning,
        )

    async def _model(self, ref: ModelRef) -> Model:
        """The model to ask; one that is known already does not wait for discovery."""
        _ = self.discovery.start()  # beside: what is known already does not wait for it
        found = self.catalog().find(ref)
        if found is None:
            await self.discovery.load()
        return self._within(found or self.catalog().model_for(ref))

    def _within(self, model: Model) -> Model:
        """The model with the settings' limit of its context, where that is the smaller one."""
        limit = self.settings.agents.defaults.context_tokens
        window = given(model.context_tokens, model.context_window)
        if not limit or window <= limit:
            return model
        return msgspec.structs.replace(model, context_tokens=limit)

    def _endpoint(self, ref: ModelRef, found: Resolved | None) -> Endpoint:
        definition, plain = self._definition(ref), self.accounts.endpoint(ref.provider, found)
        if definition is None or not definition.headers:
            return plain
        headers = {**plain.headers, **definition.headers}
        return msgspec.structs.replace(plain, headers=headers)

    def _definition(self, ref: ModelRef) -> ModelDefinition | None:
        block = self.accounts.block(ref.provider)
        models = block.models if block is not None else ()
        return next((one for one in models if one.id == ref.model), None)

    def _stored(self) -> Mapping[str, Profile]:
        return self._profiles.load()

    def _discoverable(self) -> list[str]:
        names = dict.fromkeys((*self.registry.manifests, *self.settings.models.providers))
        # The generic plug-in is nobody by itself: servers that it serves have names of their own in the settings.
        if GENERIC not in self.settings.models.providers:
            names.pop(GENERIC, None)
        return [name for name in names if self.accounts.base_url(name) and self.has_key(name)]

    async def _discover(self, name: str) -> Sequence[Model]:
        found = self.key_of(name)
        try:
            models = await self.registry.load(name, self.accounts.api(name)).discover(
                self._endpoint(ModelRef(name, ""), found), timeout_s=LIMIT_S, warn=self._warn
            )
        except Exception as error:  # noqa: BLE001 - a plug-in that breaks its promise must not stop a turn
            self._warn(f"{name} could not tell its models: {error}")
            return ()
        manifest = self.registry.manifest(name)
        if manifest is not None and tuple(models) == manifest.models:
            return ()  # what a failure leaves: it is tried again, and hides nothing that is kept
        self._keep(name, models, found)
        return models

    def _keep(self, name: str, models: Sequence[Model], found: Resolved | None) -> None:
        """Write the models down."""
        if not models:
            return
        manifest = self.registry.manifest(name)
        usual = manifest.api if manifest is not None else "openai-completions"
        record = file.ProviderRecord(
            self.accounts.base_url(name),
            self.accounts.api(name) or usual,
            tuple(models),
            found.marker if found is not None else "",
        )
        try:
            file.write(self.loaded.paths.models_file, {name: record}, self.settings.models.mode)
        except OSError as error:
            self._warn(f"The list of models could not be saved: {error.strerror}.")

    def _fingerprint(self) -> tuple[object, ...]:
        stored = self.loaded.paths.auth_profiles
        changed = stored.stat().st_mtime_ns if stored.exists() else 0
        return (changed, *(self.loaded.environ.get(name) for name in self.accounts.all_variables()))

    def _warn(self, text: str) -> None:
        if text not in self._warnings:
            self._warnings.append(text)


def _names(text: str, ref: ModelRef) -> bool:
    try:
        return key(parse(text, ref.provider)) == key(ref)
    except GenesisError:  # the settings' own check tells of it
        return False
