"""Whole replies: usage as an independent reading has it, ends, errors."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.gemini.replies import error_body, read_reply, status_word, with_cost
from tests.dialects.gemini.wire import needs_recordings, reply, wholes


def counted(usage: dict[str, Any]) -> tuple[int | None, int | None]:
    """Input and output, read with nothing of the gateway's."""
    if not usage:
        return None, None
    prompt = usage.get("promptTokenCount")
    tools = usage.get("toolUsePromptTokenCount") or 0
    answer, thoughts = usage.get("candidatesTokenCount"), usage.get("thoughtsTokenCount") or 0
    total = usage.get("totalTokenCount")
    given = None if prompt is None else prompt + tools
    if answer is None and not thoughts:
        made = None if total is None or given is None else max(0, total - given)
    elif answer is not None and thoughts and given is not None and given + answer == total:
        made = answer
    else:
        made = (answer or 0) + thoughts
    return given, made


@needs_recordings
def test_usage_is_what_every_recorded_reply_tells() -> None:
    seen = 0
    for one in wholes():
        facts = read_reply(one.reply, "chat")
        assert facts is not None, one.id
        told = json.loads(one.reply).get("usageMetadata") or {}
        assert (facts.usage.input_tokens, facts.usage.output_tokens) == counted(told), one.id
        assert facts.usage.cache_read_tokens == told.get("cachedContentTokenCount")
        seen += 1
    assert seen > 450


def test_an_error_in_a_200_is_one() -> None:
    facts = read_reply(b'{"error":{"code":429,"message":"slow down"}}', "chat")
    assert facts is not None
    assert facts.error == b'{"code":429,"message":"slow down"}'


def test_a_blocked_prompt_says_why() -> None:
    facts = read_reply(b'{"promptFeedback":{"blockReason":"SAFETY"}}', "chat")
    assert facts is not None
    assert facts.finish_reason == "SAFETY"


def test_reasons_by_number_have_their_names() -> None:
    facts = read_reply(reply({"text": "a"}, candidate={"finishReason": 2}), "chat")
    assert facts is not None
    assert facts.finish_reason == "MAX_TOKENS"


def test_counting_costs_nothing() -> None:
    facts = read_reply(b'{"totalTokens":9}', "count_tokens")
    assert facts is not None
    assert (facts.usage.input_tokens, facts.usage.output_tokens) == (0, 0)


def test_the_cost_stands_in_usage() -> None:
    body = reply({"text": "a"}, usageMetadata={"promptTokenCount": 1})
    assert json.loads(with_cost(body, 1_500_000))["usageMetadata"]["cost"] == 0.0015
    assert with_cost(b'{"candidates":[]}', 1) == b'{"candidates":[]}'


def test_an_error_has_googles_shape_with_our_type() -> None:
    fault = Fault(Kind.UPSTREAM_RATE_LIMITED, "Slow down.", retry_after=1.5, param="contents")
    error = json.loads(error_body(fault, "req_1"))["error"]
    assert (error["code"], error["status"], error["message"]) == (
        429,
        "RESOURCE_EXHAUSTED",
        "Slow down.",
    )
    reasons = [
        one.get("reason") or one.get("retryDelay") or one.get("fieldViolations")
        for one in error["details"]
    ]
    assert reasons == [
        "rate_limit_exceeded",
        [{"field": "contents", "description": "Slow down."}],
        "1.5s",
    ]


def test_googles_own_error_goes_on_as_it_is() -> None:
    own = b'{"error":{"code":400,"message":"x","status":"INVALID_ARGUMENT","details":[{"a":1}]}}'
    assert error_body(Fault(Kind.UPSTREAM_REJECTED, "x", reply=own), "r") == own
    other = Fault(Kind.UPSTREAM_REJECTED, "x", reply=b'{"error":"text"}')
    assert json.loads(error_body(other, "r"))["error"]["status"] == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("status", "word"), [(401, "UNAUTHENTICATED"), (418, "INVALID_ARGUMENT"), (500, "INTERNAL")]
)
def test_a_status_has_its_word(status: int, word: str) -> None:
    assert status_word(status) == word


@given(st.binary(max_size=80) | st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(
        st.sampled_from(["candidates", "usageMetadata", "promptTokenCount", "error", "finishReason", "promptFeedback"]),
        inner, max_size=3) | st.lists(inner, max_size=2), max_leaves=6).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_body_breaks_it(body: bytes) -> None:
    read_reply(body, "chat")
