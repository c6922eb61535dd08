"""Table M of the cases: `genesis models`, run as a user runs it, with files in a folder of its own and no network."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from genesis.app import Genesis
from genesis.main import main

NOWHERE = "http://127.0.0.1:9/api/gateway/"
CFG_MIN: dict[str, Any] = {
    "env": {"KILOCODE_API_KEY": "kk-test"},
    "agents": {"defaults": {"model": {"primary": "kilocode/kilo/auto"}}},
}
AUTO = {
    "id": "kilo/auto",
    "name": "Kilo: Auto",
    "context_length": 1_000_000,
    "architecture": {"input_modalities": ["text", "image"]},
    "pricing": {"prompt": "0.000005", "completion": "0.000025"},
}
SONNET = AUTO | {"id": "anthropic/claude-sonnet-4", "name": "Sonnet", "context_length": 200_000}


@dataclass
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)


class Home:
    """A user's folder, and commands run in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.state = folder / ".genesis"
        self.config = self.state / "genesis.json"
        self._capsys = capsys

    def configure(self, content: Any, base_url: str | None = None) -> "Home":
        if base_url is not None:
            content = content | {"models": {"providers": {"kilocode": {"baseUrl": base_url, "models": []}}}}  # fmt: skip
        self.state.mkdir(exist_ok=True, mode=0o700)
        self.config.write_bytes(msgspec.json.encode(content))
        return self

    def store(self, name: str, provider: str, key: str) -> None:
        path = self.state / "agents" / "main" / "agent" / "auth-profiles.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        known = msgspec.json.decode(path.read_bytes())["profiles"] if path.exists() else {}
        known[name] = {"type": "api_key", "provider": provider, "key": key}
        path.write_bytes(msgspec.json.encode({"version": 1, "profiles": known}))

    def written(self) -> Any:
        return msgspec.json.decode(self.config.read_bytes())

    def run(self, *words: str) -> Result:
        self._capsys.readouterr()
        code = main(["models", *words])
        told = self._capsys.readouterr()
        return Result(code, told.out, told.err)


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    for name in ("KILOCODE_API_KEY", "ANTHROPIC_API_KEY", "GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "GENESIS_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path, capsys)


@pytest.fixture
def gateway() -> Iterator[str]:
    """A gateway on loopback that offers two models."""

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = msgspec.json.encode({"data": [AUTO, SONNET]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/gateway/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_m1_one_form_at_a_time(home: Home) -> None:
    result = home.run("list", "--json", "--plain")
    assert (result.code, result.err) == (
        1,
        "Error: Choose either --json or --plain, not both.\n",
    )


def test_m3_the_static_model_is_listed_when_the_gateway_is_away(home: Home) -> None:
    home.configure(CFG_MIN, NOWHERE)
    result = home.run("list", "--provider", "kilocode", "--plain")
    assert (result.code, result.out) == (0, "kilocode/kilo/auto\n")


def test_m5_the_table(home: Home) -> None:
    home.configure(CFG_MIN)
    header, row = home.run("list").out.splitlines()
    assert header == "Model" + " " * 38 + "Input      Ctx         Local Auth  Tags"
    assert row == "kilocode/kilo/auto" + " " * 25 + "text+image 977k        no    yes   default"


def test_m10_without_a_key_the_static_model_is_not_available(home: Home) -> None:
    listed = home.run("list", "--all", "--provider", "kilocode", "--json").json
    assert listed == {
        "count": 1,
        "models": [
            {
                "key": "kilocode/kilo/auto",
                "name": "Kilo Auto",
                "input": "text+image",
                "contextWindow": 1_000_000,
                "local": False,
                "available": False,
                "tags": ["default"],
                "missing": False,
            }
        ],
    }


def test_m11_nothing_is_no_error(home: Home) -> None:
    result = home.run("list", "--provider", "zzz")
    assert (result.code, result.out) == (0, "No models found.\n")


def test_m12_a_key_alone_shows_what_the_gateway_offers(
    home: Home, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KILOCODE_API_KEY", "kk-test")
    home.configure({}, gateway)
    result = home.run("list", "--provider", "kilocode", "--json")
    rows = {row["key"]: row for row in result.json["models"]}
    assert list(rows) == ["kilocode/kilo/auto", "kilocode/anthropic/claude-sonnet-4"]
    assert rows["kilocode/kilo/auto"]["name"] == "Kilo: Auto"
    assert rows["kilocode/anthropic/claude-sonnet-4"]["contextWindow"] == 200_000
    assert all(row["available"] for row in rows.values())
    assert "kk-test" not in result.out + result.err


CODEX = {
    "models": {
        "providers": {
            "codex": {
                "baseUrl": "http://127.0.0.1:9",
                "models": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}],
            }
        }
    },
    "agents": {
        "defaults": {
            "model": {"primary": "codex/a", "fallbacks": ["codex/b"]},
            "models": {"codex/a": {"alias": "Codex"}, "codex/b": {}},
        }
    },
}


def test_m13_tags_tell_how_a_model_is_configured(home: Home) -> None:
    rows = home.configure(CODEX).run("list", "--json").json["models"]
    assert [(row["key"], row["tags"]) for row in rows] == [
        ("codex/a", ["default", "configured", "alias:Codex"]),
        ("codex/b", ["fallback#1", "configured"]),
    ]
    assert [row["local"] for row in rows] == [True, True]


def test_a_model_of_nobody_is_missing(home: Home) -> None:
    home.configure({"agents": {"defaults": {"model": "nobody/x"}}})
    (row,) = home.run("list", "--json").json["models"]
    assert row == {
        "key": "nobody/x",
        "name": "nobody/x",
        "input": "-",
        "contextWindow": None,
        "local": None,
        "available": None,
        "tags": ["default", "missing"],
        "missing": True,
    }


def test_local_keeps_models_on_this_machine(home: Home) -> None:
    assert home.configure(CODEX).run("list", "--local", "--plain").out == "codex/a\ncodex/b\n"
    assert home.configure(CFG_MIN).run("list", "--local").out == "No models found.\n"


def test_a_label_is_no_provider(home: Home) -> None:
    result = home.run("list", "--provider", "Kilo Gateway")
    assert (result.code, result.err) == (
        1,
        'Error: Invalid provider filter "Kilo Gateway". Use a provider id such as "moonshot", not a display label.\n',
    )


def test_m14_set_writes_the_default_and_its_entry(home: Home) -> None:
    result = home.configure({}).run("set", "kilocode/anthropic/claude-sonnet-4")
    assert home.written()["agents"]["defaults"] == {
        "model": {"primary": "kilocode/anthropic/claude-sonnet-4"},
        "models": {"kilocode/anthropic/claude-sonnet-4": {}},
    }
    assert result.out == (
        "Updated ~/.genesis/genesis.json\nDefault model: kilocode/anthropic/claude-sonnet-4\n"
    )
    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600


def test_set_keeps_fallbacks_and_knows_aliases(home: Home) -> None:
    home.configure(CODEX).run("set", "CODEX")
    home.run("set", "kilocode/kilo/auto")
    defaults = home.written()["agents"]["defaults"]
    assert defaults["model"] == {"primary": "kilocode/kilo/auto", "fallbacks": ["codex/b"]}
    assert defaults["models"]["codex/a"] == {"alias": "Codex"}


def test_setting_twice_locks_nobody_in(home: Home) -> None:
    home.configure({}).run("set", "kilocode/one")
    home.run("set", "kilocode/two")
    home.run("fallbacks", "add", "kilocode/three")
    home.run("fallbacks", "clear")
    home.run("aliases", "add", "four", "kilocode/four")
    facts = Genesis.open(os.environ).conversation.facts
    for text in ("kilocode/other", "kilocode/one", "four", "anthropic/other"):
        assert facts.resolve(text).model == text.rpartition("/")[2]


@pytest.mark.parametrize("text", ["", "kilocode/"], ids="M17 {!r}".format)
def test_set_refuses_what_is_no_reference(home: Home, text: str) -> None:
    result = home.run("set", text)
    assert (result.code, result.err) == (1, f"Error: Invalid model reference: {text}\n")


def test_m18_a_fallback_keeps_the_primary(home: Home) -> None:
    home.configure({"agents": {"defaults": {"model": "openai/gpt-4.1-mini"}}})
    result = home.run("fallbacks", "add", "kilocode/kilo/auto")
    assert home.written()["agents"]["defaults"] == {
        "model": {"primary": "openai/gpt-4.1-mini", "fallbacks": ["kilocode/kilo/auto"]},
        "models": {"kilocode/kilo/auto": {}},
    }
    assert result.out == "Updated ~/.genesis/genesis.json\nFallbacks: kilocode/kilo/auto\n"
    home.run("fallbacks", "add", "KILOCODE/kilo/auto")
    assert home.written()["agents"]["defaults"]["model"]["fallbacks"] == ["kilocode/kilo/auto"]


def test_m20_no_fallbacks(home: Home) -> None:
    assert home.run("fallbacks", "list").out == "Fallbacks (0):\n- none\n"


def test_m21_fallbacks_for_scripts(home: Home) -> None:
    home.configure(CODEX)
    assert home.run("fallbacks", "list", "--json").json == {"fallbacks": ["codex/b"]}
    assert home.run("fallbacks", "list", "--plain").out == "codex/b\n"


def test_a_fallback_is_removed_once(home: Home) -> None:
    home.configure(CODEX)
    home.run("fallbacks", "add", "codex/a")
    assert home.run("fallbacks", "remove", "codex/b").out.endswith("Fallbacks: codex/a\n")
    again = home.run("fallbacks", "remove", "codex/b")
    assert (again.code, again.err) == (1, "Error: Fallback not found: codex/b\n")
    assert home.run("fallbacks", "clear").out.endswith("Fallback list cleared.\n")
    assert home.written()["agents"]["defaults"]["model"] == {"primary": "codex/a", "fallbacks": []}


@pytest.mark.parametrize(
    ("alias", "text"),
    [
        pytest.param(
            "bad alias!",
            "Alias must use letters, numbers, dots, underscores, colons, or dashes.",
            id="M25",
        ),
        pytest.param(" ", "Alias cannot be empty.", id="empty"),
        pytest.param("Codex", "Alias Codex already points to codex/a.", id="M26"),
    ],
)
def test_an_alias_may_be_refused(home: Home, alias: str, text: str) -> None:
    result = home.configure(CODEX).run("aliases", "add", alias, "codex/b")
    assert (result.code, result.err) == (1, f"Error: {text}\n")


def test_m27_aliases_for_scripts(home: Home) -> None:
    models = {"kilocode/kilo/auto": {"alias": "Kilo Gateway"}}
    home.configure({"agents": {"defaults": {"models": models}}})
    expected = {"aliases": {"Kilo Gateway": "kilocode/kilo/auto"}}
    assert home.run("aliases", "list", "--json").json == expected
    assert home.run("aliases", "list").out == "Aliases (1):\n- Kilo Gateway -> kilocode/kilo/auto\n"


def test_an_alias_comes_and_goes(home: Home) -> None:
    assert home.run("aliases", "add", "kilo", "kilocode/kilo/auto").out == (
        "Updated ~/.genesis/genesis.json\nAlias kilo -> kilocode/kilo/auto\n"
    )
    assert home.run("aliases", "list", "--plain").out == "kilo kilocode/kilo/auto\n"
    assert home.run("aliases", "remove", "KILO").out.endswith("No aliases configured.\n")
    assert home.run("aliases", "remove", "kilo").err == "Error: Alias not found: kilo\n"


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


def test_keys_that_rest_are_told_but_not_those_of_kilocode(home: Home) -> None:
    for name in ("p:a", "kilocode:default"):
        home.store(name, name.partition(":")[0], "kk-1")
    rest = {"cooldownUntil": 99_999_999_999_999, "cooldownReason": "auth"}
    state = {"version": 1, "usageStats": {"p:a": rest, "kilocode:default": rest}}
    (home.state / "agents/main/agent/auth-state.json").write_bytes(msgspec.json.encode(state))
    resting = home.run("status", "--json").json["auth"]["unusableProfiles"]
    assert [(one["profileId"], one["reason"]) for one in resting] == [("p:a", "auth")]


def test_settings_that_are_not_usable_stop_a_change(home: Home) -> None:
    home.configure({"agnets": {}})
    before = home.config.read_bytes()
    result = home.run("set", "kilocode/kilo/auto")
    assert result.code == 1
    assert result.err.startswith("Error: Invalid config at ~/.genesis/genesis.json\n- agnets: ")
    assert home.config.read_bytes() == before


def test_listing_loads_no_library_that_it_does_not_need(home: Home) -> None:
    heavy = ("asyncio", "httpx", "json5", "prompt_toolkit", "pydantic", "pygments", "rich", "starlette", "uvicorn")  # fmt: skip
    program = (
        "import sys; from genesis.main import main; main(['models', 'list']); "
        f"sys.stdout.write(','.join(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        check=True,
        text=True,
        env={"HOME": str(home.state.parent)},
    )
    assert done.stdout.splitlines()[2:] == []
