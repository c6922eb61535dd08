"""Secrets that are known again wherever they turn up, the finder that looks for them, and an upstream that quotes them."""

import base64
import json
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Words, not the shape of keys: what is hidden must be hidden because it is known. One has signs that are written otherwise
# in JSON, URLs and Python.
CANARIES = {
    "environment": "QuietHeronCrossesTheLake",
    "pasted": "SlowBadgerCountsHisStones",
    "refused": "LostOtterAsksTheFerryman",
    "token": "PatientOwlKeepsTheGateway",
    "header": "ShyLynxWalksBehindHeaders",
    "settings": "OldToadSleepsInSettings",
    "dotenv": "RedFoxHides/In+Dot=Env",
    "anthropic": "TallCraneReadsAnthropic",
}


def spellings(secret: str) -> list[bytes]:
    """The secret as it may be written."""
    plain = secret.encode()
    turned = [base64.b64encode(b"-" * shift + plain)[8:-4] for shift in (3, 4, 5)]
    return [plain, plain[::-1], plain.hex().encode(), quote(secret, safe="").encode(), repr(secret)[1:-1].encode(), json.dumps(secret).replace("/", "\\/")[1:-1].encode(), *turned]  # fmt: skip


def sightings(sinks: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """Where which canary was seen."""
    return {
        (sink, name)
        for sink, content in sinks.items()
        for name, secret in CANARIES.items()
        if any(one in content for one in spellings(secret))
    }


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, by its place."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def open_to_others(folder: Path) -> list[str]:
    """Files that are not 0600 and folders that are not 0700, the folder itself among them."""
    found = []
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            found.append(f"{path.relative_to(folder)} {mode:04o}")
    return found


# --- an upstream that quotes what it got ------------------------------------------------------------------------

# What the upstream does for each model, beside `tools` and an answer.
STATUSES = (400, 401, 402, 403, 404, 422, 429, 500, 503)
FAILURES = (*(f"fails-{status}" for status in STATUSES), "page", "resets", "early", "late", "half", "garbage", "nonsense")  # fmt: skip
_DONE = b"data: [DONE]\n\n"
READS_ALL = "env; cat secrets.txt; cat secrets.txt >&2; exit 3"


class Upstream:
    """`seen` are the headers of all requests: that the keys do go where they belong."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.seen: list[str] = []


def _chunk(delta: Any, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": None} | more]}


def _stream(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks)


def _broken(model: str, quoted: str) -> tuple[int, str, bytes] | None:
    """Status, type and body of what fails; None for what does not."""
    error = {"error": {"message": f"{quoted} is bad", "type": "x", "code": quoted, "param": quoted}}
    resets = {"error": {"message": f"Limit resets at 5 pm for {quoted[:200]}"}}
    page = f"<html><title>{quoted}</title>{quoted}</html>"
    half = _stream(_chunk({"content": "half"}), _chunk({}, finish_reason=quoted))
    table = {
        "page": (502, "text/html", page.encode()),
        "resets": (429, "application/json", json.dumps(resets).encode()),
        "early": (200, "text/event-stream", _stream(error)),
        "late": (200, "text/event-stream", _stream(_chunk({"content": "so far"}), error) + _DONE),
        "half": (200, "text/event-stream", half),
        "garbage": (200, "text/event-stream", f"data: {quoted}\n\n: {quoted}\n\n".encode() + _DONE),
        "nonsense": (200, quoted[:80], quoted.encode()),
    }
    for status in STATUSES:
        table[f"fails-{status}"] = (status, "application/json", json.dumps(error).encode())
    return table["fails-401"] if CANARIES["refused"] in quoted else table.get(model)


def _answer(body: dict[str, Any]) -> tuple[int, str, bytes]:
    if not body.get("stream"):
        message = {"role": "assistant", "content": "ok"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        return 200, "application/json", json.dumps({"id": "x", "choices": [choice]}).encode()
    delta, why = {"content": "It is done."}, "stop"
    if body["model"] == "tools" and body["messages"][-1]["role"] != "tool":
        function = {"name": "exec", "arguments": json.dumps({"command": READS_ALL})}
        call = {"index": 0, "id": "c1", "type": "function", "function": function}
        delta, why = {"tool_calls": [call]}, "tool_calls"
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    ends = _chunk({}, finish_reason=why) | {"usage": usage}
    return 200, "text/event-stream", _stream(_chunk(delta), ends) + _DONE


@contextmanager
def quoting() -> Iterator[Upstream]:
    """The upstream, until the test is over."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if "/broken/" in self.path:
                self._send(500, "application/json", self._quoted().encode())
                return
            models = [{"id": "tools", "name": "Tools", "pricing": {}, "supported_parameters": []}]
            self._send(200, "application/json", json.dumps({"data": models}).encode())

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self._send(*(_broken(body["model"], self._quoted()) or _answer(body)))

        def _quoted(self) -> str:
            upstream.seen.append(str(self.headers))
            # What a careful reader cuts off is the end.
            rows = sorted(
                self.headers.items(), key=lambda row: not sightings({"": row[1].encode()})
            )
            return "; ".join(f"{value} ({name})" for name, value in rows)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    upstream = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield upstream
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
