"""Fault -> status, headers and body, in the caller's dialect."""

import math

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.relay.reply import Headers

_DIALECT = DIALECTS["openai_chat"]


def answer(fault: Fault, request_id: str) -> tuple[int, Headers, bytes]:
    """Everything that a client gets to see of a fault."""
    headers: Headers = [
        (b"content-type", b"application/json"),
        (b"x-request-id", request_id.encode()),
        (b"content-encoding", b"identity"),
    ]
    if fault.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(1, math.ceil(fault.retry_after))))
        headers.append((b"retry-after-ms", b"%d" % max(1, math.ceil(fault.retry_after * 1000))))
    if fault.kind is Kind.AUTHENTICATION_REQUIRED:
        headers.append((b"www-authenticate", b'Bearer error="invalid_token"'))
    elif fault.kind is Kind.PAID_MODEL_AUTH_REQUIRED:
        headers.append((b"www-authenticate", b"Bearer"))
    return fault.status, headers, _DIALECT.error_body(fault, request_id)
