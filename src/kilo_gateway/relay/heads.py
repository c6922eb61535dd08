"""The headers that tell the client what happened to its call, as the lines that go on the wire."""

from functools import lru_cache

from kilo_gateway.core.call import Call
from kilo_gateway.core.money import usd_text
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.reply import Lines

_JSON = b"application/json"


def answer_headers(call: Call, attempt: Attempt, content_type: bytes, now: float) -> Lines:
    """Headers of every answer that an upstream gave, whole or streamed.

    `Server-Timing` tells what upstream took until its first byte, and what the gateway took beside it, in ms.
    """
    deployment, first_byte = attempt.deployment, attempt.first_byte
    upstream_ms = ((now if first_byte is None else first_byte) - attempt.started) * 1000
    gateway_ms = (now - call.arrived) * 1000 - upstream_ms
    lines = (
        b"x-request-id: %b\r\nserver-timing: gateway;dur=%.3f, upstream;dur=%.3f\r\n%b"
        b"x-kilo-attempts: %d\r\ncontent-type: %b\r\n"
    ) % (
        call.id.encode(),
        gateway_ms if gateway_ms > 0 else 0.0,
        upstream_ms,
        _told_of(deployment.model, deployment.upstream),
        attempt.number,
        content_type,
    )
    if attempt.dropped:
        lines += b"x-kilo-dropped: %b\r\n" % header_text(", ".join(attempt.dropped))
    ident = attempt.upstream_request_id
    return lines if ident is None else lines + b"request-id: %b\r\n" % ident.encode("latin-1")


def upstream_request_id(headers: dict[bytes, bytes]) -> str | None:
    """The id that the upstream gave the request, from where vendors put it."""
    value = (
        headers.get(b"request-id")
        or headers.get(b"x-request-id")
        or headers.get(b"apim-request-id")
        or headers.get(b"x-amzn-requestid")
    )
    return value[:200].decode("latin-1") if value else None


def whole_headers(
    call: Call,
    attempt: Attempt,
    upstream: dict[bytes, bytes],
    cost_nanodollars: int | None,
    now: float,
) -> Lines:
    """Headers of a whole answer; its cost is known by then, if it ever is."""
    lines = answer_headers(call, attempt, upstream.get(b"content-type", _JSON), now)
    if cost_nanodollars is not None:
        lines += b"x-kilo-cost: %b\r\n" % usd_text(cost_nanodollars).encode()
    return lines


def stream_headers(call: Call, attempt: Attempt, content_type: bytes, now: float) -> Lines:
    """Headers of a streamed answer. The attempt has no request id of its upstream when the stream is opened before it has answered."""
    lines = answer_headers(call, attempt, content_type, now)
    return lines + b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"


@lru_cache(maxsize=4096)
def _told_of(model: str, upstream: str) -> Lines:
    return b"content-encoding: identity\r\nx-kilo-model: %b\r\nx-kilo-upstream: %b\r\n" % (
        header_text(model),
        header_text(upstream),
    )


def header_text(text: str) -> bytes:
    """A text as a header value: what a header cannot carry becomes a question mark."""
    return text.encode("latin-1", "replace") if text.isprintable() else b"?"
