"""A gateway on loopback that answers from a list: what a user's Genesis talks to in tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import msgspec


class Reply(msgspec.Struct):
    """Status and body of one answer to a chat request."""

    body: bytes
    status: int = 200


def chunks(*deltas: dict[str, Any], finish: str = "stop") -> Reply:
    """A stream of these deltas."""
    rows = [{"choices": [{"delta": delta}]} for delta in deltas]
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    rows.append({"choices": [{"delta": {}, "finish_reason": finish}], "usage": usage})
    lines = b"".join(b"data: " + msgspec.json.encode(row) + b"\n\n" for row in rows)
    return Reply(lines + b"data: [DONE]\n\n")


def text(words: str) -> Reply:
    return chunks({"content": words})


def call(name: str, arguments: dict[str, Any]) -> Reply:
    encoded = msgspec.json.encode(arguments).decode()
    function = {"name": name, "arguments": encoded}
    return chunks(
        {"tool_calls": [{"index": 0, "id": "c1", "function": function}]}, finish="tool_calls"
    )


def failure(status: int, message: str) -> Reply:
    return Reply(msgspec.json.encode({"error": {"message": message}}), status)


class Gateway:
    """`replies` are given one after the other, the last one again and again; `requests` is what came."""

    def __init__(self, port: int) -> None:
        self.base_url = f"http://127.0.0.1:{port}/api/gateway/"
        self.replies: list[Reply] = [text("hello")]
        self.models: Any = {"data": []}
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def running() -> Iterator[Gateway]:
    """A gateway, until the test is over."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(Reply(msgspec.json.encode(gateway.models)), "application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            gateway.requests.append(msgspec.json.decode(body))
            gateway.headers.append(dict(self.headers))
            reply = gateway.next_reply()
            kind = "text/event-stream" if reply.status == 200 else "application/json"
            self._send(reply, kind)

        def _send(self, reply: Reply, kind: str) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway = Gateway(server.server_address[1])
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
