"""The daemon as a process: started apart from this terminal, found and stopped by its pid."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from genesis.config.files import make_private_dir, write_private
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError

START_S = 20.0
STOP_S = 15.0
_STEP_S = 0.1


def pid_file(paths: Paths) -> Path:
    """Where the running daemon's pid is."""
    return paths.state_dir / "gateway.pid"


def log_file(paths: Paths) -> Path:
    """What the daemon writes when it was started in the background."""
    return paths.logs / "gateway.log"


def write_pid(paths: Paths) -> None:
    """Note this process as the daemon."""
    write_private(pid_file(paths), f"{os.getpid()}\n")


def forget_pid(paths: Paths) -> None:
    """This process ends."""
    with suppress(OSError, ValueError):
        if int(pid_file(paths).read_text()) == os.getpid():
            pid_file(paths).unlink()


def running_pid(paths: Paths) -> int | None:
    """The daemon's pid, if that process is there and is one; a number that was given to another program is not."""
    try:
        pid = int(pid_file(paths).read_text().strip())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid if _is_daemon(pid) else None


def start(paths: Paths, arguments: list[str], is_healthy: Callable[[], bool]) -> int:
    """Start a daemon apart from this terminal and wait until it answers; its pid. Raises GenesisError."""
    make_private_dir(paths.logs)
    log = log_file(paths)
    with log.open("ab") as file:
        log.chmod(0o600)
        child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "genesis.main", "gateway", "run", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=paths.home if paths.home.is_dir() else "/",
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise GenesisError(
                f"The daemon ended at once (code {child.returncode}). Its log: {paths.shown(log)}"
            )
        if is_healthy():
            return child.pid
        time.sleep(_STEP_S)
    child.terminate()
    raise GenesisError(
        f"The daemon did not answer within {START_S:g} s. Its log: {paths.shown(log)}"
    )


def stop(paths: Paths) -> bool:
    """End the daemon and wait for it; whether one ran. Raises GenesisError if it does not end."""
    pid = running_pid(paths)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)  # if it is a child of this very process
        if running_pid(paths) is None:
            return True
        time.sleep(_STEP_S)
    raise GenesisError(
        f"The daemon (pid {pid}) has not ended within {STOP_S:g} s of being asked to."
    )


def _is_daemon(pid: int) -> bool:
    command = Path(f"/proc/{pid}/cmdline")
    if not command.parent.parent.joinpath("self").exists():
        return True  # no /proc on this system: the pid file must do
    try:
        words = command.read_bytes().split(b"\0")
    except OSError:
        return False
    return b"gateway" in words and any(b"genesis" in word for word in words)
