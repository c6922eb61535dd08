"""Real gateways for tests: in a process of their own, or in the test's event loop; with a configuration and a key.

    with process(home, CONFIG) as gateway:              # one that survives the test's event loop, and can be killed
        ask(gateway.url, gateway.key)

    async with in_loop(home, CONFIG) as gateway:        # its parts are at hand: gateway.parts
        await client.get(gateway.url + "/health/ready")

`home` is the state directory (a tmp_path will do). Every gateway listens on a free port of loopback. The key is put into
the rights file before the start, as the first start of `kilo-gateway up` does it; `add_key` makes more of them.
"""

import asyncio
import contextlib
import http.client
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kilo_gateway.app.gateway import Gateway, Ready, Start
from kilo_gateway.app.home import Home
from kilo_gateway.config.load import load
from kilo_gateway.core.grant import Grant
from kilo_gateway.keys.rights import PendingKey, Rights, read_rights, write_rights
from kilo_gateway.keys.secret import mint

START_S = 20.0
STOP_S = 15.0
_READY = re.compile(r"serves on (http://\S+)")


def add_key(home: Path, name: str = "test", *, models: tuple[str, ...] = ()) -> str:
    """Make an API key before a gateway's first start in that home. `models` are the globs it may use (() = all)."""
    path = Home(home).rights
    before = read_rights(path) or Rights(-1, ())
    minted = mint()
    grant = Grant("key_" + minted.digest.hex()[:16], "tests", name, models=models)
    pending = PendingKey(minted.digest.hex(), minted.prefix, grant, time.time())
    write_rights(path, Rights(-1, before.rows, (*before.pending, pending)))
    return minted.key


@dataclass
class Running:
    """A gateway that serves. `url` has no path: the API is at `url + "/v1"`."""

    url: str
    key: str
    home: Path
    log: list[str] = field(default_factory=list)
    parts: Gateway | None = None
    process: subprocess.Popen[str] | None = None

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def headers(self) -> dict[str, str]:
        """What a client sends to be let in."""
        return {"authorization": f"Bearer {self.key}"}

    def entries(self) -> dict[str, list[dict[str, Any]]]:
        """The ledger's rows in the database as of now, by call id, each call's attempts in order."""
        return read_entries(self.home)


def read_entries(home: Path) -> dict[str, list[dict[str, Any]]]:
    """The ledger's rows in a home's database, by call id. Empty while there is no database."""
    database = Home(home).database
    if not database.exists():
        return {}
    found: dict[str, list[dict[str, Any]]] = {}
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        connection.row_factory = sqlite3.Row
        with contextlib.suppress(sqlite3.OperationalError):  # no tables yet
            for row in connection.execute("SELECT * FROM entries ORDER BY call_id, attempt"):
                found.setdefault(row["call_id"], []).append(dict(row))
    return found


def wait_for_entries(home: Path, calls: Iterable[str], within_s: float = 10.0) -> dict[str, Any]:
    """The ledger once it holds these calls; the settler brings entries to the database about twice a second."""
    wanted = set(calls)
    deadline = time.monotonic() + within_s
    while True:
        found = read_entries(home)
        missing = wanted - found.keys()
        if not missing:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(
                f"{len(missing)} calls are not in the ledger: {sorted(missing)[:5]}"
            )
        time.sleep(0.05)


def wait_for_model(gateway: Running, model: str, within_s: float = START_S) -> None:
    """Until the gateway lists a model: upstreams are asked for theirs in the background, after the start."""
    deadline = time.monotonic() + within_s
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", f"/v1/models/{model}", headers=gateway.headers)
            if connection.getresponse().status == 200:
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"no model {model}:\n" + "".join(gateway.log))
        time.sleep(0.02)


@contextlib.contextmanager
def process(
    home: Path,
    config: str = "",
    *,
    command: tuple[str, ...] = ("serve",),
    environ: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Iterator[Running]:
    """A gateway as a child process (`kilo-gateway serve`), ended with SIGTERM.

    `config` is TOML; its `[server]` must not name a port. `environ` is the whole environment but for PATH, so that no
    key or proxy of the machine gets in. `key` is one made with `add_key`; left out, one is made.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.chmod(0o700)
    path = home / "config.toml"
    path.write_text(config)
    path.chmod(0o600)
    key = key or add_key(home)
    variables = {"PATH": os.environ.get("PATH", ""), "HOME": str(home)} | dict(environ or {})
    variables |= {"KILO_GATEWAY_HOME": str(home), "KILO_GATEWAY__SERVER__PORT": "0"}
    child = subprocess.Popen(
        [sys.executable, "-m", "kilo_gateway", *command, "--config", str(path)],
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    gateway = Running("", key, home, process=child)
    is_ready = threading.Event()
    reader = threading.Thread(target=_read_log, args=(gateway, is_ready), daemon=True)
    reader.start()
    try:
        if not is_ready.wait(START_S) or not gateway.url:
            raise AssertionError("the gateway did not start:\n" + "".join(gateway.log))
        yield gateway
    finally:
        _end(child)
        reader.join(STOP_S)


def _read_log(gateway: Running, is_ready: threading.Event) -> None:
    child = gateway.process
    assert child is not None
    assert child.stderr is not None
    with child.stderr as lines:
        for line in lines:
            gateway.log.append(line)
            found = _READY.search(line)
            if found is not None and not gateway.url:
                gateway.url = found[1]
                is_ready.set()
    is_ready.set()


def _end(child: subprocess.Popen[str]) -> None:
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(STOP_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


@contextlib.asynccontextmanager
async def in_loop(
    home: Path,
    config: str = "",
    *,
    environ: Mapping[str, str] | None = None,
    key: str | None = None,
    has_simulator: bool = False,
) -> AsyncIterator[Running]:
    """A gateway in the running event loop. Its log lines are in `log`, the Gateway itself is `parts`."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / "config.toml"
    path.write_text(config)
    path.chmod(0o600)
    variables = dict(environ or {})
    loaded = load(path, variables, home=home)
    assert loaded.ok, [str(problem) for problem in loaded.errors]
    gateway = Running("", key or add_key(home), home)
    parts = gateway.parts = Gateway(
        Start(
            loaded=loaded,
            reload=lambda: load(path, variables, home=home),
            environ=variables,
            home=Home(home),
            database_url=f"sqlite+aiosqlite:///{Home(home).database}",
            finds_upstreams=False,
            mints_first_key=False,
            has_local_model=loaded.settings.local_model.enabled is True,
            has_simulator=has_simulator or loaded.settings.simulator.enabled is True,
            host="127.0.0.1",
            port=0,
        ),
        gateway.log.append,
    )
    is_ready = asyncio.Event()

    def on_ready(ready: Ready) -> None:
        gateway.url = f"http://{ready.host}:{ready.port}"
        is_ready.set()

    running = asyncio.ensure_future(parts.run(on_ready))
    waiting = asyncio.ensure_future(is_ready.wait())
    try:
        await asyncio.wait({running, waiting}, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        if not is_ready.is_set() and running.done():
            await running  # raises what went wrong
        assert is_ready.is_set(), "the gateway did not start:\n" + "".join(gateway.log)
        yield gateway
    finally:
        waiting.cancel()
        parts.stop()
        try:
            async with asyncio.timeout(STOP_S):
                await running
        finally:
            parts.close()
