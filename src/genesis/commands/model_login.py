"""`genesis models auth login`: asks for a provider's key and stores it. The key is not shown, and goes to its store only."""

import sys
from typing import Any

from genesis.auth.profiles import Profile, Profiles
from genesis.auth.texts import clean_paste, normalise
from genesis.commands.installation import Installation
from genesis.commands.onboard_questions import ask_key
from genesis.config.load import edit
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret


def login(home: Installation, provider: str) -> str:
    """Ask for the key, store it under the provider's profile, and tell where it is now."""
    manifest = home.manifests.get(provider)
    choice = manifest.auth_choice if manifest is not None else None
    prompt = choice.prompt if choice is not None else f"Enter {provider} API key"
    variable = next(iter(manifest.env), "") if manifest is not None else ""
    key = asked_key(prompt, variable, normalise(home.loaded.environ.get(variable, "")))
    name = choice.profile if choice is not None else f"{provider}:default"
    Profiles(home.paths.auth_profiles).put(name, Profile("api_key", provider, key))

    # The settings may name the keys that are used: then this one must be among them.
    def named(raw: dict[str, Any]) -> None:
        profiles = raw.setdefault("auth", {}).setdefault("profiles", {})
        profiles[name] = {"provider": provider, "mode": "api_key"}
        order = raw["auth"].get("order", {})
        if provider in order and name not in order[provider]:
            order[provider] = [name, *order[provider]]

    changed = edit(home.paths, named)
    return (
        f"Updated {home.paths.shown(changed)}\nAuth profile: {name} ({provider}/api_key)\n"
        f"Stored in {home.paths.shown(home.paths.auth_profiles)}"
    )


def asked_key(prompt: str, variable: str, in_environ: str) -> Secret:
    """The key that the person types or pastes, or that a script writes to standard input."""
    if sys.stdin.isatty():
        return Secret(ask_key(prompt, variable, in_environ, has_stored=False))
    key = normalise(clean_paste(sys.stdin.readline()))
    if not key:
        raise GenesisError(
            "Required: no key was given. Paste it at the prompt, or write it to standard input."
        )
    return Secret(key)
