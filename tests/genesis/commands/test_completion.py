"""The completion scripts, run in the shells that are there."""

import os
import shutil
import subprocess

import pytest

from genesis.commands.completion import places
from genesis.main import COMMANDS, main
from tests.genesis.journeys.terminal import terminal

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
    "an argument": (["genesis", "completion", ""], ["bash", "zsh", "fish"]),
    "a level": (["genesis", "chat", "--thinking", "m"], ["minimal", "medium"]),
    "a choice": (
        ["genesis", "onboard", "--auth-choice", "kilo"],
        ["kilocode-api-key", "kilocode-device"],
    ),
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


FISH_CASES = CASES | {
    "options only when they are begun": (["genesis", "gateway", "status", ""], []),
    "a command that is called as another one": (
        ["genesis", "models", "auth", "list", "--"],
        ["--help", "--json", "--provider"],
    ),
    "a chat's option": (["genesis", "--re"], ["--resume"]),
    "a file as value": (["genesis", "chat", "--workspace", "he"], ["here/"]),
}


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(("words", "expected"), FISH_CASES.values(), ids=FISH_CASES)
def test_fish_completes(script, words, expected, tmp_path):
    (tmp_path / "here").mkdir()
    asked = f"source {script('fish')}; complete -C '{' '.join(words)}'"
    done = subprocess.run(
        ["fish", "--no-config", "-c", asked],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert sorted(line.partition("\t")[0] for line in done.stdout.splitlines()) == sorted(expected)
    assert done.stderr == ""


ZSH = {
    "as a file of fpath": "fpath=({folder} $fpath); autoload -Uz compinit; compinit -D -u",
    "sourced": "autoload -Uz compinit; compinit -D -u; source {folder}/_genesis",
}


@pytest.mark.skipif(
    shutil.which("zsh") is None or shutil.which("tmux") is None,
    reason="zsh or tmux is not installed",
)
@pytest.mark.parametrize("how", ZSH)
def test_zsh_completes(script, how, tmp_path):
    script("zsh").rename(tmp_path / "_genesis")
    (tmp_path / "work" / "here").mkdir(parents=True)
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm", "PS1": "now> "}
    with terminal(tmp_path / "work", ["zsh", "-f", "-i"], environ) as shell:
        shell.wait_for("now> ")
        shell.type(ZSH[how].format(folder=tmp_path) + "; echo rea''dy")
        shell.wait_for("ready")
        for typed, expected in (
            ("genesis mo", "genesis models "),
            ("genesis gateway sta", "status +-- Whether the daemon runs"),
            ("genesis models auth list --p", "auth list --provider"),
            ("genesis models list --provider x --pl", "x --plain"),
            ("genesis chat --workspace he", "--workspace here/"),
            ("genesis --re", "genesis --resume"),
            ("genesis completion b", "genesis completion bash"),
            ("genesis --thinking med", "genesis --thinking medium"),
        ):
            shell.run("send-keys", typed, "Tab")
            prompts = shell.wait_for(expected).count("now> ")
            shell.press("C-c")
            shell.wait_for("now> ", times=prompts + 1)  # what is typed earlier is the old line's


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_one_of_that_shell(script, shell):
    file = script(shell)
    assert "gateway" in file.read_text()
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", str(file)], check=True, timeout=30)


def test_another_shell_is_told(capsys):
    assert main(["completion", "tcsh"]) == 1
    assert 'There is no completion for "tcsh". Use bash, zsh, fish.' in capsys.readouterr().err
