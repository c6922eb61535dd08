"""`genesis models status`: what is told of models and keys, for people and for scripts (table M)."""

import msgspec
import pytest

from genesis.commands import model_status
from tests.genesis.commands.homes import CFG_MIN, CODEX, NOWHERE, Home


def test_m29_status_shows_a_masked_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILOCODE_API_KEY", "1234567890abcdefghijklmnop")
    result = home.run("status", "--json")
    (entry,) = [one for one in result.json["auth"]["providers"] if one["provider"] == "kilocode"]
    assert entry["effective"] == {"kind": "env", "detail": "12345678...ijklmnop"}
    assert entry["env"] == {"value": "12345678...ijklmnop", "source": "env: KILOCODE_API_KEY"}
    text = home.run("status").out
    assert "1234567890abcdefghijklmnop" not in result.out + text


def test_m30_check_fails_without_a_key(home: Home) -> None:
    home.configure({"agents": {"defaults": {"model": "kilocode/kilo/auto"}}})
    result = home.run("status", "--check", "--json")
    assert result.code == 1
    assert result.json["auth"]["missingProvidersInUse"] == ["kilocode"]


def test_check_is_fine_with_a_key(home: Home) -> None:
    assert home.configure(CFG_MIN).run("status", "--check").code == 0


def test_status_for_people(home: Home) -> None:
    home.configure(CODEX | {"env": CFG_MIN["env"]})
    lines = home.run().out.splitlines()
    assert lines[:8] == [
        "Config        : ~/.genesis/genesis.json",
        "Agent dir     : ~/.genesis/agents/main/agent",
        "Default       : codex/a",
        "Fallbacks (1) : codex/b",
        "Image model   : -",
        "Image fallbacks (0): -",
        "Aliases (1)   : Codex -> codex/a",
        "Configured models (2): codex/a, codex/b",
    ]
    assert "Auth store    : ~/.genesis/agents/main/agent/auth-profiles.json" in lines
    assert "Shell env     : off" in lines


def test_status_without_a_key_says_what_to_do(home: Home) -> None:
    text = home.run("status").out
    assert "Missing auth\n- kilocode: run `genesis models auth login --provider kilocode`" in text
    assert "set KILOCODE_API_KEY" in text


def test_status_plain_is_the_default_alone(home: Home) -> None:
    assert home.configure(CODEX).run("status", "--plain").out == "codex/a\n"


def test_a_probe_has_no_plain_form(home: Home) -> None:
    assert home.run("status", "--probe", "--plain").err == (
        "Error: --probe cannot be used with --plain output.\n"
    )


def test_keys_that_rest_are_told_but_not_those_of_kilocode(home: Home) -> None:
    for name in ("p:a", "kilocode:default"):
        home.store(name, name.partition(":")[0], "kk-1")
    rest = {"cooldownUntil": 99_999_999_999_999, "cooldownReason": "auth"}
    state = {"version": 1, "usageStats": {"p:a": rest, "kilocode:default": rest}}
    (home.state / "agents/main/agent/auth-state.json").write_bytes(msgspec.json.encode(state))
    resting = home.run("status", "--json").json["auth"]["unusableProfiles"]
    assert [(one["profileId"], one["reason"]) for one in resting] == [("p:a", "auth")]


def test_where_each_key_comes_from(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    block = {"baseUrl": NOWHERE, "models": [], "apiKey": "from-the-settings-1"}
    home.configure({"models": {"providers": {"kilocode": block}}})
    home.store("kilocode:default", "kilocode", "stored-key-12345678")
    monkeypatch.setenv("KILOCODE_API_KEY", "from-the-environment")
    [entry] = [one for one in home.run("status", "--json").json["auth"]["providers"] if one["provider"] == "kilocode"]  # fmt: skip
    assert entry["effective"]["kind"] == "profiles"
    assert entry["profiles"]["labels"] == ["kilocode:default=stored-k...12345678"]
    assert entry["env"]["value"] == "from-the...ironment"
    assert entry["modelsJson"] == {
        "value": "from-the...ttings-1",
        "source": "~/.genesis/genesis.json",
    }
    text = home.run("status").out
    assert "profiles=1 (api_key=1) kilocode:default=stored-k...12345678 | env=" in text


def test_a_server_of_this_machine_needs_no_key(home: Home) -> None:
    status = home.configure(CODEX).run("status", "--json").json
    assert status["auth"]["missingProvidersInUse"] == []
    [entry] = [one for one in status["auth"]["providers"] if one["provider"] == "codex"]
    assert entry["effective"] == {"kind": "synthetic", "detail": "needs no key"}


def test_a_key_that_rests_is_told_with_its_time(home: Home) -> None:
    home.store("p:a", "p", "kk-1")
    until = home.open().now_ms + 90_500
    state = {
        "version": 1,
        "usageStats": {"p:a": {"disabledUntil": until, "disabledReason": "billing"}},
    }
    (home.state / "agents/main/agent/auth-state.json").write_bytes(msgspec.json.encode(state))
    assert "Resting keys\n- p:a disabled (billing), 90 s left" in home.run("status").out


def test_probes_are_told_for_people(home: Home) -> None:
    probes = [
        {"provider": "p", "label": "env: X", "status": "ok", "latencyMs": 12},
        {"provider": "q", "label": "q:a", "status": "auth", "error": "It was refused."},
    ]
    opened = home.open()
    text = model_status.as_text(model_status.status_of(opened, probes), opened)
    assert "Auth probes\n- p env: X ok 12 ms\n- q q:a auth: It was refused." in text
