"""load() and edit()."""

import errno

import pytest

from genesis.config.load import edit, load
from genesis.config.paths import Paths
from genesis.core.fault import ConfigError

CFG_MIN = '{ env: { KILOCODE_API_KEY: "kk-test" }, agents: { defaults: { model: { primary: "kilocode/kilo/auto" } } } }'
MISSION = """{ env: { KILOCODE_API_KEY: "<key>" },
  agents: { defaults: { model: { primary: "kilocode/kilo/auto" } } } }
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".genesis").mkdir()
    return tmp_path


def loaded(home, config=None, *, dotenv=None, shell=b"", **environ):
    if config is not None:
        (home / ".genesis/genesis.json").write_text(config)
    if dotenv is not None:
        (home / ".genesis/.env").write_text(dotenv)
    environ = {"HOME": str(home)} | environ
    return load(Paths.of(environ), environ, run_shell=lambda *_: shell)


def test_the_missions_example_works_verbatim(home):
    result = loaded(home, MISSION).require()
    assert result.environ["KILOCODE_API_KEY"] == "<key>"
    assert result.sources["KILOCODE_API_KEY"] == "config env"
    assert result.settings.agents.defaults.primary == "kilocode/kilo/auto"
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("environ", "dotenv", "config", "key"),
    [
        pytest.param({"KILOCODE_API_KEY": "proc"}, None, CFG_MIN, "proc", id="L2"),
        pytest.param({"KILOCODE_API_KEY": "proc"}, "KILOCODE_API_KEY=file", "{}", "proc", id="L4"),
        pytest.param({}, "KILOCODE_API_KEY=file", "{}", "file", id="L40"),
        pytest.param({}, "KILOCODE_API_KEY=file", CFG_MIN, "file", id="file-beats-block"),
        pytest.param({"KILOCODE_API_KEY": "  "}, None, CFG_MIN, "kk-test", id="L15"),
        pytest.param({"KILOCODE_API_KEY": ""}, "KILOCODE_API_KEY=file", "{}", "", id="L16"),
        pytest.param({"OTHER": "o"}, None, '{env: {KILOCODE_API_KEY: "${OTHER}"}}', "o", id="block-from-environment"),
        pytest.param({}, None, '{env: {vars: {KILOCODE_API_KEY: "v"}}}', "v", id="L11-unset"),
        pytest.param({"KILOCODE_API_KEY": "existing"}, None, '{env: {vars: {KILOCODE_API_KEY: "v"}}}', "existing", id="L11-set"),
        pytest.param({}, None, '{env: {KILOCODE_API_KEY: "top", vars: {KILOCODE_API_KEY: "inner"}}}', "top", id="L12"),
        pytest.param({}, None, '{env: {KILOCODE_API_KEY: "${OTHER}"}}', None, id="L14"),
        pytest.param({}, None, "{env: {shellEnv: {enabled: true}}}", "from-shell", id="L18"),
        pytest.param({"GENESIS_LOAD_SHELL_ENV": "1"}, None, "{}", "from-shell", id="L18-environment"),
        pytest.param({"KILOCODE_API_KEY": ""}, None, "{env: {shellEnv: {enabled: true}}}", "", id="L20"),
    ],
)  # fmt: skip
def test_where_the_key_comes_from(home, environ, dotenv, config, key):
    shell = b"KILOCODE_API_KEY=from-shell\0EXTRA=x\0GENESIS_GATEWAY_TOKEN=t\0"
    result = loaded(home, config, dotenv=dotenv, shell=shell, **environ)
    assert result.environ.get("KILOCODE_API_KEY") == key
    assert "EXTRA" not in result.environ


def test_what_the_shell_gave_is_named(home):
    result = loaded(home, "{env: {shellEnv: {enabled: true}}}", shell=b"KILOCODE_API_KEY=k\0")
    assert result.shell_keys == ("KILOCODE_API_KEY",)
    assert result.sources["KILOCODE_API_KEY"] == "shell env"
    assert result.shell_skipped is None
    skipped = loaded(home, KILOCODE_API_KEY="k")
    assert (skipped.shell_keys, skipped.shell_skipped) == ((), "already-has-keys")


def test_the_settings_may_use_what_the_shell_and_the_block_give(home):
    config = """{ env: { shellEnv: { enabled: true }, PORTAL: 'http://x' },
      models: { providers: { kilocode: { baseUrl: '${PORTAL}/', apiKey: '${KILOCODE_API_KEY}', models: [] } } } }"""
    result = loaded(home, config, shell=b"KILOCODE_API_KEY=k\0").require()
    block = result.settings.models.providers["kilocode"]
    assert (block.base_url, block.api_key.literal.reveal()) == ("http://x/", "k")


def test_a_missing_variable_is_a_warning_and_stays_as_written(home):
    result = loaded(home, '{gateway: {auth: {token: "${NONE}"}}}').require()
    assert result.warnings == (
        'Config (~/.genesis/genesis.json): missing env var "NONE" at gateway.auth.token - '
        "feature using this value will be unavailable",
    )
    assert result.raw["gateway"]["auth"]["token"] == "${NONE}"


def test_no_file_is_an_empty_config(home):
    assert loaded(home).require().raw == {}


@pytest.mark.parametrize(
    ("config", "lines"),
    [
        ("{broken", ["- <root>: JSON5 parse failed: line 1, column 8: expected ':' after the key; the file ends too early"]),
        ("{gatway: {}, tools: {approval: 'x'}}", ['- gatway: unknown key. Did you mean "gateway"?', '- tools.approval: expected one of "ask", "allow-list", "read-only"']),
    ],
)  # fmt: skip
def test_a_bad_file_is_told_line_by_line(home, config, lines):
    result = loaded(home, config)
    with pytest.raises(ConfigError) as caught:
        result.require()
    assert caught.value.message.splitlines() == [
        "Invalid config at ~/.genesis/genesis.json",
        *lines,
    ]


def test_nothing_that_is_loaded_prints_a_secret(home):
    result = loaded(home, CFG_MIN, KILOCODE_OTHER="kk-test")
    assert "kk-test" not in repr(result)


def paths_of(home):
    return Paths.of({"HOME": str(home)})


def test_an_edit_keeps_comments_and_references(home):
    file = home / ".genesis/genesis.json"
    file.write_text("{\n  // mine\n  env: { K: '${OTHER}' },\n}\n")
    edit(paths_of(home), lambda content: content.update(tools={"approval": "ask"}))
    assert file.read_text() == (
        '{\n  // mine\n  env: { K: \'${OTHER}\' },\n  tools: {\n    "approval": "ask"\n  },\n}\n'
    )
    assert file.stat().st_mode & 0o777 == 0o600
    assert (home / ".genesis/genesis.json.bak").read_text().startswith("{\n  // mine")


def test_an_edit_makes_a_private_file_where_there_was_none(tmp_path):
    paths = paths_of(tmp_path)
    assert edit(paths, lambda content: content.update(tools={})) == paths.config_path
    assert paths.config_path.read_text() == '{\n  "tools": {}\n}\n'
    assert paths.state_dir.stat().st_mode & 0o777 == 0o700


def test_an_edit_that_changes_nothing_writes_nothing(home):
    file = home / ".genesis/genesis.json"
    file.write_text("{ tools: {} }")
    before = file.stat().st_mtime_ns
    edit(paths_of(home), lambda content: content.update(tools={}))
    assert file.stat().st_mtime_ns == before
    assert not (home / ".genesis/genesis.json.bak").exists()


def test_a_change_that_is_wrong_is_refused(home):
    file = home / ".genesis/genesis.json"
    file.write_text("{}")
    with pytest.raises(ConfigError) as caught:
        edit(paths_of(home), lambda content: content.update(gateway={"port": 0}))
    assert caught.value.message == (
        "The change is not valid, so nothing was written\n"
        "- gateway.port: expected a whole number of at least 1"
    )
    assert file.read_text() == "{}"


@pytest.mark.parametrize("config", ["{broken", "{gatway: {}}", "[]"])
def test_a_file_that_is_wrong_is_not_changed(home, config):
    file = home / ".genesis/genesis.json"
    file.write_text(config)
    with pytest.raises(ConfigError, match=r"^Invalid config at ~/\.genesis/genesis\.json\n- "):
        edit(paths_of(home), lambda content: content.update(tools={}))
    assert file.read_text() == config


def test_a_change_may_mend_a_wrong_file(home):
    file = home / ".genesis/genesis.json"
    file.write_text("{ gatway: {}, tools: {} }")
    edit(paths_of(home), lambda content: content.pop("gatway"))
    assert file.read_text() == "{ tools: {} }"


def test_a_reference_may_stand_where_a_word_is_expected(home):
    file = home / ".genesis/genesis.json"
    file.write_text("{ tools: { approval: '${APPROVAL}' } }")
    edit(paths_of(home), lambda content: content.update(gateway={"mode": "local"}))
    result = loaded(home, APPROVAL="read-only").require()
    assert result.settings.tools.approval == "read-only"
    assert loaded(home).issues[0][0] == "tools.approval"


def test_a_file_that_cannot_be_written_is_said(home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("genesis.config.load.write_private", full)
    with pytest.raises(ConfigError) as caught:
        edit(paths_of(home), lambda content: content.update(tools={}))
    assert caught.value.message == (
        "~/.genesis/genesis.json cannot be written: No space left on device. Nothing was changed."
    )
