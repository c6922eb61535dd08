"""Where the key comes from, and what would be stored of it."""

import pytest

from genesis.auth.profiles import Profile
from genesis.commands.onboard_key import Places, choose_key
from genesis.commands.onboard_options import Wishes
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.registry import Registry

KILO = Registry().manifests["kilocode"]
NAME = "KILOCODE_API_KEY"
STORED = {
    "o": Profile("api_key", "openai", Secret("sk-other")),
    "t": Profile("oauth", "kilocode", Secret("kk-oauth")),
    "k": Profile("api_key", "kilocode", Secret("kk-stored")),
}


def choose(*, env="", stored=None, **wishes):
    environ = {NAME: env} if env else {}
    places = Places(KILO, KILO.auth_choice, environ, stored or {}, "http://x/")
    return choose_key(Wishes(choice="kilocode-api-key", is_interactive=False, **wishes), places)


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"key": Secret("kk-flag"), "env": "kk-env", "stored": STORED}, "kk-flag"),
        ({"env": " kk-env\n", "stored": STORED}, "kk-env"),
    ],
)
def test_a_key_from_outside_is_to_be_stored(given, key):
    chosen = choose(**given)
    assert chosen.key == Secret(key)
    assert chosen.profile == Profile("api_key", "kilocode", Secret(key))


def test_a_stored_key_is_not_stored_again():
    chosen = choose(stored=STORED)
    assert (chosen.key, chosen.profile) == (Secret("kk-stored"), None)


@pytest.mark.parametrize("env", ["", "  "])
def test_no_key_at_all(env):
    with pytest.raises(GenesisError, match=r"Missing --kilocode-api-key \(or KILOCODE_API_KEY in"):
        choose(env=env, stored={"o": STORED["o"], "t": STORED["t"]})


def test_a_reference_is_stored_instead_of_the_key():
    chosen = choose(env="kk-env", key=Secret("kk-flag"), input_mode="ref")
    assert chosen.key == Secret("kk-env")
    assert chosen.profile == Profile("api_key", "kilocode", key_env=NAME)


def test_a_reference_needs_a_value():
    with pytest.raises(GenesisError, match="which has no value in env"):
        choose(input_mode="ref", stored=STORED)
