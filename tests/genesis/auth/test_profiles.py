"""The store of keys: private, whole, and careful with what it does not know."""

import pytest

from genesis.auth.profiles import Profile, Profiles
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret


@pytest.fixture
def store(tmp_path):
    return Profiles(tmp_path / "agent" / "auth-profiles.json")


def test_a_key_comes_back_and_only_its_user_may_read_it(store):
    store.put("kilocode:default", Profile("api_key", "kilocode", Secret("kk-1")))
    assert store.load() == {"kilocode:default": Profile("api_key", "kilocode", Secret("kk-1"))}
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_reference_stores_no_key(store):
    store.put("kilocode:default", Profile("api_key", "kilocode", key_env="KILOCODE_API_KEY"))
    [profile] = store.load().values()
    assert profile.found_in({"KILOCODE_API_KEY": " kk-2 "}) == Secret("kk-2")
    assert profile.found_in({}) is None
    assert '"keyRef"' in store.path.read_text()


def test_what_is_not_understood_stays_in_the_file(store):
    store.path.parent.mkdir()
    store.path.write_text(
        '{"version":1,"lastGood":{"a":1},"profiles":{"x":{"type":"oauth"},"y":5}}'
    )
    store.put("k", Profile("api_key", "kilocode", Secret("kk")))
    assert list(store.load()) == ["k"]
    assert '"lastGood"' in store.path.read_text()
    assert '"oauth"' in store.path.read_text()


def test_a_new_key_replaces_the_old_one_and_keeps_what_stands_beside_it(store):
    store.path.parent.mkdir(mode=0o755)
    store.path.write_text(
        '{"profiles":{"k":{"type":"api_key","provider":"Kilocode","key":"kk-old","email":"a@b"}}}'
    )
    assert store.load()["k"].provider == "kilocode"
    store.put("k", Profile("api_key", "kilocode", key_env="KILOCODE_API_KEY"))
    text = store.path.read_text()
    assert "kk-old" not in text
    assert '"email"' in text
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_a_profile_can_be_removed_once(store):
    store.put("k", Profile("api_key", "kilocode", Secret("kk")))
    assert (store.remove("k"), store.remove("k")) == (True, False)


def test_a_broken_store_is_told_and_not_overwritten(store):
    store.path.parent.mkdir()
    store.path.write_text("{")
    with pytest.raises(GenesisError, match="is not valid JSON"):
        store.put("k", Profile("api_key", "kilocode", Secret("kk")))
    assert store.path.read_text() == "{"


@pytest.mark.parametrize(
    ("written", "expected"),
    [("1700000000000", 1.7e12), ("0", None), ("true", None), ('"soon"', None), ("null", None)],
)
def test_a_key_may_have_an_end(store, written, expected):
    store.path.parent.mkdir()
    store.path.write_text(
        f'{{"profiles":{{"k":{{"type":"token","provider":"p","token":"t","expires":{written}}}}}}}'
    )
    assert store.load()["k"].expires_ms == expected


def test_the_end_of_the_old_key_is_not_that_of_a_new_one(store):
    store.put("k", Profile("token", "p", Secret("old"), expires_ms=5.0))
    assert store.load()["k"].expires_ms == 5.0
    store.put("k", Profile("api_key", "p", Secret("new")))
    assert store.load()["k"].expires_ms is None


def test_a_login_of_another_program_is_used_by_its_access_token(store):
    store.path.parent.mkdir()
    store.path.write_text(
        '{"profiles":{"k":{"type":"oauth","provider":"kilocode","access":"a-1","refresh":"r-1","expires":9}}}'
    )
    login = store.load()["k"]
    assert (login.type, login.found_in({}), login.refresh) == (
        "oauth",
        Secret("a-1"),
        Secret("r-1"),
    )
    assert (login.expires_ms, "r-1" in repr(login)) == (9, False)
    store.put("k", Profile("api_key", "kilocode", Secret("kk")))
    assert store.load()["k"] == Profile("api_key", "kilocode", Secret("kk"))
    assert "-1" not in store.path.read_text()


def test_a_token_may_be_the_name_of_its_variable(store):
    store.path.parent.mkdir()
    store.path.write_text(
        '{"profiles":{"k":{"type":"token","provider":"p","tokenRef":{"source":"env","id":"P_TOKEN"}}}}'
    )
    assert store.load()["k"].found_in({"P_TOKEN": "t"}) == Secret("t")
