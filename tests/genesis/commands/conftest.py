"""A home without keys in its environment, and a gateway on loopback."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from tests.genesis.commands.homes import AUTO, SONNET, Home


@pytest.fixture
def home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Home:
    for name in ("KILOCODE_API_KEY", "ANTHROPIC_API_KEY", "GENESIS_STATE_DIR", "GENESIS_CONFIG_PATH", "GENESIS_HOME"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return Home(tmp_path, capsys)


@pytest.fixture
def gateway() -> Iterator[str]:
    """A gateway on loopback that offers two models."""

    class Models(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = msgspec.json.encode({"data": [AUTO, SONNET]})
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Models)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/gateway/"
    server.shutdown()
    thread.join()
    server.server_close()
