"""Keys, accounts and private addresses are struck out of an upstream's words; the caller's own words stay."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.upstreams.redaction import MAX_CHARACTERS, strike


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Incorrect API key provided: sk-fake-key. See", "Incorrect API key provided: ***. See"),
        ("Authorization: Bearer abcdef123", "Authorization: Bearer ***"),
        ("POST https://my-resource.openai.azure.com/openai/v1/x failed", "POST *** failed"),
        ("no route to http://10.0.0.1:8000/v1", "no route to ***"),
        ("http://vllm.prod:8000/v1/models", "***"),
        ("https://joe:pass@example.com/x", "***"),
        ("?key=AIzaSyABCDEF0123456&alt=sse", "?key=***&alt=sse"),
        ("org-ABCdef123456789 has a limit", "*** has a limit"),
        ("Team: bb642ce4-5161-45c9-8f34-408850883602, Model: x", "Team: ***, Model: x"),
        ("gsk_abcDEF123456789xyz", "***"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx.c2ln", "***"),
    ],
)
def test_secrets_are_struck_out(said, expected):
    assert strike(said) == expected


@pytest.mark.parametrize(
    "said",
    [
        "Error while downloading https://example.com/test-image.jpg.",
        "Invalid 'messages[3]'. Expected user_message_content_text",
        "task-force desk-top token limit key: value",
        "org-chart of a user_interface",
    ],
)
def test_the_callers_own_words_stay(said):
    assert strike(said) == said


def test_the_text_is_bounded():
    assert len(strike("x" * 100_000)) == MAX_CHARACTERS


@settings(deadline=None, max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["a", "key=", "bearer "]), st.text('sk-aA1=& :/"\\', max_size=40)
    )
)
def test_json_stays_json(value):
    said = msgspec.json.encode(value).decode()
    assert isinstance(msgspec.json.decode(strike(said)), dict)
