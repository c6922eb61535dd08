"""Finds provider plug-ins by their entry points; reads manifests without running code, loads code when it is asked for."""

import importlib
import importlib.util
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from pathlib import Path

import msgspec

from genesis.config.schema import Plugins
from genesis.config.schema_models import ProviderSettings
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.installed import PluginEntry, installed_plugins
from genesis.providers.provider import Endpoint, Manifest, Provider, Warn

GENERIC = "openai-compatible"
# Which plug-in serves a provider that exists in the settings only, by the wire format that they give it.
GENERICS = {"openai-completions": GENERIC, "anthropic-messages": "anthropic"}
_OURS = "genesis."
_ID = re.compile(r"[a-z0-9][a-z0-9._-]*")
_UNREADABLE = (
    OSError,
    ImportError,
    ValueError,  # of a package's own record; also of a file that is no UTF-8, or no TOML
    msgspec.ValidationError,
)


class Registry:
    """The plug-ins that are there and allowed. `entries` are the entry points; tests give their own.

    A list of allowed plug-ins does not switch built-in ones off; `deny` does (genesis.md 3.5).
    """

    def __init__(
        self,
        *,
        allow: Iterable[str] | None = None,
        deny: Iterable[str] = (),
        warn: Warn = lambda _text: None,
        entries: Iterable[PluginEntry] | None = None,
        keeps_connections: bool = False,
    ) -> None:
        self._denied = {name.strip().lower() for name in deny}
        self._allowed = None if allow is None else {name.strip().lower() for name in allow}
        self._keeps_connections = keeps_connections
        self._entries: dict[str, PluginEntry] = {}
        self._loaded: dict[str, Provider] = {}
        self._manifests: dict[str, Manifest] = {}
        found = installed_plugins() if entries is None else entries
        # Ours come first: a plug-in that claims the name of another one is left out.
        for entry in sorted(found, key=lambda one: not _is_ours(one)):
            self._add(entry, warn)

    @classmethod
    def of(cls, plugins: Plugins, warn: Warn, *, keeps_connections: bool = False) -> "Registry":
        """The plug-ins that the settings let in."""
        off = (name for name, entry in plugins.entries.items() if not entry.enabled)
        denied = (*plugins.deny, *off)
        return cls(allow=plugins.allow, deny=denied, warn=warn, keeps_connections=keeps_connections)

    @property
    def manifests(self) -> Mapping[str, Manifest]:
        """What is known of each provider before its code runs, by its id."""
        return self._manifests

    def manifest(self, provider: str) -> Manifest | None:
        """What is known of a provider."""
        return self._manifests.get(provider)

    def endpoint(
        self,
        provider: str,
        settings: ProviderSettings | None,
        key: Secret | None,
        environ: Mapping[str, str] | None = None,
    ) -> Endpoint:
        """Where a provider is reached: as the settings say, else as its manifest does."""
        manifest = self._manifests.get(provider)
        base_url = settings.base_url if settings is not None else ""
        if not base_url and manifest is not None:
            base_url = manifest.base_url
        is_key_sent = settings is None or settings.auth_header is not False
        return Endpoint(
            base_url=base_url,
            key=key if is_key_sent else None,
            headers=settings.headers if settings is not None else {},
            provider=provider,
            environ=environ or {},
        )

    def load(self, provider: str, api: str | None = None) -> Provider:
        """The provider's code; of one that no plug-in claims, that of the generic plug-in for its wire format.

        Raises GenesisError for a provider that is switched off, and for a plug-in that fails.
        """
        if provider in self._denied:
            raise GenesisError(
                f'The provider "{provider}" is switched off in the settings. Take it out of plugins.deny, '
                f"or set plugins.entries.{provider}.enabled to true."
            )
        name = provider
        if provider not in self._entries:
            name = GENERICS.get(api or "openai-completions", GENERIC)
        if name not in self._loaded:
            self._loaded[name] = self._made(name, provider)
        return self._loaded[name]

    async def aclose(self) -> None:
        """Give back the connections that providers kept."""
        for one in self._loaded.values():
            close = getattr(one, "aclose", None)
            if close is not None:
                await close()

    def _add(self, entry: PluginEntry, warn: Warn) -> None:
        name = entry.name.lower()
        if name in self._denied or not self._is_allowed(entry, name):
            return
        try:
            manifest = read_manifest(entry)
        except _UNREADABLE as error:
            warn(f'The provider plug-in "{entry.name}" is not usable and is left out: {error}')
            return
        if manifest.id in self._denied:
            return
        if manifest.id in self._manifests:
            warn(
                f'The provider plug-in "{entry.name}" of the package {entry.package or entry.module} is left out: '
                f'the provider "{manifest.id}" is there already. Uninstall one of them, or rename it in its manifest.'
            )
            return
        self._entries[manifest.id] = entry
        self._manifests[manifest.id] = manifest

    def _is_allowed(self, entry: PluginEntry, name: str) -> bool:
        return self._allowed is None or _is_ours(entry) or name in self._allowed

    def _made(self, name: str, provider: str) -> Provider:
        entry = self._entries.get(name)
        if entry is None:
            raise GenesisError(
                f'There is no provider "{provider}". `genesis models list --all` shows those that are there.'
            )
        try:
            module = importlib.import_module(entry.module)
            make: Callable[[], Provider] = attrgetter(entry.attribute)(module)
            made = make()
        except (
            Exception
        ) as error:  # whatever a plug-in's own code raises: it is named, the program goes on
            raise GenesisError(
                f'The provider plug-in "{entry.name}" failed to load: {error}'
            ) from error
        keep = getattr(made, "keep_connections", None)
        if self._keeps_connections and keep is not None:
            keep()
        return made


def read_manifest(entry: PluginEntry) -> Manifest:
    """The manifest of a plug-in. Its package is found, not imported. Raises what `_UNREADABLE` names."""
    top, *rest = entry.module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"there is no package {top}")
    for location in spec.submodule_search_locations:
        path = _folder(Path(location), rest) / "manifest.toml"
        if path.is_file():
            content = tomllib.loads(path.read_text(encoding="utf-8"))
            return _checked(msgspec.convert(content, Manifest))
    raise FileNotFoundError(f"there is no manifest.toml beside the code of {entry.module}")


def _folder(package: Path, rest: list[str]) -> Path:
    """The folder of the innermost package: the last name may be that of a module in it."""
    for name in rest:
        if not (package / name).is_dir():
            break
        package /= name
    return package


def _checked(manifest: Manifest) -> Manifest:
    if not _ID.fullmatch(manifest.id):
        raise ValueError(
            f'the id "{manifest.id}" in manifest.toml may have small letters, digits, dots and dashes only'
        )
    return manifest


def _is_ours(entry: PluginEntry) -> bool:
    return entry.value.startswith(_OURS)
