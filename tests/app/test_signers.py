"""Signing of requests: AWS' published numbers, the header lines of a request, and what happens without the library."""

import builtins
import hashlib
from typing import Any

import pytest

from kilo_gateway.app import signers
from kilo_gateway.app.signers import aws_signer, signer_of
from kilo_gateway.config.compile import UpstreamPlan
from kilo_gateway.core.secret import Secret
from kilo_gateway.upstreams.profiles import profiles
from kilo_gateway.upstreams.signing import AwsKeys
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
        if name.partition(".")[0] == "awscrt":
            raise ImportError(name)
        return true(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(ValueError, match=r"kilo-gateway\[aws\]"):
        signers.signer_of(plan(KEYS))
