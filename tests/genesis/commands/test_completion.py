"""The completion scripts, run in the shells that are there."""

import shutil
import subprocess

import pytest

from genesis.commands.completion import places
from genesis.main import COMMANDS, main

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_genesis
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture
def script(tmp_path, capsys):
    def write(shell):
        assert main(["completion", shell]) == 0
        file = tmp_path / f"genesis.{shell}"
        file.write_text(capsys.readouterr().out)
        return file

    return write


def test_every_command_has_its_place():
    found = {place.path: place for place in places()}
    assert {path[0] for path in found if path} == set(COMMANDS)
    assert "--json" in [word.text for word in found["gateway", "status"].options]
    assert "--model" in found[("chat",)].valued
    assert all(word.help for place in found.values() for word in place.words)


CASES = {
    "a command": (["genesis", "mo"], ["models"]),
    "a command of a group": (["genesis", "gateway", "st"], ["start", "stop", "status"]),
    "an option": (["genesis", "gateway", "status", "--j"], ["--json"]),
    "options only when they are begun": (["genesis", "gateway", "status", ""], [""]),
    "behind a value": (["genesis", "models", "list", "--provider", "x", "--pl"], ["--plain"]),
}


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.parametrize(("words", "expected"), CASES.values(), ids=CASES)
def test_bash_completes(script, words, expected):
    done = subprocess.run(
        ["bash", "-c", ASK, "bash", str(script("bash")), *words],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout.splitlines() == expected
    assert done.stderr == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_that_shell(script, shell):
    file = script(shell)
    assert "gateway" in file.read_text()
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", str(file)], check=True, timeout=30)


def test_another_shell_is_told(capsys):
    assert main(["completion", "tcsh"]) == 1
    assert 'There is no completion for "tcsh". Use bash, zsh, fish.' in capsys.readouterr().err
