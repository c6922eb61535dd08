"""The headers that tell the client what happened to its call."""

from functools import lru_cache

from kilo_gateway.core.call import Call
from kilo_gateway.core.money import usd_text
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.reply import Headers

_JSON = b"application/json"
_PASSED_ON = (b"request-id", b"x-request-id", b"apim-request-id")


def server_timing(call: Call, attempt: Attempt, now: float) -> bytes:
    """`Server-Timing`: what upstream took until its first byte, and what the gateway took beside it, in ms."""
    first_byte = attempt.first_byte if attempt.first_byte is not None else now
    upstream_ms = (first_byte - attempt.started) * 1000
    gateway_ms = max(0.0, (now - call.arrived) * 1000 - upstream_ms)
    return b"gateway;dur=%.3f, upstream;dur=%.3f" % (gateway_ms, upstream_ms)


def answer_headers(call: Call, attempt: Attempt, now: float) -> Headers:
    """Headers of every answer that an upstream gave, whole or streamed."""
    deployment = attempt.deployment
    return [
        (b"x-request-id", call.id.encode()),
        (b"server-timing", server_timing(call, attempt, now)),
        (b"content-encoding", b"identity"),
        (b"x-kilo-model", header_text(deployment.model)),
        (b"x-kilo-upstream", header_text(deployment.upstream)),
        (b"x-kilo-attempts", b"%d" % attempt.number),
    ]


def upstream_request_id(headers: dict[bytes, bytes]) -> bytes | None:
    """The id that the upstream gave the request, from where vendors put it."""
    for name in _PASSED_ON:
        value = headers.get(name)
        if value:
            return value[:200]
    return None


def whole_headers(
    call: Call,
    attempt: Attempt,
    upstream: dict[bytes, bytes],
    cost_nanodollars: int | None,
    now: float,
) -> Headers:
    """Headers of a whole answer; its cost is known by then, if it ever is."""
    headers = answer_headers(call, attempt, now)
    headers.append((b"content-type", upstream.get(b"content-type", _JSON)))
    _add_upstream_id(headers, upstream)
    if cost_nanodollars is not None:
        headers.append((b"x-kilo-cost", usd_text(cost_nanodollars).encode()))
    return headers


def stream_headers(
    call: Call, attempt: Attempt, upstream: dict[bytes, bytes], content_type: bytes, now: float
) -> Headers:
    """Headers of a streamed answer. `upstream` is empty when the stream is opened before upstream has answered."""
    headers = answer_headers(call, attempt, now)
    headers += [
        (b"content-type", content_type),
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
    ]
    _add_upstream_id(headers, upstream)
    return headers


def _add_upstream_id(headers: Headers, upstream: dict[bytes, bytes]) -> None:
    ident = upstream_request_id(upstream)
    if ident is not None:
        headers.append((b"request-id", ident))


@lru_cache(maxsize=4096)
def header_text(text: str) -> bytes:
    """A text as a header value: what a header cannot carry becomes a question mark."""
    return text.encode("latin-1", "replace") if text.isprintable() else b"?"
