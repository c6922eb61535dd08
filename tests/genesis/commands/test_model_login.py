"""`genesis models auth login`."""

import stat
from io import StringIO

import msgspec
import pytest

from genesis.commands import model_login
from genesis.core.secret import Secret
from tests.genesis.commands.homes import CODEX, Home


def test_login_stores_a_key_that_a_script_writes(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure({"auth": {"order": {"kilocode": ["kilocode:old"]}}})
    monkeypatch.setattr("sys.stdin", StringIO("export KILOCODE_API_KEY='kk-1234567890'\n"))
    result = home.run("auth", "login", "--provider", "kilocode")
    assert result.out == (
        "Updated ~/.genesis/genesis.json\nAuth profile: kilocode:default (kilocode/api_key)\n"
        "Stored in ~/.genesis/agents/main/agent/auth-profiles.json\n"
    )
    path = home.state / "agents/main/agent/auth-profiles.json"
    assert msgspec.json.decode(path.read_bytes())["profiles"] == {
        "kilocode:default": {"type": "api_key", "provider": "kilocode", "key": "kk-1234567890"}
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert b"kk-1234567890" not in home.config.read_bytes()
    assert home.written()["auth"] == {
        "order": {"kilocode": ["kilocode:default", "kilocode:old"]},
        "profiles": {"kilocode:default": {"provider": "kilocode", "mode": "api_key"}},
    }


def test_login_needs_a_key_and_a_provider(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("\n"))
    assert home.run("auth", "login", "--provider", "kilocode").err.startswith("Error: Required")
    unknown = home.run("auth", "login", "--provider", "zzz").err
    assert unknown.startswith("Error: Unknown provider: zzz. There are: ")


def test_a_provider_of_the_settings_has_a_name_of_its_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.configure(CODEX)
    monkeypatch.setattr("sys.stdin", StringIO("kk-1234567890\n"))
    assert "Auth profile: codex:default (codex/api_key)" in home.run("auth", "login", "--provider", "codex").out  # fmt: skip
    found = home.open().resolved("codex")
    assert found is not None
    assert (found.key, found.profile) == (Secret("kk-1234567890"), "codex:default")


def test_at_a_terminal_the_key_is_asked_for_and_not_shown(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = []

    def hidden(prompt: str) -> str:
        prompts.append(prompt)
        return 'export KILOCODE_API_KEY="kk-1"'

    terminal = StringIO("n\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("getpass.getpass", hidden)
    key = model_login.asked_key("Enter it", "KILOCODE_API_KEY", "from-env-123")
    assert (key, prompts) == (Secret("kk-1"), ["Enter it: "])


def test_the_environments_key_may_be_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO("\n")
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr("sys.stdin", terminal)
    assert model_login.asked_key("x", "K", "from-env-123") == Secret("from-env-123")
