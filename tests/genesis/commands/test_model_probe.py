"""`genesis models status --probe` against a gateway on loopback: which keys work, and why others do not."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
import pytest

from genesis.main import main

CHUNK = {"choices": [{"index": 0, "delta": {"content": "OK"}, "finish_reason": "stop"}]}


@pytest.fixture
def gateway() -> Iterator[str]:
    """Answers those who have the key `kk-good-key-1`."""

    class Chat(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            is_good = self.headers["Authorization"] == "Bearer kk-good-key-1"
            body = b"data: " + msgspec.json.encode(CHUNK) + b"\n\ndata: [DONE]\n\n"
            if not is_good:
                body = b'{"error":{"message":"Incorrect API key provided: kk-bad-key-22"}}'
            self.send_response(200 if is_good else 401)
            kind = "text/event-stream" if is_good else "application/json"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/gateway/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_key_is_tried(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    gateway: str,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KILOCODE_API_KEY", "kk-good-key-1")
    agent = tmp_path / ".genesis/agents/main/agent"
    agent.mkdir(parents=True)
    block = {"baseUrl": gateway, "models": []}
    (tmp_path / ".genesis/genesis.json").write_bytes(
        msgspec.json.encode({"models": {"providers": {"kilocode": block}}})
    )
    stored = {"type": "api_key", "provider": "kilocode", "key": "kk-bad-key-22"}
    (agent / "auth-profiles.json").write_bytes(
        msgspec.json.encode({"version": 1, "profiles": {"kilocode:default": stored}})
    )
    assert main(["models", "status", "--probe", "--probe-timeout", "5000", "--json"]) == 0
    told = capsys.readouterr().out
    results = msgspec.json.decode(told)["auth"]["probes"]["results"]
    assert [(one["label"], one["status"]) for one in results] == [
        ("kilocode:default", "auth"),
        ("env: KILOCODE_API_KEY", "ok"),
    ]
    assert results[0]["error"].startswith("⚠️ kilocode refused the API key (HTTP 401).")
    assert "kk-bad-key-22" not in told
    assert "kk-good-key-1" not in told
