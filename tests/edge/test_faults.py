"""A fault as an answer: status, headers, and both shapes of an error at once."""

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.edge.faults import answer
from tests.relay.fakes import lines_of


def shown(kind, message="What went wrong.", **facts):
    status, headers, body = answer(Fault(kind, message, **facts), "req_1")
    return status, lines_of(headers), msgspec.json.decode(body)


@pytest.mark.parametrize("kind", list(Kind))
def test_both_shapes_are_there_for_every_kind(kind):
    fault = Fault(kind, "What went wrong.", param="model", detail="private")
    status, headers, body = shown(kind, param="model", detail="private")
    assert status == fault.status
    assert body == {
        "error": {
            "message": "What went wrong.",
            "type": fault.row.openai_type,
            "code": fault.row.code,
            "param": "model",
        },
        "error_type": fault.error_type,
        "message": "What went wrong.",
        "request_id": "req_1",
    }
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"x-request-id"] == b"req_1"


@pytest.mark.parametrize(
    ("retry_after", "seconds", "milliseconds"),
    # case N23, rounded up to whole seconds
    [(1.5, b"2", b"1500"), (0.0, b"1", b"1"), (0.0001, b"1", b"1"), (30.0, b"30", b"30000")],
)
def test_a_retry_that_makes_sense_is_told_in_seconds_and_milliseconds(
    retry_after, seconds, milliseconds
):
    _, headers, _ = shown(Kind.UPSTREAM_RATE_LIMITED, retry_after=retry_after)
    assert headers[b"retry-after"] == seconds
    assert headers[b"retry-after-ms"] == milliseconds


def test_a_retry_that_makes_no_sense_is_not_told():
    _, headers, _ = shown(Kind.INVALID_REQUEST)
    assert b"retry-after" not in headers
    assert b"retry-after-ms" not in headers


@pytest.mark.parametrize(
    ("kind", "code", "challenge"),
    [
        (Kind.AUTHENTICATION_REQUIRED, "INVALID_TOKEN", b'Bearer error="invalid_token"'),
        (Kind.PAID_MODEL_AUTH_REQUIRED, "PAID_MODEL_AUTH_REQUIRED", b"Bearer"),
    ],
)
def test_a_401_says_how_to_sign_in(kind, code, challenge):
    status, headers, body = shown(kind)
    assert (status, body["error"]["code"]) == (401, code)
    assert headers[b"www-authenticate"] == challenge


def test_other_faults_ask_nobody_to_sign_in():
    _, headers, _ = shown(Kind.MODEL_NOT_ALLOWED)
    assert b"www-authenticate" not in headers


def test_an_upstreams_own_status_and_body_go_through_unchanged():
    reply = b'{"error":{"message":"bad tool"},"extra":[1, 2]}'
    status, _, body = answer(Fault(Kind.UPSTREAM_REJECTED, "x", status=422, reply=reply), "req_1")
    assert (status, body) == (422, reply)


def test_an_overflow_keeps_every_field_and_gains_its_error_type():
    # cases K8 and K9
    reply = b'{"error":{"message":"maximum context length is 204800 tokens","code":400},"foo":42}'
    status, _, body = shown(Kind.CONTEXT_OVERFLOW, reply=reply)
    assert status == 400
    assert body == msgspec.json.decode(reply) | {"error_type": "context_length_exceeded"}


def test_an_overflow_told_as_a_string_keeps_that_string():
    # case K10
    _, _, body = shown(
        Kind.CONTEXT_OVERFLOW, reply=b'{"error":"maximum context length is 5 tokens"}'
    )
    assert body == {
        "error": "maximum context length is 5 tokens",
        "error_type": "context_length_exceeded",
    }


def test_nothing_private_is_shown():
    body = answer(Fault(Kind.INTERNAL, "Public.", detail="https://10.0.0.1 sk-canary"), "req_1")[2]
    assert b"canary" not in body
    assert b"10.0.0.1" not in body


def test_clients_of_aws_know_an_error_by_its_header():
    fault = Fault(Kind.MODEL_NOT_FOUND, "No such model.")
    status, headers, body = answer(fault, "req_1", "bedrock")
    assert (status, msgspec.json.decode(body)["message"]) == (404, "No such model.")
    assert b"\r\nx-amzn-errortype: ResourceNotFoundException\r\n" in headers
    assert b"x-amzn-errortype" not in answer(fault, "req_1")[1]
