"""Finds provider plug-ins by their entry points; reads manifests without running code, loads code when it is asked for."""

import importlib.metadata
import importlib.util
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from genesis.core.fault import GenesisError
from genesis.core.model import Model
from genesis.providers.provider import Manifest, Provider, Warn

GROUP = "genesis.providers"
GENERIC = "openai-compatible"
_OURS = "genesis."


class Registry:
    """The plug-ins that are there and allowed. `entries` are the entry points; tests give their own."""

    def __init__(
        self,
        *,
        allow: Iterable[str] | None = None,
        deny: Iterable[str] = (),
        warn: Warn = lambda _text: None,
        entries: Iterable[importlib.metadata.EntryPoint] | None = None,
    ) -> None:
        found = importlib.metadata.entry_points(group=GROUP) if entries is None else entries
        allowed = None if allow is None else {name.lower() for name in allow}
        denied = {name.lower() for name in deny}
        self._entries: dict[str, importlib.metadata.EntryPoint] = {}
        self._loaded: dict[str, Provider] = {}
        manifests: dict[str, Manifest] = {}
        for entry in found:
            is_ours = entry.value.startswith(_OURS)
            if entry.name in denied or (
                allowed is not None and not is_ours and entry.name not in allowed
            ):
                continue  # a list of allowed plug-ins does not switch built-in ones off
            try:
                manifest = read_manifest(entry)
            except (
                OSError,
                tomllib.TOMLDecodeError,
                msgspec.ValidationError,
                ImportError,
            ) as error:
                warn(f'The provider plug-in "{entry.name}" is not usable and is left out: {error}')
                continue
            self._entries[manifest.id] = entry
            manifests[manifest.id] = manifest
        self.manifests: Mapping[str, Manifest] = manifests

    def manifest(self, provider: str) -> Manifest | None:
        """What is known of a provider."""
        return self.manifests.get(provider)

    def load(self, provider: str) -> Provider:
        """The provider's code; of one that no plug-in claims, the generic one's. Raises GenesisError."""
        name = provider if provider in self._entries else GENERIC
        known = self._loaded.get(name)
        if known is not None:
            return known
        entry = self._entries.get(name)
        if entry is None:
            raise GenesisError(
                f'There is no provider "{provider}". `genesis models list --all` shows those that are there.'
            )
        try:
            make: Callable[[], Provider] = entry.load()
            made = make()
        except Exception as error:
            raise GenesisError(
                f'The provider plug-in "{entry.name}" failed to load: {error}'
            ) from error
        self._loaded[name] = made
        return made


def read_manifest(entry: importlib.metadata.EntryPoint) -> Manifest:
    """The manifest of a plug-in. Its package is found, not imported."""
    top, *rest = entry.module.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"there is no package {top}")
    folder = Path(spec.submodule_search_locations[0]).joinpath(*rest)
    content = tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8"))
    return msgspec.convert(content, Manifest)


def static_models(manifest: Manifest | None) -> tuple[Model, ...]:
    """The models that a provider has without being asked."""
    return manifest.models if manifest is not None else ()
