"""Operations beside conversations: what they need, and what their replies tell."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault
from kilo_gateway.core.usage import UNKNOWN_USAGE
from kilo_gateway.dialects.openai_chat.others import (
    MODERATION_MODEL,
    check,
    fim_body,
    read_other_usage,
    with_default_model,
)


def fields(**members):
    return {name: msgspec.Raw(json.dumps(value).encode()) for name, value in members.items()}


@pytest.mark.parametrize(
    ("operation", "members", "param"),
    [
        ("rerank", {"documents": []}, "query"),
        ("rerank", {"query": "q"}, "documents"),
        ("moderations", {}, "input"),
        ("images", {"prompt": None}, "prompt"),
        ("speech", {}, "input"),
        ("transcriptions", {}, "input_audio"),
        ("fim", {"max_tokens": 5}, "prompt"),
        ("fim", {"prompt": 5, "max_tokens": 5}, "prompt"),
        ("fim", {"prompt": "a"}, "max_tokens"),
        ("fim", {"prompt": "a", "max_tokens": 0}, "max_tokens"),
        ("fim", {"prompt": "a", "max_tokens": 1001}, "max_tokens"),
        ("fim", {"prompt": "a", "max_tokens": "9"}, "max_tokens"),
    ],
)
def test_what_is_missing_is_named(operation, members, param) -> None:
    with pytest.raises(Fault) as caught:
        check(operation, fields(**members))
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("rerank", {"query": "q", "documents": ["a"]}),
        ("moderations", {"input": "a"}),
        ("fim", {"prompt": "a", "suffix": None, "max_tokens": 1000}),
    ],
)
def test_what_is_complete_passes(operation, members) -> None:
    check(operation, fields(**members))


def test_moderation_has_a_model_for_those_who_name_none() -> None:
    asked = fields(input="a")
    with_default_model("moderations", asked)
    assert json.loads(bytes(asked["model"])) == MODERATION_MODEL
    other = fields(input="a")
    with_default_model("images", other)
    assert "model" not in other


def test_n7_members_that_such_servers_do_not_know_go() -> None:
    body = json.loads(fim_body(fields(model="m", prompt="a", max_tokens=5, tools=[], user="u")))
    assert body == {"model": "m", "prompt": "a", "max_tokens": 5}


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"total_tokens": 57}, (57, 0)),
        ({"input_tokens": 5, "output_tokens": 7, "total_tokens": 12}, (5, 7)),
        ({"prompt_tokens": 5, "completion_tokens": 1}, (5, 1)),
        ({}, (None, None)),
    ],
)
def test_usage_is_read_in_their_words(usage, expected) -> None:
    found = read_other_usage(json.dumps({"usage": usage}).encode())
    assert (found.input_tokens, found.output_tokens) == expected


@given(st.binary(max_size=60))
def test_sound_and_subtitles_tell_no_usage(body: bytes) -> None:
    assert read_other_usage(b"\x00" + body) == UNKNOWN_USAGE
