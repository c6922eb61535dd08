"""Table M of the cases: `genesis models`, run as a user runs it, with files in a folder of its own and no network."""

import os
import stat
import subprocess
import sys

import pytest

from genesis.app import Genesis
from tests.genesis.commands.homes import CFG_MIN, CODEX, NOWHERE, Home


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
