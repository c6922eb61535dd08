"""Keys, accounts and private addresses are struck out of an upstream's words; the caller's own words stay."""

from time import monotonic

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilo_gateway.core.redaction import MAX_CHARACTERS, strike, strike_json


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


def test_json_without_secrets_stays_byte_for_byte():
    said = b'{ "a" : 1.0, "b":"http:\\/\\/example.com\\/x", "c": [null, 1e400] }'
    assert strike_json(said) is said


@pytest.mark.parametrize(
    "address", [r"http:\/\/10.1.2.3:8000\/v1", r"http://10.1.2\u002e3:8000/v1"]
)
def test_escapes_hide_nothing_in_json(address):
    said = f'{{"error":{{"details":[{{"message":"at {address}","n":1}}]}}}}'.encode()
    assert strike_json(said) == b'{"error":{"details":[{"message":"at ***","n":1}]}}'


def test_long_json_is_struck_to_its_end_and_not_cut():
    said = msgspec.json.encode({"message": "x" * 50_000 + " sk-fake-key"})
    assert msgspec.json.decode(strike_json(said)) == {"message": "x" * 50_000 + " ***"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"key sk-fake-key failed", b"key *** failed"),
        (b"nothing \xff here", b"nothing \xff here"),
        (b"[" * 100_000, b"[" * 100_000),
    ],
)
def test_what_is_no_json_is_struck_as_text(said, expected):
    assert strike_json(said) == expected


def test_the_time_is_in_proportion_to_the_length():
    started = monotonic()
    strike_json(b"eyJaaaaaaaaaa-" * 4_600)
    assert monotonic() - started < 0.5
