"""`genesis config`, run as a user runs it."""

import jsonschema
import msgspec
import pytest

from genesis.main import main


@pytest.fixture
def genesis(tmp_path, monkeypatch, capsys):
    """Runs a command in a folder of its own: exit code, stdout, stderr."""
    for name in ("GENESIS_HOME", "GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "KILOCODE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        code = main(["config", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture
def config(tmp_path):
    (tmp_path / ".genesis").mkdir(mode=0o700)
    return tmp_path / ".genesis" / "genesis.json"


UPDATED = (0, "Updated ~/.genesis/genesis.json\n", "")


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("agents.defaults.model.primary", "kilocode/kilo/auto", '{"agents":{"defaults":{"model":{"primary":"kilocode/kilo/auto"}}}}'),
        ("gateway.port", "4000", '{"gateway":{"port":4000}}'),
        ("env.shellEnv.enabled", "true", '{"env":{"shellEnv":{"enabled":true}}}'),
        ("env.PIN", "1234", '{"env":{"PIN":"1234"}}'),
        ("env.LIST", "[a", '{"env":{"LIST":"[a"}}'),
        ("tools.allow", "['read', 'search']", '{"tools":{"allow":["read","search"]}}'),
        ("tools.allow[0]", "read", '{"tools":{"allow":["read"]}}'),
        ('agents.defaults.models["openai/gpt-4.1"].alias', "gpt", '{"agents":{"defaults":{"models":{"openai/gpt-4.1":{"alias":"gpt"}}}}}'),
        ("gateway.auth.token", "${TOKEN}", '{"gateway":{"auth":{"token":"${TOKEN}"}}}'),
    ],
)  # fmt: skip
def test_a_setting_is_set(genesis, config, path, value, expected):
    assert genesis("set", path, value) == UPDATED
    assert config.read_text() == msgspec.json.format(expected, indent=2) + "\n"
    assert config.stat().st_mode & 0o777 == 0o600


def test_json_value_takes_no_guess(genesis, config):
    assert genesis("set", "env.PIN", "'1234'", "--json-value") == UPDATED
    code, _, err = genesis("set", "env.PIN", "1234", "--json-value")
    assert (code, err.splitlines()[1]) == (1, "- env.PIN: expected a text in quotes")
    code, _, err = genesis("set", "env.PIN", "{", "--json-value")
    assert (code, err) == (
        1,
        "Error: VALUE is not JSON5: line 1, column 2: expected a key or '}'; the file ends too early\n",
    )


@pytest.mark.parametrize(
    ("arguments", "err"),
    [
        (("set", "gateway.port", "0"), "The change is not valid, so nothing was written\n- gateway.port: expected a whole number of at least 1"),
        (("set", "gateway.prot", "1"), 'The change is not valid, so nothing was written\n- gateway.prot: unknown key. Did you mean "port"?'),
        (("set", "tools.profile.x", "1"), "tools.profile.x cannot be set: what holds it in the file is not a section."),
        (("set", "", "1"), 'Name a setting, for example agents.defaults.model.primary. "genesis config schema" lists all.'),
        (("unset", "gateway.port"), "gateway.port is not set in the file. Its default holds."),
        (("get", "gateway.port"), "gateway.port is not set in the file. Its default holds."),
        (("get", "nonsense"), 'nonsense is not set in the file. "genesis config schema" lists all settings.'),
    ],
)  # fmt: skip
def test_mistakes_are_said_and_nothing_is_written(genesis, config, arguments, err):
    config.write_text("{ tools: { profile: 'coding' } }")
    assert genesis(*arguments) == (1, "", f"Error: {err}\n")
    assert config.read_text() == "{ tools: { profile: 'coding' } }"


def test_unset_keeps_the_rest(genesis, config):
    config.write_text("{\n  // port\n  gateway: { port: 4000, mode: 'local' },\n}\n")
    assert genesis("unset", "gateway.port") == UPDATED
    assert config.read_text() == "{\n  // port\n  gateway: { mode: 'local' },\n}\n"


def test_get_prints_texts_bare_and_the_rest_as_json(genesis, config):
    config.write_text("{ gateway: { port: 4000, bind: 'lan' } }")
    assert genesis("get", "gateway.port")[1] == "4000\n"
    assert genesis("get", "gateway.bind")[1] == "lan\n"
    assert genesis("get", "gateway.bind", "--json")[1] == '"lan"\n'
    assert genesis("get", "gateway")[1] == '{\n  "port": 4000,\n  "bind": "lan"\n}\n'


def test_secrets_are_hidden_in_sections(genesis, config):
    config.write_text(
        "{ env: { K: 'canary', L: '${X}', vars: { M: 'canary' }, shellEnv: { enabled: true } },"
        " gateway: { auth: { token: 'canary', mode: 'token' } },"
        " models: { providers: { k: { baseUrl: 'x', models: [], apiKey: 'canary', headers: { A: 'canary', B: '${Y}' } } } } }"
    )
    for path in (
        "env",
        "env.vars",
        "gateway",
        "gateway.auth",
        "models",
        "models.providers.k",
        "models.providers.k.headers",
    ):
        assert "canary" not in genesis("get", path)[1]
    assert '"L": "${X}"' in genesis("get", "env")[1]
    assert genesis("get", "gateway.auth.token")[1] == "canary\n"


def test_validate(genesis, config):
    assert genesis("validate") == (
        0,
        "There is no ~/.genesis/genesis.json; all settings are defaults.\n",
        "",
    )
    config.write_text("{ gateway: { auth: { token: '${NONE}' } } }")
    code, out, err = genesis("validate")
    assert (code, out) == (0, "~/.genesis/genesis.json is valid.\n")
    assert 'missing env var "NONE" at gateway.auth.token' in err
    config.write_text("{ gatway: 1 }")
    assert genesis("validate") == (
        1,
        "",
        "Error: Invalid config at ~/.genesis/genesis.json\n"
        '- gatway: unknown key. Did you mean "gateway"?\n',
    )
    code, out, _ = genesis("validate", "--json")
    assert code == 1
    assert msgspec.json.decode(out)["issues"][0]["path"] == "gatway"


@pytest.mark.parametrize(
    "arguments", [("get", "env"), ("set", "gateway.port", "1"), ("unset", "x")]
)
def test_a_broken_file_is_refused(genesis, config, arguments):
    config.write_text("{broken")
    code, _, err = genesis(*arguments)
    assert code == 1
    assert err.startswith(
        "Error: Invalid config at ~/.genesis/genesis.json\n- <root>: JSON5 parse failed: line 1"
    )
    assert config.read_text() == "{broken"


def test_file_follows_the_environment(genesis, tmp_path, monkeypatch):
    assert genesis("file")[1] == f"{tmp_path}/.genesis/genesis.json\n"
    monkeypatch.setenv("GENESIS_CONFIG_PATH", "~/c.json5")
    assert genesis("file")[1] == f"{tmp_path}/c.json5\n"


def test_schema_is_a_schema(genesis):
    schema = msgspec.json.decode(genesis("schema")[1])
    jsonschema.Draft202012Validator.check_schema(schema)
