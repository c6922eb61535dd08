"""Every secret that is known: what results of tools must not carry on, and what a log must not have in it."""

import re
from collections.abc import Iterable, Iterator, Mapping

from genesis.auth.profiles import Profile, Profiles
from genesis.auth.texts import normalise
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.schema import Settings
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret

# Variables whose values are secrets, whatever they look like.
_NAMES = ("KEY", "TOKEN", "PASSWORD", "SECRET")
_HEADER = re.compile(r"auth|token|key|secret|cookie|passw|credential|session|signature", re.IGNORECASE)  # fmt: skip
# Where people and programs write down what is meant to be kept: `.env` of the state, `env` of the settings.
_PLACES = frozenset({".env", "config env", "shell env"})
# A shorter one would be found in words that have nothing to do with it.
_SHORTEST = 8


def keys_and_tokens(
    loaded: Loaded, stored: Mapping[str, Profile], variables: Iterable[str]
) -> list[Secret]:
    """Those of providers and of the daemon, the longest first. `variables` hold providers' keys."""
    environ, settings = loaded.environ, loaded.settings
    texts = [normalise(environ.get(name, "")) for name in variables]
    texts += [value for name, value in environ.items() if name.startswith("GENESIS_") and name.endswith(_NAMES)]  # fmt: skip
    texts += [value for name, value in _headers(settings) if _HEADER.search(name)]
    found = [one.found_in(environ) for one in stored.values()]
    found += [one.refresh for one in stored.values()]
    given = [block.api_key for block in settings.models.providers.values()]
    given += [settings.gateway.auth.token, settings.gateway.auth.password, settings.gateway.remote.token]  # fmt: skip
    found += [one.literal for one in given if one is not None]
    found += [Secret(part) for text in texts for part in _parts(text)]
    return _ordered(secret for secret in found if secret)


def for_logs(loaded: Loaded, stored: Mapping[str, Profile]) -> list[Secret]:
    """All that could be one: nobody misses a word in a log. The longest first."""
    values = [value for name, value in loaded.environ.items() if name.upper().endswith(_NAMES) or loaded.sources.get(name) in _PLACES]  # fmt: skip
    values += [value for _, value in _headers(loaded.settings)]
    parts = [Secret(part) for text in values for part in _parts(text) if len(part) >= _SHORTEST]
    return _ordered([*parts, *keys_and_tokens(loaded, stored, ())])


def after_a_crash(environ: Mapping[str, str]) -> list[Secret]:
    """The same of whatever can still be read."""
    paths = Paths.of(environ)
    loaded = load(paths, environ, run_shell=_no_shell)
    try:
        stored = Profiles(paths.auth_profiles).load()
    except (GenesisError, OSError):
        stored = {}
    return for_logs(loaded, stored)


def _headers(settings: Settings) -> Iterator[tuple[str, str]]:
    for block in settings.models.providers.values():
        yield from block.headers.items()
        for model in block.models:
            yield from model.headers.items()


def _parts(text: str) -> list[str]:
    """The text, and what stands behind `Bearer`."""
    scheme, _, rest = text.strip().partition(" ")
    return [text.strip(), rest.strip()] if scheme.isalpha() and rest.strip() else [text.strip()]


def _ordered(secrets: Iterable[Secret]) -> list[Secret]:
    """Each once; one that is a part of another comes after it."""
    return sorted(dict.fromkeys(secrets), key=lambda secret: -len(secret.reveal()))


def _no_shell(shell: str, environ: Mapping[str, str], timeout_s: float) -> bytes:
    """No time for one."""
    del shell, environ, timeout_s
    return b""
