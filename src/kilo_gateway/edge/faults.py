"""Fault -> status, headers and body, in the caller's dialect."""

import math

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.dialect import NamesErrors
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.relay.reply import Lines


def answer(fault: Fault, request_id: str, dialect: str = "openai_chat") -> tuple[int, Lines, bytes]:
    """Everything that a client gets to see of a fault."""
    headers = (
        b"content-type: application/json\r\nx-request-id: %b\r\ncontent-encoding: identity\r\n"
        % request_id.encode()
    )
    if fault.retry_after is not None:
        headers += b"retry-after: %d\r\nretry-after-ms: %d\r\n" % (
            max(1, math.ceil(fault.retry_after)),
            max(1, math.ceil(fault.retry_after * 1000)),
        )
    if fault.kind is Kind.AUTHENTICATION_REQUIRED:
        headers += b'www-authenticate: Bearer error="invalid_token"\r\n'
    elif fault.kind is Kind.PAID_MODEL_AUTH_REQUIRED:
        headers += b"www-authenticate: Bearer\r\n"
    spoken = DIALECTS[dialect]
    if isinstance(spoken, NamesErrors):
        headers += spoken.error_headers(fault)
    return fault.status, headers, spoken.error_body(fault, request_id)
