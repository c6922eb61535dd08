"""The pieces of a reply for a client."""

import json

import pytest

from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.conversation import Citation
from kilo_gateway.dialects.openai_chat.wording import (
    annotation_of,
    call_head,
    error_of,
    google_extra,
    stop_word,
    tier_of,
    usage_of,
)


@pytest.mark.parametrize(
    ("stop", "has_calls", "has_refusal", "word"),
    [
        ("stop", False, False, "stop"),
        ("context", False, False, "length"),
        ("pause", False, False, "stop"),
        ("refusal", False, False, "content_filter"),
        ("refusal", False, True, "stop"),
        ("error", False, False, "error"),
        (None, False, False, "stop"),
        (None, True, False, "tool_calls"),
    ],
)
def test_a_word_for_the_end(stop, has_calls, has_refusal, word):
    assert stop_word(stop, has_calls=has_calls, has_refusal=has_refusal) == word


def test_usage_tells_all_it_knows_and_a_cost():
    usage = Usage(100, 50, 40, 30, 20, 10, 5, cache_write_1h_tokens=7)
    assert usage_of(usage, 1_500_000) | {"cost": None} == {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {
            "cached_tokens": 40,
            "cache_write_tokens": 30,
            "audio_tokens": 10,
        },
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5},
        "cost": None,
    }
    assert bytes(usage_of(usage, 1_500_000)["cost"]) == b"0.0015"
    assert usage_of(Usage(None, 3), None) == {
        "prompt_tokens": None,
        "completion_tokens": 3,
        "total_tokens": 3,
    }


def test_the_cost_that_upstream_told_is_told_where_there_is_no_other():
    assert bytes(usage_of(Usage(1, 1, cost_nanodollars=2_000_000), None)["cost"]) == b"0.002"


def test_a_citation_moves_with_its_part_of_the_text():
    told = annotation_of(Citation("u", start=1, end=2), 10)["url_citation"]
    assert (told["start_index"], told["end_index"]) == (11, 12)
    assert annotation_of(Citation("", "t", "q", document=3))["url_citation"] == {
        "url": "document:3",
        "title": "t",
        "start_index": 0,
        "end_index": 0,
        "content": "q",
    }


def test_a_signature_of_another_vendor_is_wrapped():
    assert google_extra("s", "google") == {"google": {"thought_signature": "s"}}
    assert google_extra("s", "openai") == {"google": {"thought_signature": "kg1.openai.s"}}


@pytest.mark.parametrize(
    ("tier", "word"),
    [("standard", "default"), ("priority", "priority"), ("", ""), ("batch", "")],
)
def test_a_tier_in_openais_words(tier, word):
    assert tier_of(tier) == word


def test_heads_of_calls():
    assert call_head("a", "f", is_custom=False)["function"] == {"name": "f", "arguments": ""}
    assert call_head("a", "c", is_custom=True)["custom"] == {"name": "c", "input": ""}


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            b'{"type":"overloaded_error","message":"Overloaded"}',
            ("Overloaded", "overloaded_error", None),
        ),
        (
            b'{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}',
            ("slow", "RESOURCE_EXHAUSTED", 429),
        ),
        (b'"plain"', ("plain", "upstream_error", None)),
        (b"no json", ("The upstream failed in the middle of its answer.", "upstream_error", None)),
        (b'{"message":"key sk-abcdefgh is wrong"}', ("key *** is wrong", "upstream_error", None)),
    ],
)
def test_an_error_of_any_dialect(error, expected):
    told = json.loads(error_of(error))
    assert (told["message"], told["type"], told["code"]) == expected
