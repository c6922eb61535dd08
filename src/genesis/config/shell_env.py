"""Keys from the login shell (genesis.md 14.1): a program started without one (a daemon, a desktop) still finds them."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from genesis.config.paths import account_home
from genesis.config.schema import ShellEnv

TIMEOUT_MS = 15_000
TIMEOUT_VARIABLE = "GENESIS_SHELL_ENV_TIMEOUT_MS"
SWITCH_VARIABLE = "GENESIS_LOAD_SHELL_ENV"
DEFER_VARIABLE = "GENESIS_DEFER_SHELL_ENV_FALLBACK"
KEY_VARIABLE = "KILOCODE_API_KEY"
_TRUE = frozenset({"1", "true", "yes", "on"})
_NOT_FOR_THE_CHILD = ("ZDOTDIR", "BASH_ENV", "PS4", "SHELL")

Skipped = Literal["disabled", "deferred", "already-has-keys", "failed"]


class RunShell(Protocol):
    """Runs a login shell that prints its environment, NUL after each variable. Raises OSError (TimeoutError is one)."""

    def __call__(self, shell: str, environ: Mapping[str, str], timeout_s: float, /) -> bytes:
        """What it printed."""
        ...


@dataclass(frozen=True)
class Import:
    """What the login shell gave, or why it was not asked."""

    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    skipped: Skipped | None = None


class RememberedShell:
    """Asks the login shell once, however often the settings are read: at a start, and when a daemon reloads them.

    A failure is not remembered: who has mended the profile and reloads need not start anew.
    """

    def __init__(self, run: RunShell | None = None) -> None:
        self._run = run or _run_real_shell
        self._printed: bytes | None = None

    def __call__(self, shell: str, environ: Mapping[str, str], timeout_s: float) -> bytes:
        """What it printed, the first time."""
        if self._printed is None:
            self._printed = self._run(shell, environ, timeout_s)
        return self._printed


def timeout_ms(settings: ShellEnv, environ: Mapping[str, str]) -> int:
    """How long the shell may take: the settings, else the environment, else 15 s."""
    if settings.timeout_ms is not None:
        return settings.timeout_ms
    text = environ.get(TIMEOUT_VARIABLE, "").strip()
    return int(text) if text.isascii() and text.isdigit() else TIMEOUT_MS


def import_missing(
    settings: ShellEnv,
    environ: Mapping[str, str],
    expected: Iterable[str],
    warn: Callable[[str], None],
    run: RunShell | None = None,
) -> Import:
    """The expected variables that the login shell has and the environment lacks.

    A variable that is set, even to nothing, is not replaced. With the Kilo key there already, the shell is not asked.
    Unlike the reference, another provider's key that is there does not keep the Kilo key from being imported
    (genesis.md 16, row 6). A failure is a warning, and the start goes on.
    """
    skipped = _reason_to_skip(settings, environ)
    if skipped is not None:
        return Import(skipped=skipped)
    missing = [name for name in dict.fromkeys((KEY_VARIABLE, *expected)) if name not in environ]
    timeout_s = timeout_ms(settings, environ) / 1000
    try:
        printed = (run or _run_real_shell)(shell_of(environ), child_environ(environ), timeout_s)
    except OSError as error:
        warn(f"[genesis] shell env fallback failed: {error}")
        return Import(skipped="failed")
    found = parsed(printed)
    return Import({name: found[name] for name in missing if found.get(name, "").strip()})


def parsed(printed: bytes) -> dict[str, str]:
    """The variables of NUL-separated output. What a profile printed before them stands in front of the first name."""
    entries = printed.decode("utf-8", "replace").split("\0")
    pairs = (entry.partition("=") for entry in entries)
    return {name.rpartition("\n")[2]: value for name, sign, value in pairs if sign}


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


def _reason_to_skip(settings: ShellEnv, environ: Mapping[str, str]) -> Skipped | None:
    if not (settings.enabled or _is_true(environ, SWITCH_VARIABLE)):
        return "disabled"
    if _is_true(environ, DEFER_VARIABLE):
        return "deferred"
    return "already-has-keys" if KEY_VARIABLE in environ else None


def _is_true(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in _TRUE


def _run_real_shell(shell: str, environ: Mapping[str, str], timeout_s: float) -> bytes:
    # Late: hardly any command starts a shell, and what starts one takes 12 ms to load.
    from genesis.config.login_shell import run_login_shell  # noqa: PLC0415

    return run_login_shell(shell, environ, timeout_s, time.monotonic)
