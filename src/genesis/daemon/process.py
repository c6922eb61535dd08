"""The daemon as a process: started apart from this terminal, found and stopped.

Whoever is the daemon holds a lock on one file in the state folder for as long as it lives, and writes there where it
listens. So nothing has to be guessed from a number: a lock ends with its process, and what the file says was written by
the process that holds it.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from genesis.config.files import PRIVATE_FILE, make_private_dir
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.secret import Secret
from genesis.daemon.access import Access

START_S = 20.0
STOP_S = 15.0
# Who only looks holds the lock for an instant: who wants to keep it tries again.
_CLAIM_S = 1.0
_STEP_S = 0.05
MOST_LOG_BYTES = 5 * 1024 * 1024


class Running(msgspec.Struct, frozen=True, omit_defaults=True):
    """The daemon that runs. `token` is its own, where the settings have none."""

    pid: int
    host: str
    port: int
    token: str | None = None

    def access(self, secret: Secret | None) -> Access:
        """Where and with what a client reaches it; `secret` is that of the settings."""
        return Access(self.host, self.port, Secret(self.token) if self.token else secret)


class Claim:
    """The right to be the daemon, held by this process."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def publish(self, running: Running) -> None:
        """Tell others where this daemon listens."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, msgspec.json.encode(running), 0)


def file_of(paths: Paths) -> Path:
    """The file that the daemon holds; private, since it may have a token."""
    return paths.state_dir / "daemon.json"


def log_file(paths: Paths) -> Path:
    """What the daemon writes when it was started in the background."""
    return paths.logs / "gateway.log"


@contextmanager
def claimed(paths: Paths) -> Iterator[Claim]:
    """Be the daemon. Raises GenesisError if another process is."""
    make_private_dir(paths.state_dir)
    handle = os.open(file_of(paths), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        if not _lock(handle, until=time.monotonic() + _CLAIM_S):
            other = running(paths)
            told = f" (pid {other.pid})" if other else ""
            raise GenesisError(f"The daemon runs already{told}. `genesis gateway stop` ends it.")
        os.ftruncate(handle, 0)
        try:
            yield Claim(handle)
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


def running(paths: Paths) -> Running | None:
    """The daemon, if one runs and listens."""
    try:
        handle = os.open(file_of(paths), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _told(os.pread(handle, 4096, 0))
    finally:
        os.close(handle)
    return None


def start(paths: Paths, arguments: list[str]) -> Running:
    """Start a daemon apart from this terminal and wait until it listens. Raises GenesisError."""
    make_private_dir(paths.logs)
    log = log_file(paths)
    _rotate(log)
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(handle, "ab") as file:
        begun_at = file.tell()
        child = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "genesis.main", "gateway", "run", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
            cwd=paths.state_dir,
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        found = running(paths)
        if found is not None and found.pid == child.pid:
            return found
        if child.poll() is not None:
            raise GenesisError(_why(paths, begun_at, child.returncode))
        time.sleep(_STEP_S)
    child.terminate()
    raise GenesisError(
        f"The daemon did not listen within {START_S:g} s. Its log: {paths.shown(log)}"
    )


def stop(paths: Paths) -> bool:
    """End the daemon and wait for it; whether one ran. Raises GenesisError if it does not end."""
    found = running(paths)
    if found is None:
        return False
    with suppress(ProcessLookupError):  # it ended a moment ago
        os.kill(found.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        now = running(paths)
        if now is None or now.pid != found.pid:
            return True
        time.sleep(_STEP_S)
    raise GenesisError(
        f"The daemon (pid {found.pid}) has not ended within {STOP_S:g} s of being asked to. "
        f"Wait and run the command again, or end it with `kill -9 {found.pid}`: what was said is saved."
    )


def _lock(handle: int, until: float) -> bool:
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until:
                return False
            time.sleep(_STEP_S)
        else:
            return True


def _told(content: bytes) -> Running | None:
    """What the file says; nothing while its daemon does not listen yet."""
    try:
        return msgspec.json.decode(content, type=Running)
    except msgspec.DecodeError:
        return None


def _why(paths: Paths, begun_at: int, code: int) -> str:
    """Why a daemon ended at once: its own last sentence, if it said one."""
    log = log_file(paths)
    with log.open("rb") as file:
        file.seek(begun_at)
        lines = file.read(64 * 1024).decode("utf-8", "replace").splitlines()
    errors = [line for line in lines if line.startswith("Error: ")]
    if errors:
        return errors[-1].removeprefix("Error: ")
    return f"The daemon ended at once (code {code}). Its log: {paths.shown(log)}"


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > MOST_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
