"""Onboarding by options alone: rows D of the cases; and what it writes where."""

import msgspec
import pytest

from genesis.auth.profiles import Profile, Profiles
from genesis.core.secret import Secret
from genesis.main import main

BASE = ["onboard", "--non-interactive", "--accept-risk", "--skip-health"]
CHOICE = ["--auth-choice", "kilocode-api-key"]


@pytest.fixture
def home(tmp_path, monkeypatch):
    for name in (
        "KILOCODE_API_KEY",
        "GENESIS_HOME",
        "GENESIS_STATE_DIR",
        "GENESIS_CONFIG_PATH",
        "GENESIS_GATEWAY_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".genesis"


@pytest.fixture
def run(home, capsys):
    def call(*words, base=BASE):
        code = main([*base, *words])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def store(home):
    return Profiles(home / "agents" / "main" / "agent" / "auth-profiles.json")


def settings(home):
    return msgspec.json.decode((home / "genesis.json").read_bytes())


def key(home):
    return store(home).load()["kilocode:default"].key


def test_D11_D24_D25_a_first_set_up(run, home):
    code, out, _ = run(*CHOICE, "--kilocode-api-key", "kk-1")
    assert (code, key(home)) == (0, Secret("kk-1"))
    assert "Updated ~/.genesis/genesis.json" in out
    written = settings(home)
    assert written["plugins"]["entries"]["kilocode"]["enabled"] is True
    assert written["auth"]["profiles"]["kilocode:default"] == {
        "provider": "kilocode",
        "mode": "api_key",
    }
    assert "order" not in written["auth"]
    assert written["agents"]["defaults"]["model"] == {"primary": "kilocode/kilo/auto"}
    assert written["agents"]["defaults"]["models"] == {
        "kilocode/kilo/auto": {"alias": "Kilo Gateway"}
    }
    gateway = written["gateway"]
    assert (gateway["mode"], gateway["port"], gateway["bind"]) == ("local", 18789, "loopback")
    assert gateway["auth"]["mode"] == "token"
    assert len(bytes.fromhex(gateway["auth"]["token"])) == 24
    assert "kk-1" not in (home / "genesis.json").read_text() + out


def test_D13_the_risk_must_be_accepted(run, home):
    code, _, err = run(*CHOICE, base=["onboard", "--non-interactive"])
    assert code == 1
    assert (
        err.splitlines()[0]
        == "Error: Non-interactive setup requires explicit risk acknowledgement."
    )
    assert not home.exists()


def test_D14_the_key_of_the_environment_is_stored(run, home, monkeypatch):
    monkeypatch.setenv("KILOCODE_API_KEY", "kk-2")
    assert run(*CHOICE)[0] == 0
    assert key(home) == Secret("kk-2")


def test_D15_without_a_key_nothing_is_written(run, home):
    code, _, err = run(*CHOICE)
    assert code == 1
    assert (
        "Missing --kilocode-api-key (or KILOCODE_API_KEY in env, or existing kilocode API-key profile)."
        in err
    )
    assert not (home / "genesis.json").exists()


def test_D16_a_stored_key_stays_as_it_is(run, home):
    store(home).put("kilocode:default", Profile("api_key", "kilocode", Secret("kk-old")))
    before = store(home).path.stat().st_mtime_ns
    assert run(*CHOICE)[0] == 0
    assert store(home).path.stat().st_mtime_ns == before


def test_D17_the_flag_is_choice_enough(run, home):
    assert run("--kilocode-api-key", "kk-3")[0] == 0
    assert key(home) == Secret("kk-3")


def test_D18_two_keys_are_one_too_many(run):
    code, _, err = run("--kilocode-api-key", "a", "--openai-api-key", "b")
    assert (code, err) == (
        1,
        "Error: Multiple API key flags were provided for non-interactive setup.\n",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--secret-input-mode", "foo"], 'Invalid --secret-input-mode. Use "plaintext" or "ref".'),
        (["--mode", "foo"], 'Invalid --mode. Use "local" or "remote".'),
        (["--auth-choice", "foo"], 'Unknown --auth-choice "foo".'),
        (["--base-url", "ftp://x"], "--base-url must begin with http:// or https://"),
    ],
    ids=["D21", "mode", "choice", "base url"],
)
def test_a_bad_value_is_told(run, words, message):
    code, _, err = run(*words)
    assert code == 1
    assert message in err


def test_D19_a_reference_stores_no_key(run, home, monkeypatch):
    monkeypatch.setenv("KILOCODE_API_KEY", "kk-env")
    assert run(*CHOICE, "--secret-input-mode", "ref")[0] == 0
    text = store(home).path.read_text()
    assert '"KILOCODE_API_KEY"' in text
    assert "kk-env" not in text


def test_D20_a_reference_needs_its_variable_and_the_flags_value_is_not_shown(run):
    code, out, err = run(*CHOICE, "--secret-input-mode", "ref", "--kilocode-api-key", "kk-secret")
    assert code == 1
    assert (
        "--kilocode-api-key cannot be used with --secret-input-mode ref unless KILOCODE_API_KEY is set in env."
        in err
    )
    assert "kk-secret" not in out + err


def test_D22_broken_settings_are_not_touched(run, home):
    home.mkdir()
    (home / "genesis.json").write_text("{broken")
    code, _, err = run(*CHOICE, "--kilocode-api-key", "kk")
    assert code == 1
    assert "Config invalid. Run" in err
    assert "genesis doctor" in err
    assert (home / "genesis.json").read_text() == "{broken"


def test_D23_the_general_form_of_a_key_is_the_same(run, home):
    assert run("--auth-choice", "apiKey", "--token-provider", "kilocode", "--token", "kk-4")[0] == 0
    assert key(home) == Secret("kk-4")


def test_a_second_run_keeps_the_daemons_token_and_what_the_person_changed(run, home):
    run(*CHOICE, "--kilocode-api-key", "kk-1")
    token = settings(home)["gateway"]["auth"]["token"]
    run(*CHOICE, "--base-url", "http://127.0.0.1:4000", "--json")
    written = settings(home)
    assert written["gateway"]["auth"]["token"] == token
    assert (
        written["models"]["providers"]["kilocode"]["baseUrl"]
        == "http://127.0.0.1:4000/api/gateway/"
    )
    assert len(written["models"]["providers"]["kilocode"]["models"]) == 1
