"""Whole replies of the identity path."""

import json

from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.openai_responses.replies import (
    error_body,
    read_reply,
    usage_of,
    with_cost,
)
from tests.dialects.openai_responses.recorded import answers, needs_recordings


def expected_usage(told):
    """An independent reading of a usage object."""
    if not told:
        return (None,) * 5
    read, made = told.get("input_tokens_details") or {}, told.get("output_tokens_details") or {}
    return (
        told["input_tokens"],
        told["output_tokens"],
        read.get("cached_tokens"),
        read.get("cache_write_tokens"),
        made.get("reasoning_tokens"),
    )


def counts(usage: Usage):
    return (
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
    )


@needs_recordings
def test_every_recorded_reply_tells_its_usage_and_its_end():
    wholes = [one for one in answers() if not one.is_stream]
    assert len(wholes) > 500
    for one in wholes:
        told = json.loads(one.reply)
        facts = read_reply(one.reply, "chat")
        assert facts is not None, one.id
        assert counts(facts.usage) == expected_usage(told.get("usage")), one.id
        reason = (told.get("incomplete_details") or {}).get("reason")
        assert facts.finish_reason == (reason or told.get("status")), one.id
        assert (facts.error is None) == (told.get("error") is None), one.id


@needs_recordings
def test_cost_goes_into_every_recorded_reply_and_changes_nothing_else():
    for one in answers():
        if one.is_stream:
            continue
        told = json.loads(one.reply)
        costed = json.loads(
            with_cost(one.reply, 1_500, usage_of(json.dumps(told["usage"]).encode()).raw)
        )
        if told.get("usage") and "cost" not in told["usage"]:
            told["usage"]["cost"] = 0.0000015
        assert costed == told, one.id


def test_a_failed_reply_is_an_error_even_without_one():
    facts = read_reply(b'{"status":"failed","error":null,"output":[]}')
    assert facts is not None
    assert facts.error is not None
    told = read_reply(b'{"code":"invalid","error":"Incorrect API key"}')
    assert told is not None
    assert told.error == b'"Incorrect API key"'


def test_a_count_of_tokens_uses_none():
    facts = read_reply(b'{"object":"response.input_tokens","input_tokens":11}', "count_tokens")
    assert facts is not None
    assert (facts.usage.input_tokens, facts.usage.output_tokens) == (0, 0)


def test_odd_counts_are_unknown_and_the_others_stay():
    usage = usage_of(
        b'{"input_tokens":3.0,"output_tokens":-1,"input_tokens_details":{"cached_tokens":2.0},'
        b'"output_tokens_details":"x","cost":"y"}'
    )
    assert counts(usage) == (3, None, 2, None, None)
    assert usage.cost_nanodollars is None


def test_cost_of_upstreams():
    assert usage_of(b'{"cost":0.0000064}').cost_nanodollars == 6_400
    assert usage_of(b'{"cost_in_usd_ticks":12340}').cost_nanodollars == 1_234
    byok = b'{"cost":0,"is_byok":true,"cost_details":{"upstream_inference_cost":0.000002}}'
    assert usage_of(byok).cost_nanodollars == 2_000


def test_cost_of_an_event_goes_into_its_response():
    event = b'{"type":"response.completed","response":{"usage":{"input_tokens":1}}}'
    assert json.loads(with_cost(event, 1_000))["response"]["usage"]["cost"] == 0.000001
    assert with_cost(b'{"usage":null}', 1_000) == b'{"usage":null}'
    assert with_cost(b"no json", 1_000) == b"no json"


def test_errors_come_in_both_shapes():
    told = json.loads(error_body(Fault(Kind.INVALID_REQUEST, "Wrong.", param="input"), "req_1"))
    assert told["error"]["message"] == told["message"] == "Wrong."
    assert told["error"]["param"] == "input"
    assert told["error_type"] == "invalid_request"
    theirs = Fault(Kind.CONTEXT_OVERFLOW, "", reply=b'{"error":{"x":1}}')
    assert json.loads(error_body(theirs, "req_1")) == {
        "error": {"x": 1},
        "error_type": "context_length_exceeded",
    }


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_not(body):
    facts = read_reply(body)
    assert facts is None or isinstance(facts.usage, Usage)
