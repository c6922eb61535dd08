"""A client, a catalog and an upstream in memory, and the bodies that they exchange: for micro.py."""

import asyncio
import time

from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.money import Price

NO_QUIRKS: frozenset[str] = frozenset()
EVENT = (
    b'data: {"id":"chatcmpl-mock0123456789","object":"chat.completion.chunk","created":1760000000,"model":"mock",'
    b'"system_fingerprint":"fp_mock","choices":[{"index":0,"delta":{"content":" @0000000000000000"},'
    b'"logprobs":null,"finish_reason":null}]}\n\n'
)
LAST_EVENTS = (
    b'data: {"id":"chatcmpl-mock0123456789","object":"chat.completion.chunk","created":1760000000,"model":"mock",'
    b'"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}\n\n'
    b'data: {"id":"chatcmpl-mock0123456789","object":"chat.completion.chunk","created":1760000000,"model":"mock",'
    b'"choices":[],"usage":{"prompt_tokens":25,"completion_tokens":100,"total_tokens":125}}\n\ndata: [DONE]\n\n'
)
REPLY = (
    b'{"id":"chatcmpl-mock0123456789","object":"chat.completion","created":1760000000,"model":"mock",'
    b'"system_fingerprint":"fp_mock","choices":[{"index":0,"message":{"role":"assistant","content":"'
    + b"the quick brown fox jumps over "
    * 20
    + b'","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":25,"completion_tokens":100,"total_tokens":125}}'
)
DEPLOYMENT = Deployment(
    "mock",
    "mock",
    "mock",
    "openai_chat",
    price=Price(input=1_000_000_000, output=2_000_000_000, source="config"),
)


def request(prompt_bytes: int, *, stream: bool = False) -> bytes:
    """A body like the load generator's."""
    text = (b"lorem ipsum dolor sit amet " * (prompt_bytes // 27 + 1))[:prompt_bytes]
    end = b',"stream":true,"stream_options":{"include_usage":true}}' if stream else b"}"
    return (
        b'{"model":"mock","messages":[{"role":"system","content":"You are a helpful assistant."},'
        b'{"role":"user","content":"' + text + b'"}],"temperature":0.7,"max_tokens":256' + end
    )


def http_request(key: str, body: bytes) -> bytes:
    """A request as the load generator sends it."""
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:4000\r\nAuthorization: Bearer %b\r\n"
        b"Accept: */*\r\nUser-Agent: OpenAI/Python 2.0.0\r\nX-Stainless-Lang: python\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
        % (key.encode(), len(body), body)
    )


class Clock:
    """The real one."""

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)


class OneModel:
    """A catalog of one deployment, for the planner."""

    def candidates(self, _name: str) -> tuple[Deployment, ...]:
        """Always the same."""
        return (DEPLOYMENT,)

    def auto_candidates(self) -> tuple[tuple[Deployment, ...], ...]:
        """The same for `kilo/auto`."""
        return ((DEPLOYMENT,),)

    def is_ours(self, _name: str) -> bool:
        """Nobody has wishes here."""
        return True

    def nearest(self, _name: str) -> tuple[str, ...]:
        """Nothing is like it."""
        return ()


class MemoryExchange:
    """A reply that is there already."""

    status = 200

    def __init__(self, chunks: list[bytes], content_type: bytes) -> None:
        self._chunks = iter(chunks)
        self.headers = {b"content-type": content_type, b"x-request-id": b"req_mock"}

    def whole(self, _limit_bytes: int) -> bytes:
        """The only piece."""
        return next(self._chunks, b"")

    async def read(self, _deadline: float) -> bytes:
        """The next piece."""
        return next(self._chunks, b"")

    async def read_all(self, _limit_bytes: int, _deadline: float, _silence_s: float) -> bytes:
        """The only piece."""
        return next(self._chunks, b"")

    def close(self) -> None:
        """Nothing to give back."""


class MemoryClient:
    """The transport of a client that takes everything at once; `done` is set when an answer has come whole."""

    def __init__(self) -> None:
        self.done: asyncio.Future[None] | None = None
        self.problem = b""

    def write(self, data: bytes) -> None:
        """Bytes for the client."""
        if data.startswith(b"HTTP/1.1 ") and not data.startswith(b"HTTP/1.1 200"):
            self.problem = data[:500]
        if self.done is not None and not self.done.done() and data.endswith((b"}", b"0\r\n\r\n")):
            self.done.set_result(None)

    def get_extra_info(self, name: str, default: object = None) -> object:
        """Addresses of loopback."""
        return ("127.0.0.1", 4000) if name in {"peername", "sockname"} else default

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """Nothing waits."""
        return 0

    def _nothing(self, *_: object, **__: object) -> None:
        """What a socket would do."""

    set_protocol = set_write_buffer_limits = pause_reading = resume_reading = _nothing
    close = abort = _nothing


class MemoryUpstream:
    """An upstream that answers at once."""

    quirks = NO_QUIRKS
    first_byte_s = 600.0
    silence_s = 120.0

    def __init__(self) -> None:
        self.chunks = [REPLY]
        self.content_type = b"application/json"

    async def send(self, *_asked: object) -> MemoryExchange:
        """The prepared reply."""
        return MemoryExchange(self.chunks, self.content_type)
