"""Fault, the one exception, and the one table: kind -> HTTP status, whose side, error type and code.

Raise it where the knowledge is. It is caught in two places only: `relay` (to try again) and `edge` (to answer).
`message` is public: it holds no secret, no upstream URL or account, and says what to do. `detail` is for the log.
"""

from enum import StrEnum
from typing import NamedTuple

from typing_extensions import override


class Blame(StrEnum):
    """On whose side a fault lies."""

    CALLER = "caller"
    KEY = "key"
    UPSTREAM = "upstream"
    US = "us"


class Kind(StrEnum):
    """What went wrong. The value is the `error_type` of an error body."""

    NOT_FOUND = "not_found"
    INVALID_PATH = "invalid_path"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    INVALID_REQUEST = "invalid_request"
    UNSUPPORTED_FIELD = "unsupported_field"
    BODY_TOO_LARGE = "request_too_large"
    UNSUPPORTED_ENCODING = "unsupported_encoding"
    HEAD_TOO_LARGE = "request_head_too_large"
    CLIENT_TIMEOUT = "client_timeout"
    AUTHENTICATION_REQUIRED = "authentication_required"
    PAID_MODEL_AUTH_REQUIRED = "paid_model_auth_required"
    MODEL_NOT_FOUND = "model_not_found"
    MODEL_NOT_ALLOWED = "model_not_allowed"
    PROVIDER_NOT_ALLOWED = "provider_not_allowed"
    API_KIND_NOT_SUPPORTED = "api_kind_not_supported"
    UNSUPPORTED_FIM_MODEL = "unsupported_fim_model"
    CLIENT_DISCONNECT = "client_disconnect"
    DRAINING = "draining"
    OVERLOADED = "overloaded"
    STORE_UNAVAILABLE = "store_unavailable"
    INTERNAL = "internal_error"
    # What upstreams do. The first group never reached the model, the second did.
    UPSTREAM_CONNECT = "upstream_connect"
    UPSTREAM_DISCONNECT = "upstream_disconnect"
    UPSTREAM_TIMEOUT = "timeout"
    UPSTREAM_GARBAGE = "upstream_invalid_reply"
    UPSTREAM_RATE_LIMITED = "rate_limit_exceeded"
    UPSTREAM_OVERLOADED = "upstream_overloaded"
    UPSTREAM_ERROR = "upstream_error"
    UPSTREAM_REFUSED_KEY = "upstream_authentication"
    UPSTREAM_NO_CREDIT = "temporarily_unavailable"
    UPSTREAM_NO_MODEL = "upstream_model_not_found"
    UPSTREAM_REJECTED = "upstream_rejected"
    CONTEXT_OVERFLOW = "context_length_exceeded"
    CONTENT_FILTERED = "content_filter"


class KindRow(NamedTuple):
    """One row of the table. `openai_type` is `error.type` in OpenAI's shape; `code` its `error.code`."""

    status: int
    blame: Blame
    openai_type: str
    code: str


_BAD = "invalid_request_error"
_API = "api_error"

KINDS: dict[Kind, KindRow] = {
    Kind.NOT_FOUND: KindRow(404, Blame.CALLER, _BAD, "not_found"),
    Kind.INVALID_PATH: KindRow(400, Blame.CALLER, _BAD, "invalid_path"),
    Kind.METHOD_NOT_ALLOWED: KindRow(405, Blame.CALLER, _BAD, "method_not_allowed"),
    Kind.INVALID_REQUEST: KindRow(400, Blame.CALLER, _BAD, "invalid_request"),
    Kind.UNSUPPORTED_FIELD: KindRow(400, Blame.CALLER, _BAD, "unsupported_field"),
    Kind.BODY_TOO_LARGE: KindRow(413, Blame.CALLER, _BAD, "request_too_large"),
    Kind.UNSUPPORTED_ENCODING: KindRow(415, Blame.CALLER, _BAD, "unsupported_encoding"),
    Kind.HEAD_TOO_LARGE: KindRow(431, Blame.CALLER, _BAD, "request_head_too_large"),
    Kind.CLIENT_TIMEOUT: KindRow(408, Blame.CALLER, _BAD, "client_timeout"),
    Kind.AUTHENTICATION_REQUIRED: KindRow(401, Blame.KEY, "authentication_error", "INVALID_TOKEN"),
    Kind.PAID_MODEL_AUTH_REQUIRED: KindRow(
        401, Blame.KEY, "authentication_error", "PAID_MODEL_AUTH_REQUIRED"
    ),
    Kind.MODEL_NOT_FOUND: KindRow(404, Blame.CALLER, _BAD, "model_not_found"),
    Kind.MODEL_NOT_ALLOWED: KindRow(404, Blame.KEY, "permission_error", "model_not_allowed"),
    Kind.PROVIDER_NOT_ALLOWED: KindRow(404, Blame.CALLER, _BAD, "provider_not_allowed"),
    Kind.API_KIND_NOT_SUPPORTED: KindRow(400, Blame.CALLER, _BAD, "api_kind_not_supported"),
    Kind.UNSUPPORTED_FIM_MODEL: KindRow(400, Blame.CALLER, _BAD, "unsupported_fim_model"),
    Kind.CLIENT_DISCONNECT: KindRow(499, Blame.CALLER, _API, "client_disconnect"),
    Kind.DRAINING: KindRow(503, Blame.US, _API, "draining"),
    Kind.OVERLOADED: KindRow(503, Blame.US, _API, "overloaded"),
    Kind.STORE_UNAVAILABLE: KindRow(503, Blame.US, _API, "store_unavailable"),
    Kind.INTERNAL: KindRow(500, Blame.US, _API, "internal_error"),
    Kind.UPSTREAM_CONNECT: KindRow(503, Blame.UPSTREAM, _API, "upstream_disconnect"),
    Kind.UPSTREAM_DISCONNECT: KindRow(503, Blame.UPSTREAM, _API, "upstream_disconnect"),
    Kind.UPSTREAM_TIMEOUT: KindRow(503, Blame.UPSTREAM, _API, "timeout"),
    Kind.UPSTREAM_GARBAGE: KindRow(502, Blame.UPSTREAM, _API, "upstream_error"),
    Kind.UPSTREAM_RATE_LIMITED: KindRow(
        429, Blame.UPSTREAM, "rate_limit_error", "rate_limit_exceeded"
    ),
    Kind.UPSTREAM_OVERLOADED: KindRow(503, Blame.UPSTREAM, _API, "upstream_error"),
    Kind.UPSTREAM_ERROR: KindRow(502, Blame.UPSTREAM, _API, "upstream_error"),
    Kind.UPSTREAM_REFUSED_KEY: KindRow(502, Blame.UPSTREAM, _API, "upstream_error"),
    Kind.UPSTREAM_NO_CREDIT: KindRow(503, Blame.UPSTREAM, _API, "temporarily_unavailable"),
    Kind.UPSTREAM_NO_MODEL: KindRow(404, Blame.UPSTREAM, _BAD, "model_not_found"),
    Kind.UPSTREAM_REJECTED: KindRow(400, Blame.CALLER, _BAD, "invalid_request"),
    Kind.CONTEXT_OVERFLOW: KindRow(400, Blame.CALLER, _BAD, "context_length_exceeded"),
    Kind.CONTENT_FILTERED: KindRow(400, Blame.CALLER, _BAD, "content_filter"),
}

# The wire's own names where several of our kinds share one (gateway.md 4.2).
ERROR_TYPES: dict[Kind, str] = {
    Kind.UPSTREAM_CONNECT: "upstream_disconnect",
    Kind.UPSTREAM_GARBAGE: "upstream_error",
    Kind.UPSTREAM_OVERLOADED: "upstream_error",
    Kind.UPSTREAM_REFUSED_KEY: "upstream_error",
    Kind.UPSTREAM_REJECTED: "upstream_error",
    Kind.UPSTREAM_NO_MODEL: "model_not_found",
}


class Fault(Exception):
    """What went wrong with a call or an attempt.

    `status` overrides the table's (an upstream's own 4xx is passed on). `retry_after` is in seconds. `param` names
    the field of the body. `reply` is the upstream's own error body, when the caller may see it unchanged.
    """

    def __init__(  # noqa: PLR0913 - keyword-only facts of one value
        self,
        kind: Kind,
        message: str,
        *,
        detail: str = "",
        status: int | None = None,
        retry_after: float | None = None,
        param: str | None = None,
        reply: bytes | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.detail = detail
        self.row = KINDS[kind]
        self.status = self.row.status if status is None else status
        self.retry_after = retry_after
        self.param = param
        self.reply = reply

    @property
    def error_type(self) -> str:
        """The `error_type` that the wire shows."""
        return ERROR_TYPES.get(self.kind, self.kind.value)

    @override
    def __repr__(self) -> str:
        return f"Fault({self.kind}, {self.status}, {self.message!r}, detail={self.detail!r})"
