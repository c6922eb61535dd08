"""What plug-ins, settings and environment together say of a provider."""

import msgspec
import pytest

from genesis.auth.profiles import Profile
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.secret import Secret
from genesis.providers.accounts import Accounts
from genesis.providers.registry import Registry

LOCAL = {"baseUrl": "http://127.0.0.1:1/v1", "models": [], "api": "anthropic-messages"}
STORED = {
    "kilocode:a": Profile("api_key", "kilocode", Secret("stored-a")),
    "kilocode:b": Profile("api_key", "kilocode", Secret("stored-b")),
    "other:c": Profile("api_key", "other", Secret("stored-c")),
}


@pytest.fixture
def accounts(tmp_path):
    def opened(providers=None, **environ):
        state = tmp_path / ".genesis"
        state.mkdir(exist_ok=True)
        content = {"models": {"providers": providers or {}}}
        (state / "genesis.json").write_bytes(msgspec.json.encode(content))
        environ = {"HOME": str(tmp_path), **environ}
        loaded = load(Paths.of(environ), environ).require()
        return Accounts(loaded, Registry(warn=pytest.fail))

    return opened


def test_the_settings_address_wins_over_the_plugins(accounts):
    assert accounts().base_url("kilocode") == "https://api.kilo.ai/api/gateway/"
    mine = accounts({"kilocode": LOCAL, "mine": LOCAL})
    assert mine.base_url("kilocode") == mine.base_url("mine") == LOCAL["baseUrl"]
    assert (mine.api("mine"), mine.api("anthropic")) == ("anthropic-messages", None)
    assert accounts().base_url("nobody") == ""


@pytest.mark.parametrize(
    ("url", "wants"),
    [
        ("http://127.0.0.1:1/v1", False),
        ("http://localhost:1/v1", False),
        ("http://localhost.example/v1", True),
        ("https://api.example/v1", True),
    ],
)
def test_only_a_server_of_this_machine_needs_no_key(accounts, url, wants):
    found = accounts({"mine": LOCAL | {"baseUrl": url}})
    assert (found.wants_key("mine"), found.is_known("mine")) == (wants, True)
    assert (found.wants_key("nobody"), found.is_known("nobody")) == (True, False)
    assert found.wants_key("kilocode")


@pytest.mark.parametrize(
    ("order", "key"),
    [
        (["kilocode:b", "kilocode:a"], "stored-b"),
        (["gone", "kilocode:a"], "stored-a"),
        (["other:c"], "from-env"),
        ([], "from-env"),
    ],
)
def test_stored_keys_of_the_order_come_first_and_no_others(accounts, order, key):
    found = accounts(KILOCODE_API_KEY="from-env").key("kilocode", STORED, order)
    assert found.key == Secret(key)


def test_one_stored_key_is_found_by_its_name_if_it_is_the_providers(accounts):
    found = accounts(KILOCODE_API_KEY="from-env")
    assert found.key_of_profile("kilocode", STORED, "kilocode:a").key == Secret("stored-a")
    assert found.key_of_profile("kilocode", STORED, "other:c") is None


def test_the_environments_key_and_the_settings_are_told_apart(accounts):
    settings = {"kilocode": LOCAL | {"apiKey": "from-file", "auth": "api-key"}}
    found = accounts(settings, KILOCODE_API_KEY="from-env")
    assert found.key_in_environ("kilocode").key == Secret("from-env")
    assert found.key_in_settings("kilocode").key == Secret("from-file")
    assert found.key("kilocode", {}, []).key == Secret("from-file")
    assert found.all_variables().count("KILOCODE_API_KEY") == 1


def test_an_endpoint_has_the_address_the_key_and_the_environment(accounts):
    found = accounts({"mine": LOCAL}, KILOCODE_FEATURE="x")
    there = found.endpoint("mine", found.key("mine", {}, []))
    assert (there.base_url, there.key, there.provider) == (LOCAL["baseUrl"], None, "mine")
    assert there.environ["KILOCODE_FEATURE"] == "x"
