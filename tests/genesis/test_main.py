"""The command: one module a command, failures as sentences, exit codes."""

import subprocess
import sys

import pytest

from genesis.main import COMMANDS, chosen, main, make_app


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ("chat", ["chat"])),
        (["--resume"], ("chat", ["chat", "--resume"])),
        (["models", "list"], ("models", ["models", "list"])),
        (["--help"], (None, ["--help"])),
        (["modles"], (None, ["modles"])),
    ],
)
def test_the_command_is_found(words, expected):
    assert chosen(words) == expected


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_its_help(name, capsys):
    assert make_app(name)
    assert main([name, "--help"]) == 0
    assert "Usage" in capsys.readouterr().out


def test_the_version_is_one_line(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("genesis ")


def test_a_wrong_command_is_a_usage_error(capsys):
    assert main(["modles"]) == 2
    assert "modles" in capsys.readouterr().err


def test_a_failure_is_a_sentence_without_a_trace(home, capsys):
    assert main(["models", "set", "kilocode/"]) == 1
    assert capsys.readouterr().err == "Error: Invalid model reference: kilocode/\n"


def test_a_mistake_of_ours_is_told_and_kept_without_keys(home, capsys, monkeypatch):
    def broken(_only):
        raise ZeroDivisionError("kg_live_0123456789abcdefABCDEF")

    monkeypatch.setattr("genesis.main.make_app", broken)
    assert main(["models"]) == 70
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "Traceback" not in told
    log = home / ".genesis" / "logs" / "genesis.log"
    assert "ZeroDivisionError" in log.read_text()
    assert "kg_live_0123" not in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["models", "list"]])
def test_a_plain_command_loads_nothing_heavy(words, tmp_path):
    program = f"import sys; from genesis.main import main; main({words!r}); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        timeout=60,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "genesis" in loaded
    assert (
        sorted(
            loaded
            & {
                "httpx",
                "prompt_toolkit",
                "rich",
                "starlette",
                "uvicorn",
                "pygments",
                "kilo_gateway",
            }
        )
        == []
    )
