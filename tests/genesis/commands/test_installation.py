"""What commands know before they answer, without the network."""

import pytest

from genesis.core.fault import ConfigError
from genesis.core.model import Model
from genesis.core.refs import ModelRef
from genesis.core.secret import Secret
from tests.genesis.commands.homes import CFG_MIN, CODEX, NOWHERE, Home

AUTO = ModelRef("kilocode", "kilo/auto")


def test_settings_that_are_not_usable_are_refused(home: Home) -> None:
    home.configure({"agnets": {}})
    with pytest.raises(ConfigError, match="Invalid config at"):
        home.open()


def test_plugins_that_the_settings_switch_off_are_not_there(home: Home) -> None:
    home.configure({"plugins": {"entries": {"kilocode": {"enabled": False}}}})
    assert "kilocode" not in home.open().manifests


def test_the_models_are_the_settings_choice(home: Home) -> None:
    found = home.configure(CODEX).open()
    assert found.choice.primary == ModelRef("codex", "a")
    assert [ref.model for ref in found.choice.fallbacks] == ["b"]


def test_who_can_be_asked(home: Home) -> None:
    found = home.configure(CODEX).open()
    assert (found.has_key("codex"), found.has_key("kilocode"), found.has_key("nobody")) == (
        True,
        False,
        False,
    )
    assert home.configure(CFG_MIN).open().has_key("kilocode")


def test_the_stored_key_wins_over_the_environments(home: Home) -> None:
    home.store("kilocode:a", "kilocode", "stored")
    found = home.open(KILOCODE_API_KEY="from-env").resolved("kilocode")
    assert found is not None
    assert (found.key, found.kind) == (Secret("stored"), "profiles")


def test_every_key_is_there_once(home: Home) -> None:
    block = {"baseUrl": NOWHERE, "models": [], "apiKey": "same"}
    home.configure({"models": {"providers": {"kilocode": block}}})
    home.store("kilocode:a", "kilocode", "stored")
    home.store("kilocode:b", "kilocode", "same")
    keys = home.open(KILOCODE_API_KEY="from-env").every_key("kilocode")
    assert [one.key.reveal() for one in keys] == ["stored", "same", "from-env"]


def test_what_was_just_discovered_is_in_the_catalog(home: Home) -> None:
    found = home.open()
    assert found.catalog({}).find(AUTO) is not None
    new = Model("a/b", "B")
    assert found.catalog({"kilocode": [new]}).find(ModelRef("kilocode", "a/b")) == new
