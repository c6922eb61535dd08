"""Installation: what `genesis models` knows before it answers: settings, keys, providers and their models. No network."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from genesis.auth.lookup import Resolved
from genesis.auth.profiles import Profile, Profiles
from genesis.catalog.catalog import Catalog, build
from genesis.catalog.file import read
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.core.model import Model
from genesis.core.secret import Secret
from genesis.failover.choice import Choice, choose
from genesis.failover.order import Shelf, effective_order
from genesis.failover.state import AuthState, AuthStateFile
from genesis.providers.accounts import Accounts
from genesis.providers.provider import Manifest
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
    def accounts(self) -> Accounts:
        """Where each provider is, and its keys."""
        return Accounts(self.loaded, self.registry)

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
        return self.accounts.key(provider, self.stored, names)

    def has_key(self, provider: str) -> bool:
        """Can the provider be asked: is there a key, or does it need none?"""
        return self.resolved(provider) is not None or not self.accounts.wants_key(provider)

    def every_key(self, provider: str) -> list[Resolved]:
        """Each key of the provider: the stored ones, the environment's, the settings'."""
        accounts, stored = self.accounts, self.stored
        names = effective_order(self.shelf, provider, self.now_ms)
        found = [accounts.key_of_profile(provider, stored, name) for name in names]
        found += [accounts.key_in_environ(provider), accounts.key_in_settings(provider)]
        distinct: dict[Secret, Resolved] = {}
        for one in found:
            if one is not None:
                distinct.setdefault(one.key, one)
        return list(distinct.values())


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
