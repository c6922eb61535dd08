"""Profiles: `auth-profiles.json`, the only file that holds keys (mode 0600, in a folder of mode 0700)."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from genesis.auth.texts import normalise
from genesis.config.files import PRIVATE_DIR, locked, make_private_dir, write_private
from genesis.core.fault import GenesisError
from genesis.core.refs import normal_provider
from genesis.core.secret import Secret

VERSION = 1
# Where a profile's secret stands, by its type (`api_key`, `token`, `oauth`), or the variable that has it.
_SECRETS = ("key", "token", "access")
_REFS = ("keyRef", "tokenRef")


class Profile(msgspec.Struct, frozen=True):
    """One stored key. `key` is None where only the name of its environment variable is stored (`key_env`).

    `expires_ms` is the end of a key that has one, in ms since the epoch. A login that another program stored (`oauth`) has its
    access token as key; `refresh` is kept for that program, and known here so that nothing shows it.
    """

    type: str
    provider: str
    key: Secret | None = None
    key_env: str | None = None
    expires_ms: float | None = None
    refresh: Secret | None = None

    def found_in(self, environ: Mapping[str, str]) -> Secret | None:
        """The key itself; None if its variable has no value."""
        if self.key is not None:
            return self.key
        text = normalise(environ.get(self.key_env or "", ""))
        return Secret(text) if text else None


class Profiles:
    """The store. Every change reads the file anew, so that two programs do not undo each other's."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, Profile]:
        """All profiles by id; entries that cannot be read are left out. Raises GenesisError for a file that is no JSON."""
        found = self._read()["profiles"]
        profiles = {name: _profile(entry) for name, entry in found.items()}
        return {name: profile for name, profile in profiles.items() if profile is not None}

    def put(self, name: str, profile: Profile) -> None:
        """Store a profile, in place of one of that name."""
        entry: dict[str, Any] = {"type": profile.type, "provider": profile.provider}
        # What others wrote beside the key stays, what was the key before does not.
        known = {"type", "provider", *_SECRETS, *_REFS, "refresh", "expires"}
        if profile.key is not None:
            entry["key"] = profile.key.reveal()
        elif profile.key_env:
            entry["keyRef"] = {"source": "env", "provider": "default", "id": profile.key_env}
        if profile.expires_ms is not None:
            entry["expires"] = profile.expires_ms
        with locked(self.path):
            content = self._read()
            before = content["profiles"].get(name)
            rest = before if isinstance(before, dict) else {}
            content["profiles"][name] = entry | {
                field: value for field, value in rest.items() if field not in known
            }
            self._write(content)

    def remove(self, name: str) -> bool:
        """Forget a profile; whether there was one."""
        with locked(self.path):
            content = self._read()
            if content["profiles"].pop(name, None) is None:
                return False
            self._write(content)
            return True

    def _read(self) -> dict[str, Any]:
        try:
            content = msgspec.json.decode(self.path.read_bytes())
        except FileNotFoundError:
            content = {}
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise GenesisError(
                f"The store of keys {self.path} is not valid JSON. Repair it, or move it away and run `genesis onboard`."
            ) from None
        if not isinstance(content, dict):
            content = {}
        profiles = content.get("profiles")
        return (
            {"version": VERSION}
            | content
            | {"profiles": profiles if isinstance(profiles, dict) else {}}
        )

    def _write(self, content: dict[str, Any]) -> None:
        make_private_dir(self.path.parent)
        self.path.parent.chmod(PRIVATE_DIR)
        write_private(self.path, msgspec.json.format(msgspec.json.encode(content)).decode() + "\n")


def _profile(entry: object) -> Profile | None:
    if not isinstance(entry, dict):
        return None
    kind, provider = entry.get("type"), entry.get("provider")
    if not isinstance(kind, str) or not isinstance(provider, str):
        return None
    return Profile(
        kind,
        normal_provider(provider),
        next((found for name in _SECRETS if (found := _secret(entry.get(name)))), None),
        next((name for ref in _REFS if (name := _variable(entry.get(ref)))), None),
        _end(entry.get("expires")),
        _secret(entry.get("refresh")),
    )


def _secret(value: object) -> Secret | None:
    text = normalise(value)
    return Secret(text) if text else None


def _variable(ref: object) -> str | None:
    name = ref.get("id") if isinstance(ref, dict) and ref.get("source") == "env" else None
    return name if isinstance(name, str) else None


def _end(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None
