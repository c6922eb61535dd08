"""`genesis models auth login`: asks for a provider's key and stores it. The key is not shown, and goes to its store only."""

import getpass
import sys
from typing import Any

from genesis.auth.profiles import Profile, Profiles
from genesis.auth.texts import clean_paste, normalise
from genesis.commands.installation import Installation
from genesis.config.load import edit
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret


def login(home: Installation, provider: str) -> str:
    """Ask for the key, store it under the provider's profile, and tell where it is now."""
    manifest = home.manifests.get(provider)
    choice = manifest.auth_choice if manifest is not None else None
    key = asked_key(choice.prompt if choice is not None else f"Enter {provider} API key")
    name = choice.profile if choice is not None else f"{provider}:default"
    Profiles(home.paths.auth_profiles).put(name, Profile("api_key", provider, key))

    # The settings may name the keys that are used: then this one must be among them.
    def named(raw: dict[str, Any]) -> None:
        profiles = raw.setdefault("auth", {}).setdefault("profiles", {})
        profiles[name] = {"provider": provider, "mode": "api_key"}
        order = raw["auth"].get("order", {})
        if provider in order and name not in order[provider]:
            order[provider] = [name, *order[provider]]

    edit(home.paths, named)
    store = home.paths.shown(home.paths.auth_profiles)
    return f"Auth profile: {name} ({provider}/api_key)\nStored in {store}"


def asked_key(prompt: str) -> Secret:
    """The key that the person types or pastes, or that a script writes to standard input."""
    try:
        text = getpass.getpass(f"{prompt}: ") if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        text = ""
    key = normalise(clean_paste(text))
    if not key:
        raise GenesisError(
            "Required: no key was given. Paste it at the prompt, or write it to standard input."
        )
    return Secret(key)
