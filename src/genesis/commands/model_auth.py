"""`genesis models auth list|remove|order`: the stored keys of providers, and which comes first. Shows no key but masked."""

from collections.abc import Sequence
from typing import Any

import msgspec

from genesis.auth.profiles import Profiles
from genesis.auth.texts import mask
from genesis.commands.installation import Installation
from genesis.core.fault import GenesisError
from genesis.failover.order import effective_order, explicit_order
from genesis.failover.state import AuthState, AuthStateFile


def profiles_of(home: Installation, provider: str | None) -> list[dict[str, Any]]:
    """The stored keys, those of each provider in the order in which they are tried."""
    providers = sorted({one.provider for one in home.stored.values()})
    found: list[dict[str, Any]] = []
    for name in providers:
        if provider is not None and name != provider:
            continue
        ordered = effective_order(home.shelf, name, home.now_ms)
        unused = [id_ for id_, one in home.stored.items() if one.provider == name]
        for id_ in dict.fromkeys([*ordered, *unused]):
            stored = home.stored[id_]
            key = stored.found_in(home.loaded.environ)
            entry = {"id": id_, "provider": name, "type": stored.type}
            entry["key"] = mask(key.reveal()) if key is not None else "missing"
            if stored.key_env:
                entry["source"] = f"env: {stored.key_env}"
            found.append(entry | {"used": id_ in ordered})
    return found


def profiles_text(listed: Sequence[dict[str, Any]]) -> str:
    """The stored keys for people."""
    lines = [f"Auth profiles ({len(listed)}):"]
    for entry in listed:
        source = f", {entry['source']}" if "source" in entry else ""
        unused = "" if entry["used"] else ", not used"
        lines.append(f"- {entry['id']} ({entry['type']}, {entry['key']}{source}{unused})")
    return "\n".join(lines if listed else [*lines, "- none"])


def remove_profile(home: Installation, name: str) -> None:
    """Forget a stored key, and what was known of it."""
    if not Profiles(home.paths.auth_profiles).remove(name):
        known = ", ".join(home.stored) or "none"
        raise GenesisError(f"Auth profile not found: {name}. Stored profiles: {known}.")

    def without(state: AuthState) -> AuthState:
        stats = {id_: one for id_, one in state.usage_stats.items() if id_ != name}
        return msgspec.structs.replace(state, usage_stats=stats)

    AuthStateFile(home.paths.auth_state).change(without)


def order_content(home: Installation, provider: str) -> dict[str, Any]:
    """The provider's order: the one that somebody wrote down, and the one that results."""
    explicit = explicit_order(home.shelf, provider)
    return {
        "provider": provider,
        "authStatePath": home.paths.shown(home.paths.auth_state),
        "order": list(explicit) if explicit is not None else None,
        "effective": effective_order(home.shelf, provider, home.now_ms),
    }


def order_text(content: dict[str, Any]) -> str:
    """The order for people."""
    explicit, effective = content["order"], content["effective"]
    return "\n".join(
        [
            f"Provider: {content['provider']}",
            f"Auth state file: {content['authStatePath']}",
            f"Order override: {', '.join(explicit) or '(no key is used)' if explicit is not None else '(none)'}",
            f"Effective order: {', '.join(effective) or '(none)'}",
        ]
    )


def set_order(home: Installation, provider: str, names: Sequence[str]) -> None:
    """Write the order down, in place of one of before."""
    for name in names:
        stored = home.stored.get(name)
        if stored is None:
            known = ", ".join(id_ for id_, one in home.stored.items() if one.provider == provider)
            raise GenesisError(
                f"Auth profile not found: {name}. Profiles of {provider}: {known or 'none'}."
            )
        if stored.provider != provider:
            raise GenesisError(
                f"Auth profile {name} belongs to {stored.provider}, not to {provider}."
            )
    ordered = tuple(dict.fromkeys(names))
    _change_order(home, lambda order: {**order, provider: ordered})


def clear_order(home: Installation, provider: str) -> None:
    """Forget the order that was written down by a command; the settings' own stays."""
    _change_order(home, lambda order: {name: one for name, one in order.items() if name != provider})  # fmt: skip


def _change_order(home: Installation, change: Any) -> None:
    def changed(state: AuthState) -> AuthState:
        return msgspec.structs.replace(state, order=change(state.order))

    AuthStateFile(home.paths.auth_state).change(changed)
