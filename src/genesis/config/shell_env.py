"""Keys from the login shell (genesis.md 14.1): a program started without one (a daemon, a desktop) still finds them."""

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from genesis.config.paths import account_home
from genesis.config.schema import ShellEnv

TIMEOUT_MS = 15_000
TIMEOUT_VARIABLE = "GENESIS_SHELL_ENV_TIMEOUT_MS"
SWITCH_VARIABLE = "GENESIS_LOAD_SHELL_ENV"
DEFER_VARIABLE = "GENESIS_DEFER_SHELL_ENV_FALLBACK"
_LARGEST_BYTES = 2 * 1024 * 1024
_TRUE = frozenset({"1", "true", "yes", "on"})
_NOT_FOR_THE_CHILD = ("ZDOTDIR", "BASH_ENV", "PS4", "SHELL")


class RunShell(Protocol):
    """Runs a login shell that prints its environment, NUL after each variable. Raises OSError or TimeoutError."""

    def __call__(self, shell: str, environ: Mapping[str, str], timeout_s: float) -> bytes:
        """What it printed."""
        ...


def is_wanted(settings: ShellEnv, environ: Mapping[str, str]) -> bool:
    """Whether the settings or the environment ask for the import."""
    asked = settings.enabled or environ.get(SWITCH_VARIABLE, "").strip().lower() in _TRUE
    return asked and environ.get(DEFER_VARIABLE, "").strip().lower() not in _TRUE


def timeout_ms(settings: ShellEnv, environ: Mapping[str, str]) -> int:
    """How long the shell may take."""
    if settings.timeout_ms is not None:
        return settings.timeout_ms
    text = environ.get(TIMEOUT_VARIABLE, "").strip()
    return int(text) if text.isdigit() else TIMEOUT_MS


def import_missing(
    settings: ShellEnv,
    environ: Mapping[str, str],
    expected: Iterable[str],
    warn: Callable[[str], None],
    run: RunShell | None = None,
) -> dict[str, str]:
    """The expected variables that the login shell has and the environment lacks; the shell runs only if one is missing.

    A variable that is set, even to nothing, is not missing. Unlike the reference, one that is set does not keep the
    others from being imported (genesis.md 16, row 6). A failure is a warning, and the start goes on.
    """
    missing = [name for name in expected if name not in environ]
    if not missing or not is_wanted(settings, environ):
        return {}
    try:
        printed = (run or run_login_shell)(
            shell_of(environ), child_environ(environ), timeout_ms(settings, environ) / 1000
        )
    except (OSError, subprocess.SubprocessError) as error:
        warn(f"[genesis] shell env fallback failed: {error}")
        return {}
    found = dict(
        entry.partition("=")[::2]
        for entry in printed.decode("utf-8", "replace").split("\0")
        if "=" in entry
    )
    return {name: found[name] for name in missing if found.get(name, "").strip()}


def shell_of(environ: Mapping[str, str], shells: Path = Path("/etc/shells")) -> str:
    """`$SHELL` if it is an absolute path that the system lists, else `/bin/sh`."""
    shell = environ.get("SHELL", "")
    try:
        listed = shells.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        listed = []
    return shell if shell.startswith("/") and shell in listed else "/bin/sh"


def child_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """The shell's own environment: the real home folder, and nothing that makes it run somebody's file."""
    kept = {name: value for name, value in environ.items() if name not in _NOT_FOR_THE_CHILD}
    return kept | {"HOME": str(account_home())}


def run_login_shell(shell: str, environ: Mapping[str, str], timeout_s: float) -> bytes:
    """Run `SHELL -l -c "env -0"`."""
    done = subprocess.run(  # noqa: S603 - the shell is one that the system lists, the command is ours
        [shell, "-l", "-c", "env -0"],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=timeout_s,
        check=False,
        cwd=os.sep,
    )
    if done.returncode:
        raise OSError(f"{shell} ended with code {done.returncode}")
    return done.stdout[:_LARGEST_BYTES]
