"""Where the daemon listens and who may talk to it."""

import pytest

from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.daemon.access import Access, access_of


def loaded(tmp_path, gateway, environ=None):
    paths = Paths.of({"HOME": str(tmp_path)})
    paths.state_dir.mkdir(exist_ok=True)
    paths.config_path.write_text(f"{{ gateway: {gateway} }}")
    return load(paths, environ or {}).require()


def test_the_default_is_loopback_with_the_token_of_the_settings(tmp_path):
    access = access_of(loaded(tmp_path, '{ mode: "local", auth: { token: "t1" } }'))
    assert (access.host, access.port, access.secret) == ("127.0.0.1", 18789, Secret("t1"))
    assert access.url == "http://127.0.0.1:18789"


def test_a_reference_and_the_usual_variable_give_the_token(tmp_path):
    by_ref = '{ auth: { token: { source: "env", id: "MY_TOKEN" } } }'
    assert access_of(loaded(tmp_path, by_ref, {"MY_TOKEN": "t2"})).secret == Secret("t2")
    assert access_of(loaded(tmp_path, "{}", {"GENESIS_GATEWAY_TOKEN": "t3"})).secret == Secret("t3")


@pytest.mark.parametrize("auth", ["{}", '{ mode: "none" }'])
def test_beyond_loopback_a_token_is_needed(tmp_path, auth):
    with pytest.raises(GenesisError, match=r"does not listen on 0\.0\.0\.0 without a token"):
        access_of(loaded(tmp_path, f'{{ bind: "lan", auth: {auth} }}'))


def test_it_does_not_start_before_it_is_set_up(tmp_path):
    with pytest.raises(GenesisError, match=r'gateway\.mode is not "local"'):
        access_of(loaded(tmp_path, "{}"), allow_unconfigured=False)


def test_a_custom_address_must_be_named(tmp_path):
    with pytest.raises(GenesisError, match="customBindHost"):
        access_of(loaded(tmp_path, '{ bind: "custom" }'))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("127.0.0.1:18789", True),
        ("localhost:1", True),
        ("[::1]:5", True),
        ("127.0.0.2:18789", True),
        ("evil.example", False),
        ("127.0.0.1.evil.example:18789", False),
        ("", False),
    ],
)
def test_on_loopback_only_names_of_this_machine_are_known(host, known):
    assert Access("127.0.0.1", 1, None).knows_host(host) is known
    assert Access("0.0.0.0", 1, Secret("t")).knows_host(host)


@pytest.mark.parametrize(
    ("header", "is_in"),
    [
        ("Bearer t", True),
        ("bearer t", True),
        ("t", False),
        ("Basic t", False),
        ("Bearer t2", False),
        ("Bearer ", False),
        (None, False),
    ],
)
def test_only_the_token_lets_in(header, is_in):
    headers = {} if header is None else {"authorization": header}
    assert Access("127.0.0.1", 1, Secret("t")).lets_in(headers) is is_in
    assert Access("127.0.0.1", 1, None).lets_in(headers)


def test_a_password_that_is_not_set_is_told(tmp_path):
    with pytest.raises(GenesisError, match=r"gateway\.auth\.password"):
        access_of(loaded(tmp_path, '{ auth: { mode: "password" } }'))
    found = access_of(loaded(tmp_path, '{ auth: { mode: "password", password: "p1" } }'))
    assert found.secret == Secret("p1")
