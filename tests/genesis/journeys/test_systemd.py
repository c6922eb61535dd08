"""`genesis gateway install` with a real systemd: the user's manager, started in a mount namespace with a /run of its own."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import pytest

from tests.talk import free_port

MANAGER = Path("/lib/systemd/systemd")
RUNTIME = "/run/user/0"
PATIENCE_S = 30.0
START = f"""
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system {RUNTIME}
chmod 700 {RUNTIME}
exec {MANAGER} --user
"""


def why_not() -> str:
    """Why there can be no manager here; nothing if there can."""
    missing = [name for name in ("unshare", "nsenter", "systemctl") if shutil.which(name) is None]
    if missing or not MANAGER.exists():
        return f"{', '.join(missing) or MANAGER} is not installed"
    if os.geteuid() != 0:
        return "only root may make a mount namespace for a systemd of its own"
    if Path("/run/systemd/system").exists():
        return "this machine runs on systemd: its own is not for tests"
    return ""


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is one")


class Manager:
    """A user's systemd; what runs beside it sees the same files and the same bus."""

    def __init__(self, home, log):
        self.home = home
        self.environ = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": RUNTIME,
        }
        self.program = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-ec", START],
            env=self.environ,
            stdout=log,
            stderr=log,
        )

    def run(self, *words):
        done = subprocess.run(
            ["nsenter", "--mount", f"--target={self.program.pid}", f"--wdns={self.home}", *words],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def genesis(self, *words):
        return self.run(sys.executable, "-m", "genesis.main", "gateway", *words)

    def systemctl(self, *words):
        return self.run("systemctl", "--user", *words, "genesis-gateway.service")

    def status(self):
        return msgspec.json.decode(self.genesis("status", "--json")[1])

    def is_up(self):
        return self.run("systemctl", "--user", "is-system-running")[1] in {"running", "degraded"}


def until(what):
    """Wait until it is so; whether it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)  # another process answers
    return True


@contextlib.contextmanager
def alone():
    """One manager at a time: their control groups have the same names."""
    with (Path(tempfile.gettempdir()) / "genesis-systemd.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def manager(tmp_path):
    home = tmp_path / "home"
    state = home / ".genesis"
    state.mkdir(parents=True, mode=0o700)
    settings = {"gateway": {"mode": "local", "port": free_port(), "auth": {"token": "${MY_TOKEN}"}}}
    (state / "genesis.json").write_bytes(msgspec.json.encode(settings))
    (state / ".env").write_text("MY_TOKEN=of-a-file\n")
    with (tmp_path / "log").open("wb") as log, alone():
        found = Manager(home, log)
        yield from until_it_ends(found, tmp_path / "log")


def until_it_ends(found, log):
    try:
        if not until(lambda: found.program.poll() is not None or found.is_up()):
            pytest.skip("a systemd was started and does not answer")
        if found.program.poll() is not None:
            pytest.skip(f"no systemd can be started here: {log.read_text()[-300:]}")
        yield found
    finally:
        found.program.terminate()
        found.program.wait(PATIENCE_S)


def test_the_service_is_installed_found_and_uninstalled(manager):
    code, out, err = manager.genesis("install")
    assert (code, "Started it" in out) == (0, True), out + err
    assert until(lambda: manager.status()["usable"])
    found = manager.status()
    assert found["installed"]
    shown = manager.systemctl("show", "-p", "MainPID")
    assert shown[1] == f"MainPID={found['pid']}"
    assert manager.systemctl("is-enabled")[0] == 0

    code, out, _ = manager.genesis("install")  # again: it is restarted
    assert code == 0
    assert until(lambda: manager.status()["usable"])
    assert manager.status()["pid"] != found["pid"]

    code, out, _ = manager.genesis("uninstall")
    assert (code, "Stopped it." in out) == (0, True)
    left = manager.status()
    assert (left["running"], left["installed"]) == (False, False)
    assert manager.systemctl("is-enabled")[0] != 0


def test_a_service_that_is_stopped_stays_stopped_and_one_that_fails_comes_back(manager):
    assert manager.genesis("install")[0] == 0
    assert until(lambda: manager.status()["usable"])
    assert manager.genesis("stop")[1] == "Stopped the daemon."
    assert until(lambda: manager.systemctl("is-active")[1] == "inactive")
    assert manager.systemctl("start")[0] == 0
    assert until(lambda: manager.status()["usable"])
    before = manager.status()["pid"]
    os.kill(before, 9)
    assert until(lambda: manager.status()["pid"] not in {before, None})
