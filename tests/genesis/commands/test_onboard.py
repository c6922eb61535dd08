"""Onboarding: rows D of the cases, by options alone; the same by questions; what it writes where, and when nothing."""

import asyncio
import io

import msgspec
import pytest

from genesis.auth.profiles import Profile, Profiles
from genesis.core.secret import Secret
from genesis.main import main
from tests.genesis.servers import Answer, serving

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


def test_the_daemon_can_be_set_too(run, home):
    words = ("--mode", "remote", "--gateway-port", "19000", "--gateway-bind", "lan")
    assert run(*words, "--gateway-token", "t-1", "--workspace", "~/work")[0] == 0
    written = settings(home)
    assert written["gateway"]["mode"] == written["wizard"]["lastRunMode"] == "remote"
    assert (written["gateway"]["port"], written["gateway"]["bind"]) == (19000, "lan")
    assert written["gateway"]["auth"] == {"mode": "token", "token": "t-1"}
    assert written["agents"]["defaults"] == {"workspace": "~/work"}
    assert "models" not in written


def test_a_password_must_be_given(run):
    code, _, err = run("--gateway-auth", "password")
    assert (code, err) == (1, "Error: --gateway-auth password needs --gateway-password.\n")


def test_a_summary_for_programs(run, home):
    code, out, _ = run(*CHOICE, "--kilocode-api-key", "kk-1", "--json")
    assert code == 0
    assert msgspec.json.decode(out) == {
        "ok": True,
        "mode": "local",
        "workspace": "~/.genesis/workspace",
        "authChoice": "kilocode-api-key",
        "defaultModel": "kilocode/kilo/auto",
        "keyCheck": None,
        "gateway": {
            "port": 18789,
            "bind": "loopback",
            "authMode": "token",
            "tailscaleMode": "off",
        },
        "installDaemon": False,
    }


def test_a_reset_mends_broken_settings_and_keeps_them_aside(run, home):
    home.mkdir()
    (home / "genesis.json").write_text("{broken")
    assert run(*CHOICE, "--kilocode-api-key", "kk-1", "--reset")[0] == 0
    assert settings(home)["gateway"]["mode"] == "local"
    assert (home / "genesis.json.bak").read_text() == "{broken"


def test_a_reset_of_keys_does_not_fall_back_on_them(run, home):
    store(home).put("kilocode:default", Profile("api_key", "kilocode", Secret("kk-old")))
    code, _, err = run(*CHOICE, "--reset", "--reset-scope", "config+creds+sessions")
    assert code == 1
    assert "Missing --kilocode-api-key" in err
    assert key(home) == Secret("kk-old")


def test_only_its_user_may_read_what_is_written(run, home):
    run(*CHOICE, "--kilocode-api-key", "kk-1")
    assert (home / "genesis.json").stat().st_mode & 0o777 == 0o600
    assert store(home).path.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700
    holders = [path for path in home.rglob("*") if path.is_file() and b"kk-1" in path.read_bytes()]
    assert holders == [store(home).path]


CHECKED = ["onboard", "--non-interactive", "--accept-risk"]


async def onboard_at(answer, run, *words, base=CHECKED):
    async with serving(lambda _asked: answer) as server:
        told = await asyncio.to_thread(run, *words, "--base-url", server.url, base=base)
    return told, server.asked


async def test_a_key_that_works_is_said_to(run, home):
    (code, out, _), [asked] = await onboard_at(
        Answer(200, b"{}"), run, "--kilocode-api-key", "kk-1"
    )
    assert code == 0
    assert out.startswith("The key works at http://127.0.0.1:")
    assert asked.all("authorization") == ["Bearer kk-1"]
    assert settings(home)["models"]["providers"]["kilocode"]["baseUrl"].startswith("http://127")


async def test_a_key_that_is_refused_changes_nothing(run, home):
    (code, out, err), _ = await onboard_at(Answer(401), run, "--kilocode-api-key", "kk-1")
    assert code == 1
    assert "refuses this key (HTTP 401)" in err
    assert "Nothing was changed." in err
    assert "kk-1" not in out + err
    assert not (home / "genesis.json").exists()
    assert not store(home).path.exists()


async def test_a_gateway_in_trouble_does_not_stop_the_set_up(run, home):
    (code, out, _), _ = await onboard_at(Answer(503), run, "--kilocode-api-key", "kk-1", "--json")
    assert code == 0
    assert msgspec.json.decode(out)["keyCheck"]["result"] == "unclear"
    assert key(home) == Secret("kk-1")


@pytest.fixture
def type_in(monkeypatch):
    # A gateway that runs on the machine of the tests is not theirs.
    monkeypatch.setattr("genesis.auth.gateway_check.find_gateway", lambda: False)
    return lambda *lines: monkeypatch.setattr(
        "sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines))
    )


RISK, QUICK, BY_KEY = "y", "", ""


def test_a_set_up_by_questions(run, home, type_in):
    type_in(RISK, QUICK, BY_KEY, 'export KILOCODE_API_KEY="kk-typed"')
    code, out, _ = run("--skip-health", base=["onboard"])
    assert (code, key(home)) == (0, Secret("kk-typed"))
    assert "Kilo Gateway API key - API key (OpenRouter-compatible)" in out
    assert "Default model: kilocode/kilo/auto (Kilo Gateway)" in out
    assert settings(home)["wizard"]["lastRunCommand"] == "genesis onboard"


def test_the_keys_flag_is_honoured_by_questions_too(run, home, type_in):
    type_in(QUICK)
    words = ("--accept-risk", "--skip-health", "--kilocode-api-key", "kk-flag")
    assert run(*words, base=["onboard"])[0] == 0
    assert key(home) == Secret("kk-flag")


def test_settings_that_are_there_are_kept_or_begun_anew(run, home, type_in):
    run("--gateway-port", "19000")
    type_in(QUICK, "")
    skip = ("--accept-risk", "--auth-choice", "skip")
    assert run(*skip, base=["onboard"])[0] == 0
    assert settings(home)["gateway"]["port"] == 19000
    type_in(QUICK, "2")
    assert run(*skip, base=["onboard"])[0] == 0
    assert settings(home)["gateway"]["port"] == 18789


def test_the_advanced_way_asks_more(run, home, type_in):
    type_in("2", "~/code", "many", "19001")
    assert run("--accept-risk", "--auth-choice", "skip", base=["onboard"])[0] == 0
    assert settings(home)["agents"]["defaults"]["workspace"] == "~/code"
    assert settings(home)["gateway"]["port"] == 19001


def test_a_gateway_of_this_machine_is_offered(run, home, type_in, monkeypatch):
    type_in(QUICK, BY_KEY, "y", "kk-1")
    monkeypatch.setattr("genesis.auth.gateway_check.find_gateway", lambda: True)
    code, out, _ = run("--accept-risk", "--skip-health", base=["onboard"])
    assert code == 0
    assert "A gateway runs on this machine (http://127.0.0.1:4000). Use it?" in out
    block = settings(home)["models"]["providers"]["kilocode"]
    assert block["baseUrl"] == "http://127.0.0.1:4000/api/gateway/"


async def test_a_refused_key_can_be_typed_again(run, home, type_in):
    type_in(QUICK, BY_KEY, "kk-bad", "y", "kk-good")

    def answer(asked):
        return Answer(200 if asked.all("authorization") == ["Bearer kk-good"] else 401, b"{}")

    async with serving(answer) as server:
        words = ("--accept-risk", "--base-url", server.url)
        code, out, _ = await asyncio.to_thread(run, *words, base=["onboard"])
    assert code == 0
    assert "refuses this key" in out
    assert key(home) == Secret("kk-good")


def test_input_that_ends_changes_nothing(run, home, type_in):
    type_in(RISK)
    code, _, err = run(base=["onboard"])
    assert code == 1
    assert "The input has ended" in err
    assert not home.exists() or not list(home.rglob("*.json"))


async def test_a_login_by_page_and_code(run, home, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    begun = {"device_code": "d", "user_code": "AB-CD", "verification_uri": "https://kilo.example/d"}
    replies = {"code": begun, "token": {"access_token": "kk-device"}}

    def answer(asked):
        return Answer(200, msgspec.json.encode(replies.get(asked.path.rpartition("/")[2], {})))

    async with serving(answer) as server:
        words = ("--auth-choice", "kilocode-device", "--base-url", server.url, "--json")
        code, out, err = await asyncio.to_thread(run, *words, base=CHECKED)
    assert (code, key(home)) == (0, Secret("kk-device"))
    assert "AB-CD" in err
    assert msgspec.json.decode(out)["authChoice"] == "kilocode-device"


async def test_another_plug_in_is_set_up_by_its_own_choice(run, home):
    def answer(asked):
        return Answer(200 if asked.all("x-api-key") == ["sk-ant-1"] else 401, b"{}")

    words = ("--anthropic-api-key", "sk-ant-1", "--json")
    async with serving(answer) as server:
        base = ("--base-url", server.url)
        code, out, _ = await asyncio.to_thread(run, *words, *base, base=CHECKED)
        refused = await asyncio.to_thread(run, "--anthropic-api-key", "sk-no", *base, base=CHECKED)
    assert (server.asked[0].path, server.asked[0].all("authorization")) == (
        "/api/gateway/messages",
        [],
    )
    told = msgspec.json.decode(out)
    assert (code, told["authChoice"], told["keyCheck"]["result"]) == (
        0,
        "anthropic-api-key",
        "works",
    )
    assert store(home).load()["anthropic:default"].key == Secret("sk-ant-1")
    written = settings(home)
    assert written["agents"]["defaults"]["model"] == {"primary": "anthropic/claude-sonnet-4-5"}
    assert written["models"]["providers"]["anthropic"]["api"] == "anthropic-messages"
    assert (refused[0], "refuses this key" in refused[2]) == (1, True)


def test_other_plug_ins_are_offered_by_questions(run, home, type_in, monkeypatch):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.setattr("genesis.auth.gateway_check.find_gateway", pytest.fail)
    type_in(RISK, QUICK, "3", "sk-ant-2")
    code, out, _ = run("--skip-health", base=["onboard"])
    assert (code, "  3  Anthropic API key - Claude, without a gateway" in out) == (0, True)
    assert "Default model: anthropic/claude-sonnet-4-5 (Anthropic)" in out
    assert store(home).load()["anthropic:default"].key == Secret("sk-ant-2")
