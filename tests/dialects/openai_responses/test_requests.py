"""Requests of the identity path."""

import pytest

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.body import read_fields
from kilo_gateway.dialects.openai_responses.requests import outbound, path, peek


def call(body: bytes) -> Call:
    return Call("req_1", "openai_responses", "chat", "m", read_fields(body), len(body), False, 0, 0)


def test_paths():
    assert path("chat", "m", is_stream=True) == "/responses"
    assert path("count_tokens", "m", is_stream=False) == "/responses/input_tokens"


def test_peek_reads_what_routing_needs():
    body = b'{"model":" m ","input":"x","stream":true,"max_output_tokens":7,"models":["a"," "]}'
    envelope = peek("chat", read_fields(body))
    assert envelope.model == "m"
    assert envelope.models == ("a",)
    assert envelope.stream
    assert envelope.max_tokens == 7
    assert envelope.wants_usage


def test_a_count_of_tokens_is_never_a_stream():
    assert not peek("count_tokens", read_fields(b'{"model":"m","stream":true}')).stream


@pytest.mark.parametrize("given", [b"", b',"input":null', b',"input":"text"', b',"input":[]'])
def test_input_may_be_absent_a_text_or_items(given):
    assert peek("chat", read_fields(b'{"model":"m"%b}' % given)).model == "m"


@pytest.mark.parametrize(
    ("body", "kind", "param"),
    [
        (b'{"model":"m","input":42}', Kind.INVALID_REQUEST, "input"),
        (b'{"model":"m","input":{}}', Kind.INVALID_REQUEST, "input"),
        (b'{"input":"x"}', Kind.MODEL_NOT_FOUND, "model"),
        (b'{"model":"m","stream":"yes"}', Kind.INVALID_REQUEST, "stream"),
        (b'{"model":"m","models":1}', Kind.INVALID_REQUEST, "models"),
        (b'{"model":"m","max_output_tokens":"1"}', Kind.INVALID_REQUEST, "max_output_tokens"),
        (b'{"model":"m","max_output_tokens":-1}', Kind.INVALID_REQUEST, "max_output_tokens"),
        (b'{"model":"m","provider":"x"}', Kind.INVALID_REQUEST, "provider"),
        (
            b'{"model":"m","provider":{"data_collection":"x"}}',
            Kind.INVALID_REQUEST,
            "provider.data_collection",
        ),
        (b'{"model":"m","providerOptions":{}}', Kind.UNSUPPORTED_FIELD, "providerOptions"),
    ],
)
def test_peek_refuses_what_no_upstream_takes(body, kind, param):
    with pytest.raises(Fault) as raised:
        peek("chat", read_fields(body))
    assert (raised.value.kind, raised.value.param) == (kind, param)


def test_nothing_but_the_model_changes_on_the_way_out():
    body = (
        b'{"model":"m","input":[ {"role":"user"} ],"previous_response_id":"r","store":true,"new":1}'
    )
    sent = outbound(call(body), Deployment("up", "m", "their-m", "openai_responses"), frozenset())
    assert sent == (
        b'{"model":"their-m","input":[ {"role":"user"} ],"previous_response_id":"r","store":true,"new":1}'
    )


def test_routing_hints_stay_here_where_an_upstream_refuses_them():
    body = b'{"model":"m","models":["a"],"provider":{"only":["x"]}}'
    deployment = Deployment("up", "m", "t", "openai_responses")
    assert b"models" not in outbound(call(body), deployment, frozenset())
    assert b"provider" in outbound(call(body), deployment, frozenset())
    quirks = frozenset({"no_routing_fields"})
    assert outbound(call(body), deployment, quirks) == b'{"model":"t"}'
