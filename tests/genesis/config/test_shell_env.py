"""Keys from the login shell: rows L18 to L25 and row 6 of genesis.md 16."""

import pytest

from genesis.config.paths import account_home
from genesis.config.schema import ShellEnv
from genesis.config.shell_env import (
    RememberedShell,
    child_environ,
    import_missing,
    parsed,
    shell_of,
    timeout_ms,
)

ON = ShellEnv(enabled=True)
NAMES = ("KILOCODE_API_KEY", "OPENAI_API_KEY")


class Shell:
    """A login shell that prints what it is told to."""

    def __init__(self, printed=b"", error=None):
        self.printed, self.error, self.asked = printed, error, []

    def __call__(self, shell, environ, timeout_s):
        self.asked.append((shell, environ, timeout_s))
        if self.error:
            raise self.error
        return self.printed


def imported(shell, environ, settings=ON):
    told = []
    found = import_missing(settings, environ, NAMES, told.append, shell)
    return dict(found.values), found.skipped, told


@pytest.mark.parametrize(
    ("environ", "printed", "values", "skipped", "asked"),
    [
        pytest.param({}, b"KILOCODE_API_KEY=from-shell\0EXTRA=x\0", {"KILOCODE_API_KEY": "from-shell"}, None, 1, id="L18"),
        pytest.param({"KILOCODE_API_KEY": "k"}, b"KILOCODE_API_KEY=s\0", {}, "already-has-keys", 0, id="L19"),
        pytest.param({"KILOCODE_API_KEY": ""}, b"KILOCODE_API_KEY=s\0", {}, "already-has-keys", 0, id="L20"),
        pytest.param({}, b"KILOCODE_API_KEY=\0", {}, None, 1, id="L21"),
        pytest.param({"OPENAI_API_KEY": "o"}, b"KILOCODE_API_KEY=s\0OPENAI_API_KEY=p\0", {"KILOCODE_API_KEY": "s"}, None, 1, id="row-6"),
        pytest.param({}, b"hello\nKILOCODE_API_KEY=s\0X", {"KILOCODE_API_KEY": "s"}, None, 1, id="chatty-profile"),
        pytest.param({"GENESIS_DEFER_SHELL_ENV_FALLBACK": "1"}, b"KILOCODE_API_KEY=s\0", {}, "deferred", 0, id="deferred"),
    ],
)  # fmt: skip
def test_what_is_imported(environ, printed, values, skipped, asked):
    shell = Shell(printed)
    assert imported(shell, environ) == (values, skipped, [])
    assert len(shell.asked) == asked


@pytest.mark.parametrize(
    ("word", "runs"), [("1", 1), ("TRUE", 1), (" yes ", 1), ("on", 1), ("0", 0), ("no", 0), ("", 0)]
)
def test_the_environment_switches_it_on(word, runs):
    shell = Shell()
    import_missing(ShellEnv(), {"GENESIS_LOAD_SHELL_ENV": word}, NAMES, print, shell)
    assert len(shell.asked) == runs


def test_L22_a_failure_is_a_warning():
    values, skipped, told = imported(Shell(error=OSError("boom")), {})
    assert (values, skipped) == ({}, "failed")
    assert told == ["[genesis] shell env fallback failed: boom"]


@pytest.mark.parametrize(
    ("settings", "environ", "expected"),
    [
        pytest.param(ON, {}, 15_000, id="L23-nothing"),
        pytest.param(ON, {"GENESIS_SHELL_ENV_TIMEOUT_MS": "42"}, 42, id="L23-environment"),
        pytest.param(ON, {"GENESIS_SHELL_ENV_TIMEOUT_MS": "nope"}, 15_000, id="L23-nonsense"),
        pytest.param(ShellEnv(timeout_ms=7000), {"GENESIS_SHELL_ENV_TIMEOUT_MS": "42"}, 7000, id="L23-settings"),
    ],
)  # fmt: skip
def test_timeouts(settings, environ, expected):
    assert timeout_ms(settings, environ) == expected


def test_L25_the_child_has_the_real_home_and_nothing_that_steers_it():
    evil = {"BASH_ENV": "/e", "PS4": "$(e)", "ZDOTDIR": "/e", "HOME": "/tmp/evil", "LANG": "C"}
    assert child_environ(evil) == {"HOME": str(account_home()), "LANG": "C"}


def test_only_a_listed_shell_runs(tmp_path):
    listed = tmp_path / "shells"
    listed.write_text("# shells\n/bin/zsh\n")
    assert shell_of({"SHELL": "/bin/zsh"}, listed) == "/bin/zsh"
    assert shell_of({"SHELL": "/tmp/evil"}, listed) == "/bin/sh"
    assert shell_of({"SHELL": "zsh"}, listed) == "/bin/sh"
    assert shell_of({"SHELL": "/bin/zsh"}, tmp_path / "none") == "/bin/sh"


def test_a_remembered_shell_is_asked_once():
    shell = Shell(b"KILOCODE_API_KEY=s\0")
    remembered = RememberedShell(shell)
    assert imported(remembered, {})[0] == imported(remembered, {})[0] == {"KILOCODE_API_KEY": "s"}
    assert len(shell.asked) == 1


def test_values_with_lines_and_signs_survive():
    assert parsed(b"A=x=y\nz\0B=\0") == {"A": "x=y\nz", "B": ""}
