"""Where onboarding's key comes from: the flag, the environment, the store, a question, a login by page and code.

Nothing is stored here: Chosen says what is to be stored once the key has been tried.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from genesis.auth.profiles import Profile
from genesis.auth.texts import normalise
from genesis.commands import onboard_questions as questions
from genesis.commands.onboard_options import DEVICE, Wishes, flag_of
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.provider import AuthChoice, Manifest


@dataclass(frozen=True)
class Chosen:
    """The key, and the profile that is to be stored (None: it is stored already). `is_typed`: it can be asked again."""

    key: Secret
    profile: Profile | None
    is_typed: bool = False


@dataclass(frozen=True)
class Places:
    """Where a key can be: the environment in force, the stored profiles; and the gateway that gives one."""

    manifest: Manifest
    choice: AuthChoice
    environ: Mapping[str, str] = field(repr=False)
    stored: Mapping[str, Profile]
    base_url: str
    show_code: Callable[[str, str], None] = questions.show_code

    @property
    def variable(self) -> str:
        """The usual variable of the provider's key; "" if it has none."""
        return next(iter(self.manifest.env), "")

    @property
    def in_environ(self) -> str:
        """The environment's key; "" if there is none."""
        return normalise(self.environ.get(self.variable, ""))

    def kept(self) -> Secret | None:
        """The key of a stored profile of the provider."""
        for profile in self.stored.values():
            if profile.provider == self.manifest.id and profile.type == "api_key":
                found = profile.found_in(self.environ)
                if found is not None:
                    return found
        return None


def choose_key(wishes: Wishes, places: Places) -> Chosen:
    """The key that the wishes lead to. Raises GenesisError if there is none."""
    if wishes.is_ref:
        return _reference(wishes, places)
    if wishes.choice == DEVICE:
        return _new(places, _by_device(places))
    if wishes.key is not None:
        return _new(places, wishes.key)
    kept = places.kept()
    if wishes.is_interactive:
        text = questions.ask_key(
            places.choice.prompt,
            places.variable,
            places.in_environ,
            has_stored=kept is not None,
        )
        if text:
            return _new(places, Secret(text), is_typed=True)
    elif places.in_environ:
        return _new(places, Secret(places.in_environ))
    if kept is None:
        raise GenesisError(
            f"Missing {flag_of(places.manifest)} (or {places.variable or 'its variable'} in env, "
            f"or existing {places.manifest.id} API-key profile)."
        )
    return Chosen(kept, None, is_typed=wishes.is_interactive)


def another_key(places: Places) -> Chosen:
    """A key typed anew after one that was refused."""
    return _new(places, Secret(questions.new_key(places.choice.prompt)), is_typed=True)


def _new(places: Places, key: Secret, *, is_typed: bool = False) -> Chosen:
    return Chosen(key, Profile("api_key", places.manifest.id, key), is_typed)


def _reference(wishes: Wishes, places: Places) -> Chosen:
    variable = places.variable
    if not variable:
        raise GenesisError(
            f"--secret-input-mode ref stores a variable's name, and {places.manifest.label} has no variable of its own."
        )
    if not places.in_environ:
        if wishes.key is not None:
            raise GenesisError(
                f"{flag_of(places.manifest)} cannot be used with --secret-input-mode ref "
                f"unless {variable} is set in env.\n"
                f"Export {variable} and leave the flag out, or use --secret-input-mode plaintext."
            )
        raise GenesisError(
            f"--secret-input-mode ref stores the name of {variable}, which has no value in env. "
            "Export it and run the command again."
        )
    profile = Profile("api_key", places.manifest.id, key_env=variable)
    return Chosen(Secret(places.in_environ), profile)


def _by_device(places: Places) -> Secret:
    # Late: only this way of login needs the network before the key is there.
    from genesis.auth.device import Time, device_login
    from genesis.auth.gateway_check import post_form

    clock = Time(time.monotonic, time.sleep)
    return device_login(places.base_url, post_form, places.show_code, clock)
