"""Vendors' marks in `encrypted_content`."""

import pytest

from kilo_gateway.dialects.openai_responses.marks import Mark, maker_of, may_join, read, written


@pytest.mark.parametrize(
    ("model", "maker"),
    [("gpt-5", "openai"), ("x-ai/grok-4", "xai"), ("claude-5", "anthropic"), ("deepseek-v4", "")],
)
def test_makers(model, maker):
    assert maker_of(model) == maker


@pytest.mark.parametrize(
    "mark",
    [
        Mark("gAAAAx", "openai"),
        Mark("sig", "anthropic"),
        Mark("s:i:g", "google", "call"),
        Mark("sig", "google", "text"),
        Mark("sig", ""),
    ],
)
def test_a_mark_comes_back_as_what_it_was(mark):
    assert read(written(*mark), "openai") == mark


def test_a_bare_mark_is_of_the_model_s_maker_unless_its_form_tells():
    assert read("abc", "xai") == Mark("abc", "xai")
    assert read("gAAAAabc", "xai") == Mark("gAAAAabc", "openai")


def test_pieces_join_by_their_ids():
    assert may_join("a", "a")
    assert may_join("", "a")
    assert not may_join("a", "b")
