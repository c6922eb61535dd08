"""`kilo-gateway up` on a machine that has never seen it."""

import contextlib
import http.client
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import msgspec

from tests.talk import chat, healthy, upstream

WITHOUT_THE_EXTRA = """
import sys
sys.modules["xllamacpp"] = None
sys.argv = ["kilo-gateway", *sys.argv[1:]]
from kilo_gateway.cli.main import main
main()
"""
KEY = re.compile(r"kg_live_[0-9A-Za-z]{49}")


@dataclass
class Started:
    """A gateway that was started as people do; `said` is what it printed until it was ready."""

    process: subprocess.Popen[str]
    url: str = ""
    said: str = ""
    log: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        found = KEY.search(self.said)
        assert found is not None, self.said
        return found[0]

    def ask(self, method: str, path: str, body: Any = None, key: str = "") -> tuple[int, bytes]:
        host, port = self.url.removeprefix("http://").split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {key}"} if key else {}
            sent = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, sent, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()


@contextlib.contextmanager
def up(
    home: Path,
    *arguments: str,
    environ: Mapping[str, str] | None = None,
    program: tuple[str, ...] = ("-m", "kilo_gateway"),
    local: bool = False,
) -> Iterator[Started]:
    """`kilo-gateway up` on a free port, ended with SIGINT as by Ctrl-C."""
    home.parent.mkdir(parents=True, exist_ok=True)
    extra = () if local else ("--no-local-model",)
    process = subprocess.Popen(
        [sys.executable, *program, "up", "--port", "0", *extra, *arguments],
        env={"PATH": os.environ.get("PATH", ""), "HOME": str(home.parent)}
        | {"KILO_GATEWAY_HOME": str(home)}
        | dict(environ or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    started = Started(process)
    lines: Queue[str] = Queue()

    def read_out() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)

    def read_log() -> None:
        assert process.stderr is not None
        started.log.extend(process.stderr)

    readers = [threading.Thread(target=work, daemon=True) for work in (read_out, read_log)]
    for reader in readers:
        reader.start()
    try:
        while "Claude Code" not in started.said:
            try:
                started.said += lines.get(timeout=20)
            except Empty:
                raise AssertionError(f"not ready: {started.said} {started.log}") from None
        found = re.search(r"serves on (http://\S+)", started.said)
        assert found is not None
        started.url = found[1]
        yield started
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for reader in readers:
            reader.join(5)
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def test_the_first_start_makes_a_home_and_a_key_and_the_second_prints_none(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    with up(home) as first:
        assert home.stat().st_mode & 0o777 == 0o700
        assert (home / "rights.json").stat().st_mode & 0o777 == 0o600
        key = first.key
        for part in ("curl", "OpenAI SDK", "genesis", "Kilo CLI", "Claude Code"):
            assert part in first.said
        assert f"{first.url}/v1" in first.said
        status, body = first.ask("POST", "/v1/chat/completions", chat("sim/echo"), key)
        assert status == 200
        assert "Hi" in msgspec.json.decode(body)["choices"][0]["message"]["content"]
    with up(home) as second:
        assert KEY.search(second.said) is None
        assert "keys create" in second.said
        assert second.ask("POST", "/v1/chat/completions", chat("sim/echo"), key)[0] == 200
    stored = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert key.encode() not in stored


def test_without_the_local_extra_it_says_what_to_install_and_serves(tmp_path: Path) -> None:
    with up(tmp_path / "home", program=("-c", WITHOUT_THE_EXTRA), local=True) as started:
        assert "pip install 'kilo-gateway[local]'" in started.said
        assert started.ask("GET", "/health/ready")[0] == 200
        status, _ = started.ask("POST", "/v1/chat/completions", chat("sim/echo"), started.key)
        assert status == 200


async def test_an_upstreams_key_comes_from_its_environment_variable(tmp_path: Path) -> None:
    async with healthy() as server:
        config = tmp_path / "config.toml"
        config.write_text(upstream("openai", server, api_key="env:OPENAI_API_KEY", prefix=""))

        def use() -> None:
            environ = {"OPENAI_API_KEY": "sk-of-the-test"}
            with up(tmp_path / "home", "--config", str(config), environ=environ) as started:
                status, _ = started.ask("POST", "/v1/chat/completions", chat("m"), started.key)
                assert status == 200
                assert "sk-of-the-test" not in started.said + "".join(started.log)

        await _in_thread(use)
        head = server.requests[-1].head
    assert b"authorization: Bearer sk-of-the-test\r\n" in head
    assert b"kg_live_" not in head


async def test_a_vendors_key_is_not_sent_to_another_address_unasked(tmp_path: Path) -> None:
    async with healthy() as server:
        config = tmp_path / "config.toml"
        config.write_text(upstream("openai", server, prefix=""))

        def use() -> None:
            environ = {"OPENAI_API_KEY": "sk-of-the-test"}
            with up(tmp_path / "home", "--config", str(config), environ=environ) as started:
                started.ask("POST", "/v1/chat/completions", chat("m"), started.key)

        await _in_thread(use)
        assert server.requests
        assert all(b"sk-of-the-test" not in request.head for request in server.requests)


def test_a_key_of_our_own_in_a_clients_variable_is_no_upstream(tmp_path: Path) -> None:
    own = "kg_live_" + "0" * 49
    environ = {"KILOCODE_API_KEY": own, "OPENAI_API_KEY": own}
    with up(tmp_path / "home", environ=environ) as started:
        found = re.search(r"upstreams +(.*)", started.said)
        assert found is not None
        assert "kilo" not in found[1]
        assert "openai" not in found[1]


async def _in_thread(work) -> None:
    import asyncio

    await asyncio.to_thread(work)


HEAVY = (
    "sqlalchemy",
    "alembic",
    "aiosqlite",
    "genai_prices",
    "prometheus_client",
    "rich",
    "pydantic",
)
LOADED = """
import sys
import kilo_gateway.cli.main as main
main.make_app("up")
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_nothing_heavy_is_imported_before_the_first_call_can_be_answered() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=30, check=True
    )
    assert not set(HEAVY) & set(ran.stdout.split())
