"""Stored keys that end by themselves (`expires` in `auth-profiles.json`, ms since the epoch), and what `--check` says of them."""

from collections.abc import Sequence
from typing import Any

from genesis.auth.profiles import Profile
from genesis.commands.installation import Installation

SOON_MS = 86_400_000
MISSING, SOON = 1, 2


def expiries(home: Installation) -> dict[str, Any]:
    """Each stored key that has an end, and where each provider with such a key stands."""
    profiles = [
        {"profileId": name, "provider": one.provider, "type": one.type} | _end(one, home.now_ms)
        for name, one in home.stored.items()
        if one.expires_ms is not None
    ]
    providers = []
    for provider in sorted({str(entry["provider"]) for entry in profiles}):
        used = _used(home, provider)
        end = _end(used, home.now_ms) if used is not None else {"status": "static"}
        providers.append({"provider": provider} | end)
    return {"warnAfterMs": SOON_MS, "profiles": profiles, "providers": providers}


def exit_code(home: Installation, missing: Sequence[str]) -> int:
    """1 if a model in use cannot be asked, or only with a key that has expired; 2 if its key expires soon; else 0."""
    used = [_used(home, name) for name in {ref.provider for ref in home.choice.in_use}]
    states = {_end(one, home.now_ms)["status"] for one in used if one is not None}
    if missing or "expired" in states:
        return MISSING
    return SOON if "expiring" in states else 0


def line(entry: dict[str, Any]) -> str:
    """One key for people."""
    hours = abs(entry["remainingMs"]) // 3_600_000
    span = f"{hours} h" if hours < 72 else f"{hours // 24} days"
    if entry["status"] == "expired":
        login = f"`genesis models auth login --provider {entry['provider']}`"
        return f"- {entry['profileId']} ({entry['type']}) has expired {span} ago: {login}"
    return f"- {entry['profileId']} ({entry['type']}) expires in {span}"


def _used(home: Installation, provider: str) -> Profile | None:
    """The stored key that the provider would be asked with; None if that is another kind of key."""
    found = home.resolved(provider)
    return home.stored.get(found.profile) if found is not None and found.profile else None


def _end(profile: Profile, now_ms: float) -> dict[str, Any]:
    if profile.expires_ms is None:
        return {"status": "static"}
    left = profile.expires_ms - now_ms
    status = "expired" if left <= 0 else "expiring" if left <= SOON_MS else "ok"
    return {"status": status, "expiresAt": int(profile.expires_ms), "remainingMs": int(left)}
