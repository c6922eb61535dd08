"""Signers: what computes credentials. The libraries are extras, loaded when an upstream needs one."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import msgspec

from kilo_gateway.config.compile import UpstreamPlan
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.redaction import strike
from kilo_gateway.upstreams.signing import AwsKeys, GoogleAccount, Signer

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_EARLY_S = 300.0
_USUAL_S = 3600.0
_PAUSE_S = 10.0
_FETCH_S = 20.0


def signer_of(plan: UpstreamPlan) -> Signer | None:
    """What signs requests of an upstream; None for most. Raises ValueError if its library is not installed."""
    try:
        if plan.aws is not None:
            return aws_signer(plan.aws)
        return None if plan.google is None else GoogleSigner(plan.google)
    except ImportError:
        extra = "gcp" if plan.aws is None else "aws"
        raise ValueError(
            f"signing in at upstream {plan.name} needs an extra: pip install 'kilo-gateway[{extra}]'; or give it an api_key"
        ) from None


def aws_signer(keys: AwsKeys) -> Signer:
    """Signature Version 4, computed by AWS' own library. Raises ImportError."""
    from awscrt import auth, http  # noqa: PLC0415 - an extra, and the start is a budget

    provider = auth.AwsCredentialsProvider.new_static(
        keys.access_key, keys.secret_key.reveal(), keys.session_token.reveal() or None
    )

    def sign(method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        # The time of the signature is the library's: what AWS compares it with is the true one.
        given = http.HttpHeaders(list(headers.items()))
        request = http.HttpRequest(method, target, given)
        config = auth.AwsSigningConfig(
            algorithm=auth.AwsSigningAlgorithm.V4,
            signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
            credentials_provider=provider,
            region=keys.region,
            service=keys.service,
            signed_body_value=hashlib.sha256(body).hexdigest(),
            signed_body_header_type=auth.AwsSignedBodyHeaderType.X_AMZ_CONTENT_SHA_256,
        )
        auth.aws_sign_request(request, config).result()  # with keys at hand it is done already
        added = [(name, value) for name, value in request.headers if name not in headers]
        return "".join(f"{name.lower()}: {value}\r\n" for name, value in added).encode()

    return sign


class GoogleSigner:
    """Access tokens of Google's, fetched by its own library and renewed before they end. Raises ImportError.

    without --renew()--> valid --5 minutes before its end--> due, and valid still --renew()--> valid
       |                                                       |
       '--a renewal that failed: due again after a pause-------'
    """

    def __init__(
        self, account: GoogleAccount, monotonic: Callable[[], float] = SystemClock.monotonic
    ) -> None:
        import google.auth.transport  # noqa: F401, PLC0415 - an extra, and the start is a budget

        self._account = account
        self._monotonic = monotonic
        self._credentials: Any = None
        self._line = b""
        self._ends = self._due = -inf

    def __call__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
        """The header line that carries the token."""
        if self._monotonic() >= self._ends:
            raise Fault(
                Kind.UPSTREAM_CONNECT,
                "The gateway is not signed in at this model's upstream yet. Try again in a moment.",
                detail="no access token that is valid",
            )
        return self._line

    def is_due(self) -> bool:
        """Whether a token is wanted."""
        return self._monotonic() >= self._due

    def renew(self) -> None:
        """Fetch a token. Raises ValueError."""
        from google.auth import exceptions  # noqa: PLC0415

        self._due = self._monotonic() + _PAUSE_S
        try:
            if self._credentials is None:
                self._credentials = google_credentials(self._account)
            self._credentials.refresh(fetch)
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            # What Google's token service says is quoted by the error: it may name the account.
            kind = type(error).__name__
            raise ValueError(f"no access token from Google: {kind}: {strike(str(error))}") from None
        token, expiry = self._credentials.token, self._credentials.expiry
        left_s = _USUAL_S if expiry is None else (expiry - _now()).total_seconds()
        self._line = f"authorization: Bearer {token}\r\n".encode()
        self._ends = self._monotonic() + left_s
        self._due = max(self._ends - _EARLY_S, self._monotonic() + _PAUSE_S)


def google_credentials(account: GoogleAccount) -> Any:
    """The account's credentials as Google's library holds them."""
    import google.auth  # noqa: PLC0415
    from google.oauth2 import service_account  # noqa: PLC0415

    if account.file:
        told = msgspec.json.decode(Path(account.file).read_bytes())
        if isinstance(told, dict) and told.get("type") == "service_account":
            made: Any = service_account.Credentials
            return made.from_service_account_info(told, scopes=[_SCOPE])
    credentials, _ = google.auth.default(scopes=[_SCOPE])
    return credentials


def _now() -> datetime:
    """In the form of Google's library: UTC without saying so."""
    return datetime.now(UTC).replace(tzinfo=None)


class Fetched(msgspec.Struct, frozen=True):
    """What Google's library reads of a response."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def fetch(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: object,
) -> Fetched:
    """How Google's library sends its requests: over httpx, which is here anyway."""
    import httpx  # noqa: PLC0415
    from google.auth.exceptions import TransportError  # noqa: PLC0415

    limit_s = timeout or _FETCH_S
    try:
        told = httpx.request(method, url, content=body, headers=headers, timeout=limit_s)
    except httpx.HTTPError as error:
        raise TransportError(type(error).__name__) from None  # type: ignore[no-untyped-call]
    return Fetched(told.status_code, told.headers, told.content)
