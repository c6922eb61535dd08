"""Which key a provider is asked with: the order of genesis.md 4.1."""

import pytest

from genesis.auth.lookup import Keyring, missing_key_text
from genesis.auth.profiles import Profile
from genesis.config.paths import Paths
from genesis.config.schema import Auth, Settings
from genesis.config.schema_models import Models, ProviderSettings
from genesis.config.section import SecretRef, SecretSetting
from genesis.core.secret import Secret

NAME = "KILOCODE_API_KEY"
STORED = {
    "kilocode:default": Profile("api_key", "kilocode", Secret("kk-stored")),
    "kilocode:work": Profile("api_key", "kilocode", Secret("kk-work")),
}


def ring(*, env="", key=None, auth=None, profiles=None, order=None, sources=None):
    block = ProviderSettings(base_url="http://x", models=(), api_key=key, auth=auth)
    settings = Settings(models=Models(providers={"kilocode": block}), auth=Auth(order=order or {}))
    environ = {NAME: env} if env else {}
    return Keyring(environ, sources or {}, settings, profiles or {})


def literal(text):
    return SecretSetting(literal=Secret(text))


@pytest.mark.parametrize(
    ("keyring", "key", "source"),
    [
        (ring(env="test-kilo-key"), "test-kilo-key", "env: KILOCODE_API_KEY"),
        (ring(env="s", sources={NAME: "shell env"}), "s", "shell env: KILOCODE_API_KEY"),
        (ring(env="e", profiles=STORED), "kk-stored", "kilocode:default"),
        (
            ring(env="e", profiles=STORED, order={"kilocode": ("kilocode:work",)}),
            "kk-work",
            "kilocode:work",
        ),
        (ring(env="e", key=literal("c"), auth="api-key", profiles=STORED), "c", "models.json"),
        (ring(env="e", auth="api-key"), "e", "env: KILOCODE_API_KEY"),
        (ring(env="e", key=literal("c")), "e", "env: KILOCODE_API_KEY"),
        (ring(key=literal("c")), "c", "models.json"),
        (ring(env="e", key=literal(NAME)), "e", "env: KILOCODE_API_KEY"),
        (
            ring(env="e", key=SecretSetting(ref=SecretRef(source="env", id=NAME)), auth="api-key"),
            "e",
            "env: KILOCODE_API_KEY",
        ),
    ],
)
def test_A8_the_first_place_that_has_a_key_gives_it(keyring, key, source):
    found = keyring.find("kilocode", [NAME])
    assert found is not None
    assert (found.key, found.source) == (Secret(key), source)


def test_a_profile_that_is_asked_for_is_the_only_one_looked_at():
    keyring = ring(env="e", profiles=STORED)
    assert keyring.find("kilocode", [NAME], "kilocode:work").key == Secret("kk-work")
    assert keyring.find("kilocode", [NAME], "kilocode:gone") is None


def test_one_providers_key_never_reaches_another():
    other = {"openai:default": Profile("api_key", "openai", Secret("sk-other"))}
    keyring = ring(profiles=other, order={"kilocode": ("openai:default",)})
    assert keyring.find("kilocode", [NAME]) is None
    assert keyring.find("kilocode", [NAME], "openai:default") is None


@pytest.mark.parametrize("text", [NAME, "${KILOCODE_API_KEY}", "OTHER_TOKEN"])
def test_the_name_of_a_variable_without_value_is_no_key(text):
    assert ring(key=literal(text)).find("kilocode", [NAME]) is None


@pytest.mark.parametrize("blank", ["   ", "\n"])
def test_a_blank_variable_is_none(blank):
    assert ring(env=blank).find("kilocode", [NAME]) is None


def test_the_missing_key_is_told_in_one_line(tmp_path):
    text = missing_key_text("kilocode", Paths.of({"HOME": str(tmp_path)}))
    assert text.startswith('No API key found for provider "kilocode". Auth store: ~/.genesis/')
    assert "\n" not in text


def test_no_key_is_printed():
    found = ring(env="kk-canary").find("kilocode", [NAME])
    assert "kk-canary" not in repr(found)
    assert "kk-stored" not in repr(ring(profiles=STORED))
