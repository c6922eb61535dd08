"""The path of a model, the envelope, and the body that goes upstream: the client's own members."""

import msgspec
import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.bedrock.requests import outbound, path, peek
from kilo_gateway.dialects.body import read_fields

BODY = b'{"model":"m","stream":true,"messages":[ ],"inferenceConfig":{"maxTokens":7},"x":{"a" : 1}}'


def test_the_model_is_escaped_in_the_path():
    assert path("chat", "a.b-v1:0", is_stream=False) == "/model/a.b-v1%3A0/converse"
    arn = "arn:aws:bedrock:us-east-1:1:inference-profile/x"
    escaped = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"
    assert path("chat", arn, is_stream=True) == f"/model/{escaped}/converse-stream"


def test_the_envelope():
    found = peek("chat", read_fields(BODY))
    assert (found.model, found.stream, found.max_tokens, found.wants_usage) == ("m", True, 7, True)
    assert peek("chat", read_fields(b'{"model":" m ","messages":[]}')).model == "m"


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        (b'{"messages":[]}', Kind.MODEL_NOT_FOUND, "model"),
        (b'{"model":" ","messages":[]}', Kind.MODEL_NOT_FOUND, "model"),
        (b'{"model":"m"}', Kind.INVALID_REQUEST, "messages"),
        (b'{"model":"m","messages":{}}', Kind.INVALID_REQUEST, "messages"),
        (
            b'{"model":"m","messages":[],"inferenceConfig":1}',
            Kind.INVALID_REQUEST,
            "inferenceConfig",
        ),
        (
            b'{"model":"m","messages":[],"inferenceConfig":{"maxTokens":-1}}',
            Kind.INVALID_REQUEST,
            "inferenceConfig.maxTokens",
        ),
    ],
)
def test_what_no_upstream_would_take(body, kind, param):
    with pytest.raises(Fault) as raised:
        peek("chat", read_fields(body))
    assert (raised.value.kind, raised.value.param) == (kind, param)


def test_the_body_is_the_clients_without_what_the_url_says():
    call = msgspec.structs.replace(_CALL, fields=read_fields(BODY))
    body = outbound(call, Deployment("b", "b/m", "m", "bedrock"), frozenset())
    assert body == b'{"messages":[ ],"inferenceConfig":{"maxTokens":7},"x":{"a" : 1}}'


_CALL = Call("c", "bedrock", "chat", "m", {}, 0, True, 0.0, 0.0)
