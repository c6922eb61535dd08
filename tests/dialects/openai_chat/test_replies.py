"""Whole replies: usage from every place where real servers put it, and no odd reply fails a call that was paid for."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.openai_chat.events import Stream
from kilo_gateway.dialects.openai_chat.replies import error_body, read_reply, with_cost
from kilo_gateway.dialects.openai_chat.schema import WireUsage

# server -> (usage as it sends it, what that means)
USAGES = {
    "openai": (
        {
            "prompt_tokens": 1200,
            "completion_tokens": 300,
            "total_tokens": 1500,
            "prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 200, "audio_tokens": 4},
        },
        Usage(1200, 300, 1024, None, 200, 3, 4),
    ),
    "plain": ({"prompt_tokens": 5, "completion_tokens": 2}, Usage(5, 2)),
    "embeddings": ({"prompt_tokens": 8, "total_tokens": 8}, Usage(8, None)),
    "total only": ({"completion_tokens": 3, "total_tokens": 10}, Usage(7, 3)),
    "deepseek": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "total_tokens": 110,
            "prompt_cache_hit_tokens": 64,
            "prompt_cache_miss_tokens": 36,
        },
        Usage(100, 10, 64),
    ),
    "moonshot": (
        {"prompt_tokens": 100, "completion_tokens": 10, "cached_tokens": 90},
        Usage(100, 10, 90),
    ),
    "mistral": (
        {"prompt_tokens": 9, "completion_tokens": 1, "num_cached_tokens": 4},
        Usage(9, 1, 4),
    ),
    "databricks": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "cache_read_input_tokens": 20,
            "cache_creation_input_tokens": 30,
        },
        Usage(100, 10, 20, 30),
    ),
    "openrouter": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 50},
            "cost": 0.00123,
            "is_byok": False,
            "cost_details": {"upstream_inference_cost": 0.7},
        },
        Usage(100, 10, 0, 50, cost_nanodollars=1_230_000),
    ),
    "openrouter with an own key": (
        {
            "prompt_tokens": 1,
            "completion_tokens": 1,
            "cost": 0.00005,
            "is_byok": True,
            "cost_details": {"upstream_inference_cost": 0.001},
        },
        Usage(1, 1, cost_nanodollars=1_000_000),
    ),
    "perplexity": (
        {
            "prompt_tokens": 6,
            "completion_tokens": 4,
            "total_tokens": 10,
            "reasoning_tokens": 3,
            "cost": {"input_tokens_cost": 0.001, "total_cost": 0.006},
        },
        Usage(6, 4, None, None, 3, cost_nanodollars=6_000_000),
    ),
    # Reasoning is counted beside completion_tokens; the total tells.
    "xai": (
        {
            "prompt_tokens": 32,
            "completion_tokens": 9,
            "total_tokens": 241,
            "completion_tokens_details": {"reasoning_tokens": 200},
            "cost_in_usd_ticks": 1_234_560,
        },
        Usage(32, 209, None, None, 200, cost_nanodollars=123_456),
    ),
    "floats": ({"prompt_tokens": 5.0, "completion_tokens": 2.0}, Usage(5, 2)),
    "negative": ({"prompt_tokens": -1, "completion_tokens": 2}, Usage(None, 2)),
    "null details": (
        {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None, "cost": None},
        Usage(5, 2),
    ),
    "zero": (
        {"prompt_tokens": 0, "completion_tokens": 0, "cost": 0},
        Usage(0, 0, cost_nanodollars=0),
    ),
}


def usage_of(usage, operation="chat"):
    body = {"choices": [{"finish_reason": "stop"}], "usage": usage}
    return without_raw(read_reply(json.dumps(body).encode(), operation).usage)


def without_raw(usage):
    return msgspec.structs.replace(usage, raw=b"")


@pytest.mark.parametrize("server", USAGES)
def test_usage_is_read_where_each_server_puts_it(server):
    told, expected = USAGES[server]
    assert usage_of(told) == expected


@pytest.mark.parametrize("server", USAGES)
def test_a_whole_and_a_streamed_reply_give_the_same_usage(server):
    usage = USAGES[server][0]
    stream = Stream("chat", wants_usage=False)
    stream.feed(b'data: {"choices":[],"usage":%b}\n\n' % json.dumps(usage).encode())
    assert without_raw(stream.usage) == usage_of(usage)


@pytest.mark.parametrize("usage", [{}, None, "many", 5, [1]])
def test_usage_that_tells_nothing_is_unknown(usage):
    assert usage_of(usage) == UNKNOWN_USAGE


def test_a_reply_without_usage_is_unknown_and_not_zero():
    facts = read_reply(b'{"choices":[{"finish_reason":"stop"}]}', "chat")
    assert (facts.usage, facts.finish_reason, facts.error) == (UNKNOWN_USAGE, "stop", None)


def test_groqs_older_place_of_usage_is_known_and_the_usual_one_wins():
    groq = b'{"choices":[],"x_groq":{"usage":{"prompt_tokens":7}}%b}'
    assert read_reply(groq % b"", "chat").usage.input_tokens == 7
    assert read_reply(groq % b',"usage":null', "chat").usage.input_tokens == 7
    assert read_reply(groq % b',"usage":{"prompt_tokens":8}', "chat").usage.input_tokens == 8


def test_embeddings_have_no_output_and_that_is_known():
    assert usage_of({"prompt_tokens": 8, "total_tokens": 8}, "embeddings") == Usage(8, 0)


def test_the_upstreams_own_words_are_kept_up_to_a_limit():
    raw = b'{"prompt_tokens":5 , "note":"' + b"x" * 5000 + b'"}'
    usage = read_reply(b'{"choices":[],"usage":%b}' % raw, "chat").usage
    assert usage.raw == raw[:4096]


LENIENT = [
    (
        {"prompt_tokens": "5", "completion_tokens": 2, "cost": 0.5},
        Usage(None, 2, cost_nanodollars=5 * 10**8),
    ),
    ({"prompt_tokens": 5, "prompt_tokens_details": [1], "completion_tokens": 2}, Usage(5, 2)),
    ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": "x"}}, Usage(5, None)),
    ({"prompt_tokens": 5, "is_byok": "no", "cost": "0.5"}, Usage(5, cost_nanodollars=5 * 10**8)),
    ({"prompt_tokens": 5, "is_byok": True, "cost_details": None}, Usage(5)),
    ({"prompt_tokens": 5, "is_byok": True, "cost_details": 3}, Usage(5)),
    ({"prompt_tokens": 5, "cost": {"total_cost": None}}, Usage(5)),
    ({"prompt_tokens": 5, "cost": {}}, Usage(5)),
    ({"prompt_tokens": 5, "cost": "NaN"}, Usage(5)),  # case L11
    ({"prompt_tokens": 5, "cost": -1}, Usage(5)),
    ({"prompt_tokens": 5, "cost_in_usd_ticks": -10}, Usage(5)),
    ({"prompt_tokens": True, "completion_tokens": 2}, Usage(None, 2)),
]


@pytest.mark.parametrize(("usage", "expected"), LENIENT)
def test_one_odd_field_does_not_hide_the_others(usage, expected):
    assert usage_of(usage) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"usage":{"prompt_tokens":1e999,"completion_tokens":2}}',
        b'{"usage":{"\xff":1,"prompt_tokens":"3"}}',
        b'{"choices":"","error":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"choices":[{"finish_reason":5}],"usage":{"prompt_tokens":3}}',
        b'{"choices":["text"],"id":[1],"x_groq":"x"}',
        b'{"usage":{"prompt_tokens":3,"cost":1e400}}',
    ],
)
def test_no_odd_reply_fails_the_call(body):
    facts = read_reply(body, "chat")
    assert facts is None or facts.error is None


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["cost", "cached_tokens", "total_cost", "a"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
usage_names = st.sampled_from(WireUsage.__struct_fields__)


@given(
    st.dictionaries(st.sampled_from(["choices", "usage", "error", "x_groq", "id"]), json_values)
    | st.fixed_dictionaries({"usage": st.dictionaries(usage_names, json_values)})
)
def test_whatever_an_upstream_sends_counts_are_none_or_at_least_zero(reply):
    facts = read_reply(json.dumps(reply).encode(), "chat")
    if facts is None:
        return
    usage = msgspec.structs.asdict(facts.usage)
    for name, value in usage.items():
        if name not in {"raw", "source"}:
            assert value is None or value >= 0


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"<html>", b'{"choices"', b'"text"', b"\xff"]
)
def test_what_is_no_json_object_is_no_reply(body):
    assert read_reply(body, "chat") is None


def test_whitespace_in_front_of_a_reply_is_a_keep_alive():
    body = b'\n   \n{"choices":[{"finish_reason":"stop"}]}'
    assert read_reply(body, "chat").finish_reason == "stop"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b'{"error":{"code":502,"message":"x"}}', b'{"code":502,"message":"x"}'),
        (b'{"error":"text"}', b'"text"'),
        (b'{"error":null}', None),
        (b'{"error":{}}', None),
        (b'{"error":""}', None),
        (b'{"choices":[],"error":{"code":1}}', b'{"code":1}'),
        (b'{"choices":[{"finish_reason":"error"}],"error":{"code":1}}', None),
    ],
)
def test_an_error_inside_a_200_is_seen_unless_there_is_an_answer(body, error):
    assert read_reply(body, "chat").error == error


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ([], None),
        ([{"finish_reason": ""}], None),
        ([{"finish_reason": None}], None),
        ([{"finish_reason": "stop"}, {"finish_reason": "length"}], "length"),
        ([{"finish_reason": "length"}, {}], "length"),
    ],
)
def test_the_finish_reason_is_the_last_one_given(choices, reason):
    assert read_reply(json.dumps({"choices": choices}).encode(), "chat").finish_reason == reason


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            b'{"id" : "a","usage":{"prompt_tokens":1}}',
            b'{"id" : "a","usage":{"prompt_tokens":1,"cost":0.0000015}}',
        ),
        (b'{"usage":{}}', b'{"usage":{"cost":0.0000015}}'),
    ],
)
def test_the_cost_is_added_in_dollars_and_other_bytes_stay(body, expected):
    assert with_cost(body, 1500) == expected


USAGE = b'{"prompt_tokens":1}'


@pytest.mark.parametrize(
    "body",
    [
        b'{"choices":[],"usage":%b}',
        b'{"choices":[],"usage": %b}\n',
        b'{"choices":[],"usage":  %b}',
        b'{"choices":[],"usage":%b,"service_tier":"default","more":{"usage":{}}}',
        b'{"usage":%b , "choices":[{"text":"a"}]}',
        b'{"x_groq":{"usage":%b},"usage":%b}',
        b'{"usage":%b,"x_groq":{"usage":%b}}',
        b'{"usage":%b,"x_groq":{"id":"a","usage":%b},"id":"b"}',
        b'{"usage":{},"usage":%b}',
        b'{"usage":%b,"other":%b}',
        b'{"id":"\\"usage\\":","usage":%b}',
    ],
)
def test_the_cost_stands_in_the_outermost_usage_wherever_that_is(body):
    body = body.replace(b"%b", USAGE)
    told = with_cost(body, 1500, USAGE)
    expected = msgspec.json.decode(body)
    expected["usage"]["cost"] = 0.0000015
    assert msgspec.json.decode(told) == expected


@pytest.mark.parametrize(
    "body",
    [
        b'{"usage":{"cost":0.5}}',
        b'{"usage":null}',
        b'{"usage":5}',
        b"{}",
        b"[]",
        b"nonsense",
        b'{"usage":{"cost":null}}',
    ],
)
def test_a_cost_is_not_added_where_there_is_one_or_no_room(body):
    assert with_cost(body, 1500) == body


@given(st.integers(0, 10**15))
def test_the_cost_added_is_a_json_number_of_that_amount(cost):
    body = with_cost(b'{"usage":{"prompt_tokens":1}}', cost)
    assert read_reply(body, "chat").usage.cost_nanodollars == cost


def test_our_own_error_has_both_shapes_at_once():
    fault = Fault(Kind.MODEL_NOT_FOUND, "There is none.", param="model")
    assert msgspec.json.decode(error_body(fault, "req_1")) == {
        "error": {
            "message": "There is none.",
            "type": "invalid_request_error",
            "code": "model_not_found",
            "param": "model",
        },
        "error_type": "model_not_found",
        "message": "There is none.",
        "request_id": "req_1",
    }


@pytest.mark.parametrize("reply", [b"plain text", b"[1]", b'{"error":{},"error_type":"own"}'])
def test_an_upstreams_body_that_takes_no_error_type_goes_through_unchanged(reply):
    assert error_body(Fault(Kind.CONTEXT_OVERFLOW, "x", reply=reply), "req_1") == reply
