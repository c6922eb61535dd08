"""Installation: what `genesis models` knows before it answers: settings, keys, providers and their models. No network."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genesis.auth.lookup import Keyring, Resolved
from genesis.auth.profiles import Profile, Profiles
from genesis.catalog.catalog import Catalog, build
from genesis.catalog.file import read
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.core.hosts import is_local_url
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.failover.choice import Choice, choose
from genesis.failover.order import Shelf, effective_order
from genesis.failover.state import AuthState, AuthStateFile
from genesis.providers.provider import Endpoint, Manifest
from genesis.providers.registry import Registry

Warn = Callable[[str], None]


@dataclass(frozen=True)
class Installation:
    """As the files and the environment are at one moment."""

    paths: Paths
    loaded: Loaded
    registry: Registry
    stored: Mapping[str, Profile]
    state: AuthState
    now_ms: float

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """The providers that there are."""
        return self.registry.manifests

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @cached_property
    def exempt(self) -> frozenset[str]:
        """The providers whose keys never rest."""
        return frozenset(name for name, one in self.manifests.items() if one.is_cooldown_exempt)

    @cached_property
    def choice(self) -> Choice:
        """The models that the settings choose."""
        return choose(self.settings, self.manifests, self.has_key)

    @cached_property
    def shelf(self) -> Shelf:
        """What decides the order of stored keys."""
        auth, state = self.settings.auth, self.state
        return Shelf(self.stored, auth, state.order, state.usage_stats, self.exempt)

    def catalog(self, discovered: Mapping[str, Sequence[Model]]) -> Catalog:
        """The models of all providers: what was just discovered, else what `models.json` keeps of before."""
        kept = {name: one.models for name, one in read(self.paths.models_file).items()}
        return build(self.manifests, self.settings.models.providers, {**kept, **discovered})

    def resolved(self, provider: str) -> Resolved | None:
        """The key that the provider would be asked with now."""
        names = effective_order(self.shelf, provider, self.now_ms)
        usable = {name: self.stored[name] for name in names}
        return self._keyring(self.settings, usable, {provider: names}).find(
            provider, self._variables(provider)
        )

    def from_env(self, provider: str) -> Resolved | None:
        """The provider's key in the environment, whether or not it is the one in use."""
        return self._keyring(Settings(), {}).find(provider, self._variables(provider))

    def from_settings(self, provider: str) -> Resolved | None:
        """The provider's key in the settings, whether or not it is the one in use."""
        return self._keyring(self.settings, {}).find(provider, ())

    def has_key(self, provider: str) -> bool:
        """Can the provider be asked: is there a key, or does it need none?"""
        if self.resolved(provider) is not None:
            return True
        manifest = self.manifests.get(provider)
        if manifest is not None:
            return not manifest.wants_key
        # A server on this machine, configured without a key, is one that wants none.
        return provider in self.settings.models.providers and self.is_local(provider)

    def base_url(self, provider: str) -> str:
        """Where the provider is reached."""
        block = self.settings.models.providers.get(provider)
        if block is not None:
            return block.base_url
        manifest = self.manifests.get(provider)
        return manifest.base_url if manifest is not None else ""

    def every_key(self, provider: str) -> list[Resolved]:
        """Each key of the provider: the stored ones, the environment's, the settings'."""
        names = effective_order(self.shelf, provider, self.now_ms)
        ring = self._keyring(self.settings, self.stored)
        found = [ring.find(provider, (), name) for name in names]
        found += [self.from_env(provider), self.from_settings(provider)]
        distinct: dict[Secret, Resolved] = {}
        for one in found:
            if one is not None:
                distinct.setdefault(one.key, one)
        return list(distinct.values())

    def endpoint(self, provider: str, found: Resolved | None) -> Endpoint:
        """Where and with which key the provider is asked."""
        block = self.settings.models.providers.get(provider)
        key = found.key if found else None
        return self.registry.endpoint(provider, block, key, self.loaded.environ)

    def api(self, provider: str) -> str | None:
        """The wire format that the settings name for the provider."""
        block = self.settings.models.providers.get(provider)
        return block.api if block is not None else None

    def is_local(self, provider: str) -> bool:
        """Is it on this machine?"""
        return is_local_url(self.base_url(provider))

    def _variables(self, provider: str) -> tuple[str, ...]:
        manifest = self.manifests.get(provider)
        return manifest.env if manifest is not None else ()

    def _keyring(
        self,
        settings: Settings,
        stored: Mapping[str, Profile],
        order: Mapping[str, list[str]] | None = None,
    ) -> Keyring:
        loaded = self.loaded
        return Keyring(loaded.environ, loaded.sources, settings, stored, order or {})


def open_installation(environ: Mapping[str, str], warn: Warn) -> Installation:
    """Read everything as it is now. Raises ConfigError for settings that are not usable."""
    loaded = load(Paths.of(environ), environ, warn=warn, folder=Path.cwd()).require()
    return installation_of(loaded, warn)


def installation_of(loaded: Loaded, warn: Warn) -> Installation:
    """What belongs to settings that are read already."""
    paths = loaded.paths
    return Installation(
        paths=paths,
        loaded=loaded,
        registry=Registry.of(loaded.settings.plugins, warn),
        stored=Profiles(paths.auth_profiles).load(),
        state=AuthStateFile(paths.auth_state).load(),
        now_ms=time.time_ns() / 1e6,
    )
