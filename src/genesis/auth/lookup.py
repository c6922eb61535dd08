"""find_key: which key a provider is asked with, and where it came from (genesis.md 4.1)."""

import re
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from genesis.auth.profiles import Profile
from genesis.auth.texts import normalise
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.config.schema_models import ProviderSettings
from genesis.config.section import SecretSetting
from genesis.config.substitution import has_reference
from genesis.core.refs import normal_provider
from genesis.core.secret import Secret

# What reads like a variable that holds a key is its name, not a key.
_MARKER = re.compile(r"[A-Z][A-Z0-9_]*_(?:KEY|TOKEN)")

Kind = Literal["profiles", "env", "models.json"]


class Resolved(msgspec.Struct, frozen=True):
    """A key and its origin. `source` is for people (`env: KILOCODE_API_KEY`), `marker` what may be written in
    `models.json` instead of the key ("" if the key is not from the environment)."""

    key: Secret
    source: str
    kind: Kind
    profile: str | None = None
    marker: str = ""


class Keyring(msgspec.Struct, frozen=True):
    """Everything that keys are looked up in: the environment with its sources, settings, stored profiles, their order."""

    environ: Mapping[str, str]
    sources: Mapping[str, str]
    settings: Settings
    profiles: Mapping[str, Profile]
    order: Mapping[str, Sequence[str]] = {}

    def find(
        self, provider: str, variables: Sequence[str], profile: str | None = None
    ) -> Resolved | None:
        """The key of a provider, whose usual variables are given; `profile` asks for one stored key."""
        provider = normal_provider(provider)
        if profile is not None:
            return self._stored(provider, profile)
        block = self._block(provider)
        if block is not None and block.auth == "api-key":
            found = self._configured(block.api_key)
            if found is not None:
                return found
        for name in self.order.get(provider, ()) or self._names(provider):
            found = self._stored(provider, name)
            if found is not None:
                return found
        for variable in variables:
            found = self._variable(variable)
            if found is not None:
                return found
        return self._configured(block.api_key) if block is not None else None

    def _block(self, provider: str) -> ProviderSettings | None:
        for name, block in self.settings.models.providers.items():
            if normal_provider(name) == provider:
                return block
        return None

    def _names(self, provider: str) -> list[str]:
        for name, order in self.settings.auth.order.items():
            if normal_provider(name) == provider:
                return list(order)
        return [name for name, one in self.profiles.items() if one.provider == provider]

    def _stored(self, provider: str, name: str) -> Resolved | None:
        profile = self.profiles.get(name)
        # An order, or `model@profile`, may name any profile: one provider's key must not reach another.
        if profile is None or profile.provider != provider:
            return None
        key = profile.found_in(self.environ)
        if key is None:
            return None
        return Resolved(key, name, "profiles", name, profile.key_env or "")

    def _variable(self, name: str) -> Resolved | None:
        text = normalise(self.environ.get(name, ""))
        if not text:
            return None
        label = "shell env" if self.sources.get(name) == "shell env" else "env"
        return Resolved(Secret(text), f"{label}: {name}", "env", None, name)

    def _configured(self, setting: SecretSetting | None) -> Resolved | None:
        if setting is None:
            return None
        if setting.ref is not None:
            return self._variable(setting.ref.id)
        text = normalise(setting.literal.reveal()) if setting.literal is not None else ""
        # A variable that has no value leaves its name behind: that is no key.
        if not text or has_reference(text):
            return None
        if _MARKER.fullmatch(text):
            return self._variable(text)
        marked = self._variable(text) if text.isupper() else None
        return marked or Resolved(Secret(text), "models.json", "models.json")


def missing_key_text(provider: str, paths: Paths) -> str:
    """What is said when a provider has no key (genesis.md 4.1)."""
    return (
        f'No API key found for provider "{provider}". Auth store: {paths.shown(paths.auth_profiles)} '
        f"(agentDir: {paths.shown(paths.agent_dir)}). Configure auth for this agent (genesis agents add <id>) or copy "
        f"auth-profiles.json from the main agentDir. `genesis models auth login --provider {provider}` stores one here."
    )
