"""`genesis models auth list|remove|order`."""

import msgspec
import pytest

from tests.genesis.commands.homes import Home


def test_stored_keys_are_listed_masked(home: Home) -> None:
    home.store("kilocode:default", "kilocode", "1234567890abcdefghijklmnop")
    text = home.run("auth", "list").out
    assert text == "Auth profiles (1):\n- kilocode:default (api_key, 12345678...ijklmnop)\n"
    listed = home.run("auth", "list", "--json")
    assert listed.json["profiles"][0]["id"] == "kilocode:default"
    assert "1234567890abcdefghijklmnop" not in listed.out


def test_a_stored_key_is_removed(home: Home) -> None:
    home.store("kilocode:default", "kilocode", "kk-1")
    assert home.run("auth", "remove", "kilocode:default").out == (
        "Removed auth profile kilocode:default\n"
    )
    assert home.run("auth", "list").out == "Auth profiles (0):\n- none\n"
    again = home.run("auth", "remove", "kilocode:default")
    assert again.err == (
        "Error: Auth profile not found: kilocode:default. Stored profiles: none.\n"
    )


def test_the_order_of_keys(home: Home) -> None:
    for name in ("p:a", "p:b"):
        home.store(name, "p", "k")
    home.run("auth", "order", "set", "--provider", "p", "p:b", "p:a")
    got = home.run("auth", "order", "get", "--provider", "P", "--json").json
    assert (got["order"], got["effective"]) == (["p:b", "p:a"], ["p:b", "p:a"])
    cleared = home.run("auth", "order", "clear", "--provider", "p").out
    assert "Order override: (none)\nEffective order: p:a, p:b\n" in cleared
    bad = home.run("auth", "order", "set", "--provider", "p", "q:x")
    assert bad.err == "Error: Auth profile not found: q:x. Profiles of p: p:a, p:b.\n"


def test_a_key_of_a_variable_is_told_by_its_name(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = home.state / "agents/main/agent/auth-profiles.json"
    path.parent.mkdir(parents=True)
    entry = {"type": "api_key", "provider": "p", "keyRef": {"source": "env", "id": "MY_KEY"}}
    path.write_bytes(msgspec.json.encode({"version": 1, "profiles": {"p:a": entry}}))
    assert home.run("auth", "list").out.endswith("- p:a (api_key, missing, env: MY_KEY)\n")
    monkeypatch.setenv("MY_KEY", "kk-1")
    assert home.run("auth", "list").out.endswith("- p:a (api_key, k...1, env: MY_KEY)\n")


def test_a_list_is_of_one_provider_and_says_which_keys_are_not_used(home: Home) -> None:
    for name in ("p:a", "p:b", "q:c"):
        home.store(name, name[0], "k")
    home.run("auth", "order", "set", "--provider", "p", "p:b")
    listed = home.run("auth", "list", "--provider", "p").out
    assert listed == (
        "Auth profiles (2):\n- p:b (api_key, k...k)\n- p:a (api_key, k...k, not used)\n"
    )


def test_a_key_of_somebody_else_is_not_put_in_an_order(home: Home) -> None:
    home.store("q:c", "q", "k")
    bad = home.run("auth", "order", "set", "--provider", "p", "q:c")
    assert bad.err == "Error: Auth profile q:c belongs to q, not to p.\n"
