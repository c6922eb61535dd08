"""The environment in force."""

import pytest

from genesis.config.environment import Environment, block_variables, service_variables, with_files
from genesis.config.paths import Paths


@pytest.fixture
def home(tmp_path):
    (tmp_path / ".genesis").mkdir()
    (tmp_path / ".config" / "genesis").mkdir(parents=True)
    (tmp_path / "work").mkdir()
    return tmp_path


def found(home, *, process=None, cwd=None, state=None, service=None, **more):
    texts = {"work/.env": cwd, ".genesis/.env": state, ".config/genesis/gateway.env": service}
    for name, text in texts.items():
        if text is not None:
            (home / name).write_text(text)
    told = []
    environ = {"HOME": str(home)} | (process or {}) | more
    result = with_files(environ, Paths.of(environ), home / "work", told.append)
    return result, told


def test_L4_the_process_wins(home):
    result, _ = found(home, process={"KILOCODE_API_KEY": "proc"}, state="KILOCODE_API_KEY=file")
    assert result.values["KILOCODE_API_KEY"] == "proc"
    assert result.sources["KILOCODE_API_KEY"] == "env"


def test_L5_the_working_folder_beats_the_state_folder(home):
    result, _ = found(home, cwd="FOO=from-cwd", state="FOO=from-global\nBAR=1")
    assert (result.values["FOO"], result.values["BAR"]) == ("from-cwd", "1")


def test_L6_the_working_folder_is_not_trusted(home):
    names = ["GENESIS_STATE_DIR", "ANTHROPIC_BASE_URL", "HTTP_PROXY", "NODE_OPTIONS"]
    result, _ = found(home, cwd="\n".join(f"{name}=evil" for name in [*names, "SAFE_KEY"]))
    assert [name for name, value in result.values.items() if value == "evil"] == ["SAFE_KEY"]
    assert sorted(result.ignored) == sorted(names)


def test_L7_the_state_folder_is_trusted(home):
    result, _ = found(home, state="ANTHROPIC_BASE_URL=a\nHTTP_PROXY=b")
    assert (result.values["ANTHROPIC_BASE_URL"], result.values["HTTP_PROXY"]) == ("a", "b")


def test_L9_the_services_file_comes_after_and_a_conflict_is_told(home):
    result, told = found(home, state="FOO=a", service="FOO=b\nBAR=c")
    assert (result.values["FOO"], result.values["BAR"]) == ("a", "c")
    state, service = home / ".genesis/.env", home / ".config/genesis/gateway.env"
    assert told == [
        f"[dotenv] Conflicting values in {state} and {service} for FOO; keeping {state}."
    ]


def test_L10_a_chosen_state_folder_has_no_services_file(home):
    result, told = found(home, service="BAR=c", GENESIS_STATE_DIR=str(home / ".genesis"))
    assert "BAR" not in result.values
    assert told == []


def test_L16_a_file_does_not_replace_an_empty_variable(home):
    result, _ = found(home, process={"K": ""}, state="K=v")
    assert result.values["K"] == ""


def test_in_the_state_folder_its_file_is_trusted(home):
    (home / ".genesis/.env").write_text("OPENAI_API_KEY=k")
    environ = {"HOME": str(home)}
    paths = Paths.of(environ)
    assert with_files(environ, paths, paths.state_dir, print).values["OPENAI_API_KEY"] == "k"


def test_a_daemon_reads_no_working_folder(home):
    (home / ".env").write_text("X=1")
    environ = {"HOME": str(home)}
    assert "X" not in with_files(environ, Paths.of(environ), None, print).values


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        pytest.param({"K": "top", "vars": {"K": "inner"}}, {"K": "top"}, id="L12"),
        pytest.param({"K": "${OTHER}"}, {}, id="L14"),
        pytest.param({"PATH": "/e", "LD_PRELOAD": "x", "A-B": "x", "OK": "v"}, {"OK": "v"}, id="unsafe"),
        pytest.param({"shellEnv": {"enabled": True}, "N": 1}, {}, id="no-text"),
        pytest.param(None, {}, id="none"),
    ],
)  # fmt: skip
def test_the_block(block, expected):
    assert block_variables(block) == expected


def test_L15_the_block_fills_what_is_blank():
    environment = Environment({"A": "  ", "B": "b"}, {"A": "env", "B": "env"})
    environment.add({"A": "v", "B": "v"}, "config env", fills_blank=True)
    assert environment.values == {"A": "v", "B": "b"}
    assert environment.sources == {"A": "config env", "B": "env"}


def test_L39_a_service_gets_the_state_file_and_the_block(home):
    (home / ".genesis/.env").write_text("NODE_OPTIONS=--x\nEMPTY=\nVALID=ok\nK=file")
    paths = Paths.of({"HOME": str(home)})
    got = service_variables(paths, {"env": {"K": "config", "HOME": "/e", "L": "${NONE}"}})
    assert got == {"VALID": "ok", "K": "config"}
