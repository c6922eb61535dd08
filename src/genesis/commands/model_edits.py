"""What `genesis models set|fallbacks|aliases` change in the settings (genesis.md 10.4, 10.6). Each works on the plain file."""

import re
from collections.abc import Callable
from typing import Any

from genesis.core.fault import GenesisError
from genesis.core.refs import ModelRef, key
from genesis.failover.choice import Choice

ALIAS = re.compile(r"[A-Za-z0-9_.:-]+")
Raw = dict[str, Any]
Change = Callable[[Raw], object]


def set_primary(raw: Raw, ref: ModelRef) -> None:
    """Make it the default; fallbacks stay."""
    written = key(ref) + (f"@{ref.profile}" if ref.profile else "")
    _choice(raw)["primary"] = written
    ensure_listed(raw, ref)


def ensure_listed(raw: Raw, ref: ModelRef) -> None:
    """Give the model its entry under `agents.defaults.models`, if it has none."""
    _models(raw).setdefault(key(ref), {})


def set_fallbacks(raw: Raw, refs: list[str]) -> None:
    """Put the list in place of the old one."""
    _choice(raw)["fallbacks"] = refs


def add_fallback(raw: Raw, ref: ModelRef, choice: Choice) -> None:
    """Append the model unless it is in the list."""
    listed = _fallbacks(raw)
    if key(ref) not in {key(one) for one in choice.fallbacks}:
        listed.append(key(ref))
    set_fallbacks(raw, listed)
    ensure_listed(raw, ref)


def remove_fallback(raw: Raw, ref: ModelRef, choice: Choice) -> None:
    """Take the model out. Raises GenesisError if it is not in the list."""
    target, listed = key(ref), _fallbacks(raw)
    kept = [text for text in listed if _key_of(text, choice) != target]
    if len(kept) == len(listed):
        raise GenesisError(f"Fallback not found: {target}")
    set_fallbacks(raw, kept)


def checked_alias(text: str) -> str:
    """The alias, if it may be one."""
    alias = text.strip()
    if not alias:
        raise GenesisError("Alias cannot be empty.")
    if not ALIAS.fullmatch(alias):
        raise GenesisError("Alias must use letters, numbers, dots, underscores, colons, or dashes.")
    return alias


def add_alias(raw: Raw, alias: str, ref: ModelRef, choice: Choice) -> None:
    """Name the model so; a name belongs to one model."""
    for known, target in choice.aliases.items():
        if known.lower() == alias.lower() and target != key(ref):
            raise GenesisError(f"Alias {alias} already points to {target}.")
    entry = _models(raw).setdefault(key(ref), {})
    entry["alias"] = alias


def remove_alias(raw: Raw, alias: str) -> None:
    """Take the name away from its model. Raises GenesisError if no model has it."""
    found = False
    for entry in _models(raw).values():
        if isinstance(entry, dict) and str(entry.get("alias", "")).lower() == alias.strip().lower():
            del entry["alias"]
            found = True
    if not found:
        raise GenesisError(f"Alias not found: {alias.strip()}")


def _key_of(text: str, choice: Choice) -> str:
    try:
        return key(choice.resolve(text)[0])
    except GenesisError:
        return text


def _defaults(raw: Raw) -> Raw:
    found: Raw = raw.setdefault("agents", {}).setdefault("defaults", {})
    return found


def _models(raw: Raw) -> Raw:
    found: Raw = _defaults(raw).setdefault("models", {})
    return found


def _choice(raw: Raw) -> Raw:
    """The default model in its long form: `"x"` becomes `{primary: "x"}`."""
    defaults = _defaults(raw)
    found = defaults.get("model")
    if not isinstance(found, dict):
        found = {"primary": found} if isinstance(found, str) and found.strip() else {}
        defaults["model"] = found
    return found


def _fallbacks(raw: Raw) -> list[str]:
    return list(_choice(raw).get("fallbacks", []))
