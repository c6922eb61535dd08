"""Requests on the identity path: the peek, and the body that goes upstream."""

import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.anthropic_messages.requests import outbound, path, peek
from kilo_gateway.dialects.body import read_fields
from tests.dialects.recordings import TRAFFIC, WHY_SKIPPED, recordings

GOOD = b'{"model":" claude-x ","max_tokens":9,"messages":[]'
DEPLOYMENT = Deployment("a", "claude-x", "claude-x-1", "anthropic_messages")


def asked(more=b"}", operation="chat"):
    return peek(operation, read_fields(GOOD + more))


def test_operations_have_their_paths():
    assert path("chat", "m", is_stream=True) == "/messages"
    assert path("count_tokens", "m", is_stream=False) == "/messages/count_tokens"


def test_model_stream_and_limit_are_read():
    envelope = asked(b',"stream":true,"models":["b"," "]}')
    assert (envelope.model, envelope.models, envelope.stream) == ("claude-x", ("b",), True)
    assert (envelope.max_tokens, envelope.wants_usage) == (9, True)


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        (b'{"messages":[],"max_tokens":1}', Kind.MODEL_NOT_FOUND, "model"),
        (b'{"model":"m","max_tokens":1}', Kind.INVALID_REQUEST, "messages"),
        (b'{"model":"m","max_tokens":1,"messages":{}}', Kind.INVALID_REQUEST, "messages"),
        (b'{"model":"m","messages":[]}', Kind.INVALID_REQUEST, "max_tokens"),
        (b'{"model":"m","messages":[],"max_tokens":null}', Kind.INVALID_REQUEST, "max_tokens"),
        (b'{"model":"m","messages":[],"max_tokens":"9"}', Kind.INVALID_REQUEST, "max_tokens"),
        (b'{"model":"m","messages":[],"max_tokens":-1}', Kind.INVALID_REQUEST, "max_tokens"),
        (b'{"model":"m","messages":[],"max_tokens":1,"stream":1}', Kind.INVALID_REQUEST, "stream"),
        (b'{"model":"m","messages":[],"max_tokens":1,"models":1}', Kind.INVALID_REQUEST, "models"),
        (b'{"model":"m","providerOptions":{}}', Kind.UNSUPPORTED_FIELD, "providerOptions"),
    ],
)
def test_what_no_upstream_would_take_names_its_field(body, kind, param):
    with pytest.raises(Fault) as caught:
        peek("chat", read_fields(body))
    assert (caught.value.kind, caught.value.param) == (kind, param)
    assert caught.value.message.endswith((".", "them."))


def test_counting_needs_no_limit():
    envelope = peek("count_tokens", read_fields(b'{"model":"m","messages":[],"stream":true}'))
    assert (envelope.max_tokens, envelope.stream) == (None, False)


def test_the_body_keeps_everything_but_the_model():
    fields = read_fields(
        b'{"model":"m","models":["b"],"provider":{},"messages":[ 1 ],"new_beta":{"a": 1}}'
    )
    call = Call("i", "anthropic_messages", "chat", "m", fields, 1, False, 0.0, 0.0)
    sent = outbound(call, DEPLOYMENT, frozenset({"no_routing_fields"}))
    assert sent == b'{"model":"claude-x-1","messages":[ 1 ],"new_beta":{"a": 1}}'
    assert b"provider" in outbound(call, DEPLOYMENT, frozenset())


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason=WHY_SKIPPED)
def test_every_recorded_request_passes():
    import json

    seen = 0
    for recording in recordings("anthropic-messages"):
        if recording.request is not None:
            envelope = peek("chat", read_fields(json.dumps(recording.request).encode()))
            assert envelope.max_tokens == recording.request["max_tokens"]
            seen += 1
    assert seen > 500
