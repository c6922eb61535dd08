"""What onboarding writes into the settings: rows D of the cases that need no command."""

from genesis.catalog.onboarding import (
    GatewayWishes,
    apply_gateway,
    apply_provider,
    apply_provider_and_default,
)
from genesis.providers.registry import Registry

KILO = Registry().manifests["kilocode"]


def test_D4_D5_the_provider_alone_leaves_the_default_model():
    raw = {"agents": {"defaults": {"model": {"primary": "openai/gpt-5", "fallbacks": ["a/b"]}}}}
    apply_provider(raw, KILO)
    assert raw["agents"]["defaults"]["model"]["primary"] == "openai/gpt-5"
    apply_provider_and_default(raw, KILO)
    assert raw["agents"]["defaults"]["model"] == {
        "primary": "kilocode/kilo/auto",
        "fallbacks": ["a/b"],
    }
    empty = {}
    apply_provider_and_default(empty, KILO)
    assert empty["agents"]["defaults"]["model"] == {"primary": "kilocode/kilo/auto"}


def test_D9_a_profile_of_another_mode_makes_an_order():
    raw = {"auth": {"profiles": {"kilocode:legacy": {"provider": "kilocode", "mode": "oauth"}}}}
    apply_provider(raw, KILO)
    assert raw["auth"]["order"]["kilocode"] == ["kilocode:default", "kilocode:legacy"]


def test_what_the_settings_say_already_stays():
    block = {"baseUrl": "http://mine/", "apiKey": " k ", "models": [{"id": "a", "name": "A"}]}
    raw = {
        "models": {"providers": {"kilocode": block}},
        "agents": {"defaults": {"models": {"kilocode/kilo/auto": {"alias": "k"}}}},
    }
    apply_provider(raw, KILO)
    written = raw["models"]["providers"]["kilocode"]
    assert (written["baseUrl"], written["apiKey"]) == ("http://mine/", "k")
    assert [model["id"] for model in written["models"]] == ["a", "kilo/auto"]
    assert raw["agents"]["defaults"]["models"]["kilocode/kilo/auto"]["alias"] == "k"


def test_an_order_that_is_there_gets_the_new_profile_in_front():
    raw = {"auth": {"order": {"kilocode": ["kilocode:work", "kilocode:default"]}}}
    apply_provider(raw, KILO)
    assert raw["auth"]["order"]["kilocode"] == ["kilocode:default", "kilocode:work"]


def token(raw, wishes=None, environ=None):
    apply_gateway(raw, wishes or GatewayWishes(), environ or {})
    return raw["gateway"]["auth"]["token"]


def test_the_daemons_token_is_the_asked_one_else_the_known_one_else_the_environments():
    environ = {"GENESIS_GATEWAY_TOKEN": "of-env"}
    known = {"gateway": {"auth": {"token": "of-file"}}}
    assert token(known, GatewayWishes(token="of-flag"), environ) == "of-flag"
    assert token({"gateway": {"auth": {"token": "of-file"}}}, None, environ) == "of-file"
    assert token({}, None, environ) == "of-env"
    assert token({}) != token({})
    reference = {"source": "env", "provider": "default", "id": "X"}
    assert token({"gateway": {"auth": {"token": reference}}}, None, environ) == reference


def test_the_mode_of_the_daemon_is_kept_unless_another_is_asked_for():
    raw = {"gateway": {"mode": "remote"}}
    apply_gateway(raw, GatewayWishes(), {})
    assert raw["gateway"]["mode"] == "remote"
    apply_gateway(raw, GatewayWishes(mode="local"), {})
    assert raw["gateway"]["mode"] == "local"
