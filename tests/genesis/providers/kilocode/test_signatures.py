"""Thought signatures: rows G."""

import pytest

from genesis.providers.kilocode.signatures import clean_messages, is_base64

GEMINI, OTHER = "google/gemini-3-pro-preview", "anthropic/claude-sonnet-4"


VALID = {
    "G3": "AQID",
    "G6": " AQ\nID ",
    "G7 dash": "AQ-D",
    "G7 underscore": "AQ_D",
    "by chance": "msg_abcd",
}
INVALID = {
    "G4": "sig-1",
    **{
        f"G9 {text}": text
        for text in (
            "A",
            "AB",
            "AQ=ID",
            "====",
            "",
            "not base64!",
            "reasoning",
            "SIG-OPAQUE-ABC==",
        )
    },
    "not canonical": "msg_abc123",
    "two alphabets": "AQ-/",
    "G10 number": 5,
    "G10 null": None,
    "G10 object": {},
}


@pytest.mark.parametrize("value", VALID.values(), ids=VALID)
def test_valid(value):
    assert is_base64(value)


@pytest.mark.parametrize("value", INVALID.values(), ids=INVALID)
def test_invalid(value):
    assert not is_base64(value)


def cleaned(model, *blocks, role="assistant", **options):
    [message] = clean_messages([{"role": role, "content": list(blocks)}], model, **options)
    return message["content"]


def test_G17_G24_by_default_only_one_spelling_and_only_msg_goes():
    assert cleaned(OTHER, {"text": "a", "thoughtSignature": "msg_789"}) == [
        {"text": "a", "thoughtSignature": "msg_789"}
    ]
    assert cleaned(OTHER, {"text": "a", "thought_signature": "msg_789"}) == [{"text": "a"}]
    kept = {"text": "a", "thought_signature": "not-base64 at all"}
    assert cleaned(OTHER, kept) == [kept]


def test_G18_both_spellings_where_that_is_asked_for():
    blocks = [
        {"thinkingSignature": "keep_me", "thoughtSignature": "msg_123"},
        {"redacted": 1, "thinkingSignature": "keep_me_too", "thoughtSignature": "msg_456"},
        {"thoughtSignature": "msg_789"},
        None,
    ]
    assert cleaned(OTHER, *blocks, both_spellings=True) == [
        {"thinkingSignature": "keep_me"},
        {"redacted": 1, "thinkingSignature": "keep_me_too"},
        {},
        None,
    ]


def test_G19_G20_for_gemini_only_base64_stays():
    blocks = [
        {"thinking": "t", "thought_signature": "msg_abc123"},
        {"text": "x"},
        {"toolCall": 1, "thoughtSignature": "AQID"},
    ]
    assert cleaned(GEMINI, *blocks) == [
        {"thinking": "t"},
        {"text": "x"},
        {"toolCall": 1, "thoughtSignature": "AQID"},
    ]


@pytest.mark.parametrize("role", ["user", "tool"])
def test_G28_only_answers_are_cleaned(role):
    block = {"text": "x", "thought_signature": "msg_1"}
    assert cleaned(OTHER, block, role=role) == [block]


def test_what_was_given_is_not_changed_and_failed_answers_are_left_alone():
    message = {"role": "assistant", "content": [{"thought_signature": "msg_1"}]}
    clean_messages([message], OTHER)
    assert message["content"] == [{"thought_signature": "msg_1"}]
    failed = message | {"stopReason": "error"}
    assert clean_messages([failed], OTHER) == [failed]
