"""The table of commands: complete, helpful, and each one is loaded only when it is called."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kilo_gateway import __version__, cli
from kilo_gateway.cli.main import COMMANDS, GROUPS, make_app

ALL = COMMANDS | GROUPS
MODULES = {module for module, _ in ALL.values()}
# What the commands share.
PARTS = {"main", "database", "explain_request", "home", "moments", "serving", "tables"}

LOADED = """
import sys
from kilo_gateway.cli.main import main
try:
    main()
except SystemExit as end:
    code = end.code or 0
print("code", code)
print("loaded", *sys.modules)
"""
UMASK = """
import os
from kilo_gateway.cli.main import main
try:
    main()
except SystemExit:
    print(oct(os.umask(0)))
"""


def invoke(*arguments: str, only: str | None = None) -> Result:
    return CliRunner().invoke(make_app(only), list(arguments))


def python(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_every_file_of_a_command_is_in_the_table():
    files = {path.stem for path in Path(cli.__file__).parent.glob("*.py")} - {"__init__"}
    assert {module.rpartition(".")[2] for module in MODULES} == files - PARTS


@pytest.mark.parametrize("name", ALL)
def test_every_command_is_there_and_explains_itself(name: str):
    module, attribute = ALL[name]
    assert callable(getattr(import_module(module), attribute))
    result = invoke(name, "--help", only=name)
    assert result.exit_code == 0
    assert f"Usage: kilo-gateway {name}" in result.stdout
    assert result.stdout == invoke(name, "-h").stdout


def test_help_lists_all_commands_with_a_sentence_each():
    result = invoke("--help")
    assert result.exit_code == 0
    _, _, listed = result.stdout.partition("Commands:\n")
    told = {line.split()[0]: line.split()[1:] for line in listed.splitlines() if line[2:3].strip()}
    assert told.keys() == ALL.keys()
    assert all(len(words) > 3 for words in told.values())


def test_without_a_command_the_help_is_shown():
    assert "Commands:" in invoke().output


def test_the_version_is_that_of_the_package():
    result = invoke("--version")
    assert (result.exit_code, result.stdout) == (0, f"kilo-gateway {__version__}\n")


@pytest.mark.parametrize("words", [("nope",), ("--nope",), ("up", "--nope"), ("keys", "nope")])
def test_an_unknown_word_is_wrong_usage_and_told(words: tuple[str, ...]):
    result = invoke(*words)
    assert result.exit_code == 2
    assert "nope" in result.stderr
    assert "Traceback" not in result.output


def test_an_unknown_command_ends_the_program_with_2():
    ran = python("from kilo_gateway.cli.main import main; main()", "nope")
    assert ran.returncode == 2
    assert "No such command 'nope'" in ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("name", ALL)
def test_only_the_named_commands_module_is_imported(name: str):
    ran = python(LOADED, name, "--help")
    code, loaded = ran.stdout.splitlines()[-2:]
    assert code == "code 0", ran.stderr
    assert MODULES & set(loaded.split()) == {ALL[name][0]}


def test_what_the_program_writes_is_for_its_owner_only():
    assert python(UMASK, "--version").stdout.splitlines()[-1] == "0o77"
