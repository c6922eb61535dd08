"""What the options of onboarding mean together."""

from dataclasses import replace

import pytest

from genesis.catalog.onboarding import GatewayWishes
from genesis.commands.onboard_options import Wishes, checked, gateway_base, given_key
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.providers.registry import Registry

MANIFESTS = Registry().manifests
OFFERS = [MANIFESTS["kilocode"], MANIFESTS["anthropic"]]
BASE = Wishes(is_interactive=False, knows_risk=True)
KEY, OTHER = Secret("kk-1"), Secret("kk-2")


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("http://127.0.0.1:4000", "http://127.0.0.1:4000/api/gateway/"),
        (" http://127.0.0.1:4000/ ", "http://127.0.0.1:4000/api/gateway/"),
        ("http://127.0.0.1:4000/api/gateway", "http://127.0.0.1:4000/api/gateway/"),
        ("https://kilo.example/v1", "https://kilo.example/v1/"),
        ("http://[::1]:4000", "http://[::1]:4000/api/gateway/"),
    ],
)
def test_a_gateways_address_is_completed(given, base):
    assert gateway_base(given) == base


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("ftp://x", "must begin with http:// or https://"),
        ("127.0.0.1:4000", "must begin with http:// or https://"),
        ("http://", "names no host"),
        ("http://x:port", "names no host"),
        ("http://a b", "names no host"),
        ("http://[::1", "names no host"),
        ("http://me:kk-secret@x/", "takes an address alone"),
        ("http://x/?key=kk-secret", "takes an address alone"),
    ],
)
def test_what_is_no_address_is_told_without_its_secrets(given, message):
    with pytest.raises(GenesisError, match=message) as caught:
        gateway_base(given)
    assert "kk-secret" not in caught.value.message


@pytest.mark.parametrize(
    ("wishes", "choice", "key"),
    [
        ({}, None, None),
        ({"key": KEY}, "kilocode-api-key", KEY),
        ({"choice": "kilocode-api-key"}, "kilocode-api-key", None),
        ({"choice": "skip", "key": KEY}, "skip", KEY),
        ({"choice": "kilocode-device"}, "kilocode-device", None),
        (
            {"choice": "apiKey", "token_provider": " KiloCode ", "token": OTHER},
            "kilocode-api-key",
            OTHER,
        ),
        ({"token_provider": "kilocode", "token": OTHER}, "kilocode-api-key", OTHER),
        ({"choice": "kilocode-api-key", "key": KEY, "other_key": True}, "kilocode-api-key", KEY),
        ({"anthropic_key": OTHER}, "anthropic-api-key", OTHER),
        (
            {"choice": "anthropic-api-key", "key": KEY, "anthropic_key": OTHER},
            "anthropic-api-key",
            OTHER,
        ),
        ({"choice": "anthropic-api-key", "key": KEY, "token": OTHER}, "anthropic-api-key", OTHER),
        ({"token_provider": "Anthropic", "token": OTHER}, "anthropic-api-key", OTHER),
    ],
)
def test_the_choice_and_the_key_that_are_meant(wishes, choice, key):
    meant = checked(replace(BASE, **wishes), OFFERS)
    assert (meant.choice, meant.key) == (choice, key)
    assert meant.wants_key is (choice not in {None, "skip"})


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"knows_risk": False}, "Non-interactive setup requires explicit risk acknowledgement."),
        ({"input_mode": "foo"}, 'Invalid --secret-input-mode. Use "plaintext" or "ref".'),
        ({"flow": "foo"}, 'Invalid --flow. Use "quickstart", "advanced" or "manual".'),
        ({"gateway": GatewayWishes(mode="x")}, 'Invalid --mode. Use "local" or "remote".'),
        (
            {"gateway": GatewayWishes(auth="x")},
            'Invalid --gateway-auth. Use "token" or "password".',
        ),
        ({"gateway": GatewayWishes(bind="x")}, "Invalid --gateway-bind. Use"),
        ({"reset_scope": "all", "resets": True}, "Invalid --reset-scope. Use"),
        ({"reset_scope": "full"}, "add --reset"),
        ({"choice": "foo"}, 'Unknown --auth-choice "foo".'),
        ({"choice": "apiKey", "token": KEY}, "needs --token-provider kilocode or anthropic"),
        ({"other_key": True}, "no provider for --openai-api-key"),
        (
            {"other_key": True, "key": KEY},
            "Multiple API key flags were provided for non-interactive setup.",
        ),
        (
            {"anthropic_key": OTHER, "key": KEY},
            "Multiple API key flags were provided for non-interactive setup.",
        ),
    ],
)
def test_what_does_not_fit_together_is_told(wishes, message):
    with pytest.raises(GenesisError) as caught:
        checked(replace(BASE, **wishes), OFFERS)
    assert message in caught.value.message
    assert "kk-1" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "key"), [(None, None), ("  ", None), ("KILOCODE_API_KEY='kk-1'", KEY)]
)
def test_a_key_of_the_command_line_is_cleaned(text, key):
    assert given_key(text) == key


def test_no_key_is_printed_with_the_wishes():
    assert "kk-1" not in repr(replace(BASE, key=KEY, token=KEY))


def test_an_address_without_a_path_gets_that_of_the_provider():
    wishes = replace(BASE, anthropic_key=KEY, base_url="http://127.0.0.1:4000")
    assert checked(wishes, OFFERS).base_url == "http://127.0.0.1:4000/v1/"
