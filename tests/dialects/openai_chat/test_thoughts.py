"""Reasoning details: whose they are is told by their format, both ways."""

import pytest

from kilo_gateway.dialects.conversation import SealedThinking, Thinking
from kilo_gateway.dialects.openai_chat.thoughts import (
    VENDORS,
    detail_of,
    sealed_detail,
    signed_detail,
    text_detail,
    vendor_of,
)


@pytest.mark.parametrize(("form", "vendor"), VENDORS.items())
def test_a_format_comes_back(form, vendor):
    assert vendor_of(form) == vendor
    assert sealed_detail("d", vendor, "", 0)["format"] == form


@pytest.mark.parametrize("form", [None, "unknown", "azure-openai-responses-v1", "new-v9"])
def test_thoughts_of_an_unknown_format_are_nobodys(form):
    assert vendor_of(form) == ""


def test_details_of_whole_thoughts():
    assert detail_of(Thinking("t", "s", "anthropic"), 2) == {
        "type": "reasoning.text",
        "text": "t",
        "index": 2,
        "signature": "s",
        "format": "anthropic-claude-v1",
    }
    assert detail_of(Thinking("t", is_summary=True, id="rs"), 0, "openai") == {
        "type": "reasoning.summary",
        "summary": "t",
        "index": 0,
        "id": "rs",
        "format": "openai-responses-v1",
    }
    assert detail_of(SealedThinking("d", "xai", "rs"), 1)["format"] == "xai-responses-v1"


def test_text_in_a_stream_leaves_its_format_to_its_signature():
    assert "format" not in text_detail("t", 0, is_summary=False)
    assert signed_detail("s", "google", 3)["format"] == "google-gemini-v1"
