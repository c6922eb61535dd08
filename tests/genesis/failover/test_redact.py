"""Whatever looks like a key does not pass; what people need to read does."""

import pytest

from genesis.core.secret import Secret
from genesis.failover.redact import redacted


@pytest.mark.parametrize(
    "key",
    [
        "sk-proj-abc123def456",
        "kg_live_0123456789",
        "AIzaSyA1234567890abc",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln",
        "0123456789abcdef0123456789abcdef",
        "gsk_abcdef123456",
    ],
)
def test_what_looks_like_a_key_is_hidden(key: str) -> None:
    assert redacted(f"rejected {key}, sorry") == "rejected ***, sorry"


@pytest.mark.parametrize(
    "text", ["Authorization: Bearer abc", "api_key=abc123", "Incorrect API key provided: ab*****yz"]
)
def test_what_follows_the_name_of_a_key_is_hidden(text: str) -> None:
    assert not {"abc", "abc123", "ab*****yz"} & set(redacted(text).replace("=", " ").split())


def test_a_known_secret_is_hidden_whatever_it_looks_like() -> None:
    assert redacted("the word is plum", Secret("plum")) == "the word is ***"
    assert redacted("nothing", Secret("")) == "nothing"


@pytest.mark.parametrize(
    "text",
    [
        "model deepseek/deepseek-r1-distill-qwen-32b-instruct-preview not found",
        "rate_limit_exceeded: 429",
        "Invalid API key: check it",
        "token limit: exceeded",
    ],
)
def test_other_words_stay(text: str) -> None:
    assert redacted(text) == text
