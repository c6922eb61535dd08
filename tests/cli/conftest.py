"""The real command line, in a home of its own."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from kilo_gateway.cli.main import make_app

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty state directory, and an environment that names nothing else."""
    for name in ("KILO_GATEWAY_CONFIG", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KILO_GATEWAY_HOME", str(home))
    return home


@pytest.fixture
def run(home: Path) -> Run:
    """Runs one command line: `run("keys", "list", "--json")`."""

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(make_app(arguments[0]), list(arguments), catch_exceptions=False)

    return invoke


@pytest.fixture
def config(home: Path) -> Callable[[str], Path]:
    """Writes config.toml into the home."""

    def write(text: str) -> Path:
        home.mkdir(mode=0o700, exist_ok=True)
        path = home / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return path

    return write


class ModelList:
    """An upstream that lists models, on a loopback port; `status` and `models` may be changed."""

    def __init__(self) -> None:
        self.status = 200
        self.models: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str | None]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                upstream.seen.append((self.path, self.headers.get("authorization")))
                body = msgspec.json.encode({"object": "list", "data": upstream.models})
                self.send_response(upstream.status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Silence."""

        return Handler


@pytest.fixture
def upstream() -> Iterator[ModelList]:
    """A real upstream on loopback, with two models."""
    server = ModelList()
    server.models = [{"id": "alpha", "object": "model"}, {"id": "beta", "object": "model"}]
    yield server
    server.close()
