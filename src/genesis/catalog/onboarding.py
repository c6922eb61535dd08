"""What onboarding writes into the settings (genesis.md 5.4). Pure: the file's plain content, changed in place; never a key.

*apply provider* makes a provider usable; *apply provider and make default* also chooses its model.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from genesis.config.section import GATEWAY_PORT
from genesis.core.refs import ModelRef, key
from genesis.providers.provider import Manifest

Raw = dict[str, Any]
TOKEN_BYTES = 24


def apply_provider(raw: Raw, manifest: Manifest, base_url: str | None = None) -> None:
    """Make the provider usable. What the settings say already stays: its models, its key, an alias, an order."""
    choice = manifest.auth_choice
    profile = choice.profile if choice is not None else f"{manifest.id}:default"
    _at(raw, "plugins", "entries", manifest.id)["enabled"] = True
    _put_profile(raw, manifest.id, profile)
    models = _at(raw, "models")
    models.setdefault("mode", "merge")
    _put_block(_at(models, "providers"), manifest, base_url)
    if manifest.default_model:
        entry = _at(raw, "agents", "defaults", "models", _reference(manifest))
        if choice is not None and choice.alias:
            entry.setdefault("alias", choice.alias)


def apply_provider_and_default(raw: Raw, manifest: Manifest, base_url: str | None = None) -> None:
    """The same, and its model becomes the default; fallbacks stay."""
    apply_provider(raw, manifest, base_url)
    defaults = _at(raw, "agents", "defaults")
    model = defaults.get("model")
    chosen = dict(model) if isinstance(model, dict) else {}
    defaults["model"] = chosen | {"primary": _reference(manifest)}


def apply_workspace(raw: Raw, workspace: str) -> None:
    """Where the agent works."""
    _at(raw, "agents", "defaults")["workspace"] = workspace


@dataclass(frozen=True)
class GatewayWishes:
    """What the command line says of the daemon; None: as it is, or the default."""

    mode: str | None = None
    port: int | None = None
    bind: str | None = None
    auth: str | None = None
    token: str | None = None
    password: str | None = None


def apply_gateway(raw: Raw, wishes: GatewayWishes, environ: Mapping[str, str]) -> None:
    """The daemon's settings, whose mode `remote` means that it is elsewhere. Its token: the one asked for, the one that is there, the environment's, a new one."""
    gateway = _at(raw, "gateway")
    gateway["mode"] = wishes.mode or gateway.get("mode") or "local"
    gateway["port"] = wishes.port or gateway.get("port") or GATEWAY_PORT
    gateway["bind"] = wishes.bind or gateway.get("bind") or "loopback"
    gateway.setdefault("tailscale", {"mode": "off", "resetOnExit": False})
    auth = _at(gateway, "auth")
    auth["mode"] = wishes.auth or auth.get("mode") or "token"
    if auth["mode"] == "token":
        known = environ.get("GENESIS_GATEWAY_TOKEN", "").strip()
        auth["token"] = wishes.token or auth.get("token") or known or secrets.token_hex(TOKEN_BYTES)
    elif wishes.password:
        auth["password"] = wishes.password


def apply_rest(raw: Raw, *, at: str, version: str, command: str, mode: str) -> None:
    """The defaults of a first set-up, and a note of this run."""
    _at(raw, "session").setdefault("dmScope", "per-channel-peer")
    _at(raw, "tools").setdefault("profile", "coding")
    _at(raw, "wizard").update(
        {"lastRunAt": at, "lastRunVersion": version, "lastRunCommand": command, "lastRunMode": mode}
    )


def _reference(manifest: Manifest) -> str:
    return key(ModelRef(manifest.id, manifest.default_model))


def _put_profile(raw: Raw, provider: str, profile: str) -> None:
    auth = _at(raw, "auth")
    profiles = _at(auth, "profiles")
    others = {
        name: one for name, one in profiles.items() if name != profile and _is_of(one, provider)
    }
    profiles[profile] = {"provider": provider, "mode": "api_key"}
    order = auth.get("order")
    written = order.get(provider) if isinstance(order, dict) else None
    has_other_mode = any(one.get("mode") != "api_key" for one in others.values())
    if isinstance(written, list) or has_other_mode:
        rest = written if isinstance(written, list) else sorted(others)
        _at(auth, "order")[provider] = [profile, *(name for name in rest if name != profile)]


def _is_of(profile: object, provider: str) -> bool:
    return isinstance(profile, dict) and str(profile.get("provider", "")).lower() == provider


def _put_block(providers: Raw, manifest: Manifest, base_url: str | None) -> None:
    before = providers.get(manifest.id)
    block: Raw = dict(before) if isinstance(before, dict) else {}
    block["baseUrl"] = base_url or block.get("baseUrl") or manifest.base_url
    block.setdefault("api", manifest.api)
    if isinstance(block.get("apiKey"), str):
        block["apiKey"] = block["apiKey"].strip()
    models = list(block.get("models") or ())
    known = {one.get("id") for one in models if isinstance(one, dict)}
    models += [
        msgspec.to_builtins(model)
        for model in manifest.models
        if model.id == manifest.default_model and model.id not in known
    ]
    block["models"] = models
    providers[manifest.id] = block


def _at(raw: Raw, *names: str) -> Raw:
    """The object at a path, made where it is missing."""
    for name in names:
        found = raw.get(name)
        if not isinstance(found, dict):
            found = raw[name] = {}
        raw = found
    return raw
