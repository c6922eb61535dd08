"""The headers of an answer: what happened, and nothing of the upstream's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.ledger.entry import Attribution, Opening, sealed
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.heads import (
    answer_headers,
    header_text,
    stream_headers,
    upstream_request_id,
    whole_headers,
)
from tests.relay.fakes import lines_of

STREAM = b"text/event-stream; charset=utf-8"


def make_call(arrived=100.0):
    return Call("req_1", "openai_chat", "chat", "small", {}, 2, False, arrived, 0.0)


def make_attempt(number=2, model="openai/gpt-5", first_byte=None, upstream=None):
    deployment = Deployment("my openai", model, "gpt-5", "openai_chat")
    about = Attribution(
        key_id="k1",
        owner="ann",
        requested_model="small",
        model=model,
        upstream="my openai",
        upstream_model="gpt-5",
        dialect="openai_chat",
        operation="chat",
        is_streamed=False,
    )
    opening = Opening("e1", "req_1", number, 0.0, 1, None, None, sealed(about))
    attempt = Attempt(opening, deployment, 100.010, number)
    attempt.first_byte = first_byte
    attempt.upstream_request_id = upstream_request_id(upstream or {})
    return attempt


def whole(upstream=None, cost=None):
    attempt = make_attempt(upstream=upstream)
    return lines_of(whole_headers(make_call(), attempt, upstream or {}, cost, 100.5))


def stream(upstream=None):
    attempt = make_attempt(upstream=upstream)
    return lines_of(stream_headers(make_call(), attempt, STREAM, 100.5))


def timing(call, attempt, now):
    return lines_of(answer_headers(call, attempt, STREAM, now))[b"server-timing"]


@pytest.mark.parametrize("answer", [whole, stream])
def test_an_answer_tells_call_model_upstream_and_attempts(answer):
    headers = answer()
    assert headers[b"x-request-id"] == b"req_1"
    assert headers[b"x-kilo-model"] == b"openai/gpt-5"
    assert headers[b"x-kilo-upstream"] == b"my openai"
    assert headers[b"x-kilo-attempts"] == b"2"
    assert headers[b"content-encoding"] == b"identity"


@pytest.mark.parametrize("answer", [whole, stream])
def test_of_the_upstreams_headers_only_its_request_id_goes_on(answer):
    # case C21
    headers = answer({b"x-secret": b"1", b"request-id": b"r1", b"set-cookie": b"a=b"})
    assert headers[b"request-id"] == b"r1"
    assert b"x-secret" not in headers
    assert b"set-cookie" not in headers


def test_a_whole_answer_tells_its_cost_if_it_is_known():
    assert whole(cost=1500)[b"x-kilo-cost"] == b"0.0000015"
    assert whole(cost=0)[b"x-kilo-cost"] == b"0"
    assert b"x-kilo-cost" not in whole(cost=None)


def test_a_whole_answer_keeps_its_content_type_and_is_json_without_one():
    assert whole({b"content-type": b"text/plain"})[b"content-type"] == b"text/plain"
    assert whole()[b"content-type"] == b"application/json"


def test_a_stream_is_not_cached_and_not_held_back_by_proxies():
    headers = stream()
    assert headers[b"content-type"] == STREAM
    assert headers[b"cache-control"] == b"no-cache"
    assert headers[b"x-accel-buffering"] == b"no"


def test_timing_is_told_in_the_gateways_and_the_upstreams_part():
    attempt = make_attempt(first_byte=100.210)
    assert timing(make_call(), attempt, 100.215) == b"gateway;dur=15.000, upstream;dur=200.000"


def test_timing_before_a_first_byte_counts_up_to_now():
    assert timing(make_call(), make_attempt(), 100.110) == (
        b"gateway;dur=10.000, upstream;dur=100.000"
    )


@given(*[st.floats(0, 1e6)] * 4)
def test_no_part_of_the_timing_is_negative_when_time_runs_forward(a, b, c, d):
    arrived, started, first_byte, now = sorted((a, b, c, d))
    attempt = make_attempt(first_byte=first_byte)
    attempt.started = started
    assert b"-" not in timing(make_call(arrived), attempt, now)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({b"request-id": b""}, None),
        ({b"x-request-id": b"a"}, "a"),
        ({b"apim-request-id": b"z"}, "z"),
        ({b"request-id": b"r", b"x-request-id": b"a"}, "r"),
        ({b"request-id": b"r" * 500}, "r" * 200),
    ],
)
def test_the_upstreams_request_id_is_found_where_vendors_put_it(headers, expected):
    assert upstream_request_id(headers) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("openai/gpt-5", b"openai/gpt-5"),
        ("modèle", "modèle".encode("latin-1")),
        ("模型/5", b"??/5"),
        ("a\r\nset-cookie: b", b"?"),
        ("", b""),
    ],
)
def test_a_header_carries_what_a_header_can(text, expected):
    assert header_text(text) == expected


@given(st.text())
def test_no_text_can_break_out_of_its_header(text):
    assert not set(header_text(text)) & {0, 10, 13}
