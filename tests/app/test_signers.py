"""Signing of requests: AWS' published numbers, the header lines of a request, and what happens without the library."""

import builtins
import hashlib
import http.server
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.exceptions import RefreshError, TransportError

from kilo_gateway.app import signers
from kilo_gateway.app.signers import GoogleSigner, aws_signer, signer_of
from kilo_gateway.config.compile import UpstreamPlan
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.secret import Secret
from kilo_gateway.upstreams.profiles import profiles
from kilo_gateway.upstreams.signing import AwsKeys, GoogleAccount, Renewable
from kilo_gateway.upstreams.target import parse_target
from tests import sigv4

KEYS = AwsKeys(sigv4.ACCESS_KEY, Secret(sigv4.SECRET_KEY), Secret(""), "us-east-1")
HOST = "bedrock-runtime.us-east-1.amazonaws.com"


def plan(aws: AwsKeys | None) -> UpstreamPlan:
    target = parse_target("b", f"https://{HOST}")
    return UpstreamPlan("b", profiles()["bedrock"], target, Secret(""), "settings", aws=aws)


def lines(raw: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in raw.decode().split("\r\n") if line)


def test_our_reading_of_the_rules_gives_the_numbers_that_aws_publishes():
    """Its guide's example: ListUsers of IAM, 30 August 2015."""
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    key = sigv4.signing_key(secret, "20150830", "us-east-1", "iam")
    assert key.hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8",
        "host": "iam.amazonaws.com",
        "x-amz-date": "20150830T123600Z",
    }
    found = sigv4.signature(
        "GET",
        "/?Action=ListUsers&Version=2010-05-08",
        headers,
        hashlib.sha256(b"").hexdigest(),
        "20150830/us-east-1/iam",
    )
    assert found == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"


@pytest.mark.parametrize(
    "target",
    [
        "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse",
        "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream",
        "/prefix/model/m/converse?b=2&a=1",
    ],
)
def test_a_request_is_signed_with_its_path_and_body(target: str):
    body = b'{"messages":[]}'
    added = lines(aws_signer(KEYS)("POST", target, {"host": HOST}, body))
    assert set(added) == {"authorization", "x-amz-date", "x-amz-content-sha256"}
    headers = {"host": HOST, **added}
    assert sigv4.problem("POST", target, headers, body) == ""
    assert sigv4.problem("POST", target, headers, body + b" ") == "another body"
    assert sigv4.problem("POST", target + "x", headers, body) == "another signature"


def test_a_session_token_is_sent_and_signed():
    keys = AwsKeys(sigv4.ACCESS_KEY, Secret(sigv4.SECRET_KEY), Secret("token-1"), "eu-west-1")
    added = lines(aws_signer(keys)("POST", "/model/m/converse", {"host": HOST}, b"{}"))
    assert added["x-amz-security-token"] == "token-1"
    assert "x-amz-security-token" in added["authorization"]
    assert "/eu-west-1/bedrock/aws4_request" in added["authorization"]
    assert sigv4.problem("POST", "/model/m/converse", {"host": HOST, **added}, b"{}") == ""


def test_an_upstream_without_computed_credentials_has_no_signer():
    assert signer_of(plan(None)) is None
    assert signer_of(plan(KEYS)) is not None


def test_without_the_library_the_operator_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch):
    true = builtins.__import__

    def absent(name: str, *rest: Any, **more: Any) -> Any:
        if name.partition(".")[0] in {"awscrt", "google"}:
            raise ImportError(name)
        return true(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ValueError, match=r"kilo-gateway\[aws\]"):
        signer_of(plan(KEYS))
    with pytest.raises(ValueError, match=r"kilo-gateway\[gcp\]"):
        signer_of(msgspec.structs.replace(plan(None), google=GoogleAccount()))


# Google's tokens.


class Ticking:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Credentials:
    """In the place of Google's: `refresh` gives a new token, or fails."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.expiry: datetime | None = None
        self.refreshed = 0
        self.error: Exception | None = None

    def refresh(self, request: object) -> None:
        assert request is signers.fetch
        if self.error is not None:
            raise self.error
        self.refreshed += 1
        self.token = f"token-{self.refreshed}"
        self.expiry = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=1)


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Credentials:
    found = Credentials()
    monkeypatch.setattr(signers, "google_credentials", lambda account: found)
    return found


def line(signer: GoogleSigner) -> bytes:
    return signer("POST", "/v1/x", {}, b"")


def test_a_token_is_renewed_before_it_ends(google: Credentials):
    clock = Ticking()
    signer = GoogleSigner(GoogleAccount(), clock)
    assert isinstance(signer, Renewable)
    assert signer.is_due()
    with pytest.raises(Fault, match="not signed in"):
        line(signer)
    signer.renew()
    assert line(signer) == b"authorization: Bearer token-1\r\n"
    clock.now += 3_200
    assert not signer.is_due()
    clock.now += 110
    assert signer.is_due()
    assert line(signer) == b"authorization: Bearer token-1\r\n"
    signer.renew()
    assert line(signer) == b"authorization: Bearer token-2\r\n"
    clock.now += 3_601
    with pytest.raises(Fault):
        line(signer)


def test_a_renewal_that_fails_leaves_the_token_and_is_tried_again(google: Credentials):
    clock = Ticking()
    signer = GoogleSigner(GoogleAccount(), clock)
    signer.renew()
    clock.now += 3_400
    google.error = RefreshError("no such account, key AIzaSyA-1234567890abcdef")
    with pytest.raises(ValueError, match=r"no access token from Google: RefreshError: .*\*\*\*"):
        signer.renew()
    assert line(signer) == b"authorization: Bearer token-1\r\n"
    assert not signer.is_due()
    clock.now += 10
    assert signer.is_due()


def test_a_service_accounts_own_signature_is_changed_for_a_token(tmp_path: Path):
    """Google's library itself, against a token service on loopback."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    asked: list[bytes] = []

    class Tokens(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.rfile.read(int(self.headers["content-length"])))
            body = b'{"access_token":"ya29.token","expires_in":3599,"token_type":"Bearer"}'
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Tokens) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        file = tmp_path / "account.json"
        told = {
            "type": "service_account",
            "client_email": "gateway@project.example",
            "token_uri": f"http://127.0.0.1:{server.server_port}/token",
            "private_key": pem.decode(),
        }
        file.write_bytes(msgspec.json.encode(told))
        signer = GoogleSigner(GoogleAccount(str(file)))
        signer.renew()
    assert line(signer) == b"authorization: Bearer ya29.token\r\n"
    assert b"assertion=" in asked[0]


def test_a_token_service_that_cannot_be_reached_is_told(tmp_path: Path):
    signer = GoogleSigner(GoogleAccount(str(tmp_path / "none.json")))
    with pytest.raises(ValueError, match="no access token from Google: FileNotFoundError"):
        signer.renew()
    with pytest.raises(TransportError):
        signers.fetch("http://127.0.0.1:9/", timeout=0.5)


def test_a_plan_for_google_has_a_signer_that_is_renewed():
    made = msgspec.structs.replace(plan(None), google=GoogleAccount())
    assert isinstance(signer_of(made), GoogleSigner)
