"""Accounts: what the plug-ins, the settings and the environment together say of each provider: where it is, with which key.

No network and no file: stored keys, and the order in which they are tried, are given by whoever knows how they stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from genesis.auth.lookup import Keyring, Resolved
from genesis.auth.profiles import Profile
from genesis.config.load import Loaded
from genesis.config.schema import Settings
from genesis.config.schema_models import ProviderSettings
from genesis.core.hosts import is_local_url
from genesis.providers.provider import Endpoint
from genesis.providers.registry import Registry

Stored = Mapping[str, Profile]


@dataclass(frozen=True)
class Accounts:
    """As the settings and the environment are at one moment."""

    loaded: Loaded
    registry: Registry

    def block(self, provider: str) -> ProviderSettings | None:
        """What the settings say of the provider."""
        return self.loaded.settings.models.providers.get(provider)

    def api(self, provider: str) -> str | None:
        """The wire format that the settings name for the provider."""
        block = self.block(provider)
        return block.api if block is not None else None

    def base_url(self, provider: str) -> str:
        """Where the provider is reached; "" if nobody knows."""
        block = self.block(provider)
        if block is not None:
            return block.base_url
        manifest = self.registry.manifest(provider)
        return manifest.base_url if manifest is not None else ""

    def is_local(self, provider: str) -> bool:
        """Is it on this machine?"""
        return is_local_url(self.base_url(provider))

    def is_known(self, provider: str) -> bool:
        """Is there such a provider?"""
        return self.registry.manifest(provider) is not None or self.block(provider) is not None

    def wants_key(self, provider: str) -> bool:
        """Can the provider be asked with a key alone?"""
        manifest = self.registry.manifest(provider)
        if manifest is not None:
            return manifest.wants_key
        # A server on this machine, configured without a key, is one that wants none.
        return not self.is_local(provider)

    def variables(self, provider: str) -> tuple[str, ...]:
        """The variables of its key, the first one that is set counts."""
        manifest = self.registry.manifest(provider)
        return manifest.env if manifest is not None else ()

    def all_variables(self) -> list[str]:
        """The variables that hold any provider's key."""
        return [name for one in self.registry.manifests.values() for name in one.env]

    def key(self, provider: str, stored: Stored, order: Sequence[str]) -> Resolved | None:
        """The key that the provider is asked with; of the stored ones only those in the order are tried."""
        usable = {name: stored[name] for name in order if name in stored}
        ring = self._keyring(self.loaded.settings, usable, {provider: order})
        return ring.find(provider, self.variables(provider))

    def key_of_profile(self, provider: str, stored: Stored, profile: str) -> Resolved | None:
        """One stored key, if it is the provider's and has a value."""
        return self._keyring(self.loaded.settings, stored).find(provider, (), profile)

    def key_in_environ(self, provider: str) -> Resolved | None:
        """The provider's key in the environment, whether or not it is the one in use."""
        return self._keyring(Settings(), {}).find(provider, self.variables(provider))

    def key_in_settings(self, provider: str) -> Resolved | None:
        """The provider's key in the settings, whether or not it is the one in use."""
        return self._keyring(self.loaded.settings, {}).find(provider, ())

    def endpoint(self, provider: str, found: Resolved | None) -> Endpoint:
        """Where and with which key the provider is asked."""
        key = found.key if found else None
        return self.registry.endpoint(provider, self.block(provider), key, self.loaded.environ)

    def _keyring(
        self, settings: Settings, stored: Stored, order: Mapping[str, Sequence[str]] | None = None
    ) -> Keyring:
        loaded = self.loaded
        return Keyring(loaded.environ, loaded.sources, settings, stored, order or {})
