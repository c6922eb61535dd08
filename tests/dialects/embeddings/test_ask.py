"""What the forms share: words for a purpose, whole numbers, sums that stay unknown."""

import msgspec
import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.embeddings.ask import purpose_of, summed, tried, whole_number


@pytest.mark.parametrize(
    ("word", "purpose"),
    [
        ("search_query", "query"),
        ("RETRIEVAL_DOCUMENT", "document"),
        ("retrieval.passage", "document"),
        ("SEMANTIC_SIMILARITY", "similarity"),
        ("separation", "clustering"),
        ("poem", None),
    ],
)
def test_vendors_words_for_a_purpose_are_known(word, purpose):
    assert purpose_of(word) == purpose


def test_a_number_of_dimensions_is_whole_and_above_0():
    assert whole_number(msgspec.Raw(b"3"), "dimensions") == 3
    assert whole_number(msgspec.Raw(b"null"), "dimensions") is None


@pytest.mark.parametrize("value", [b"0", b"-1", b"1.5", b'"3"', b"true", b"[3]"])
def test_any_other_is_named(value):
    with pytest.raises(Fault) as caught:
        whole_number(msgspec.Raw(value), "dimensions")
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, "dimensions")


def test_a_sum_with_something_unknown_is_unknown():
    assert summed([1, 2]) == 3
    assert summed([1, None]) is None


def test_what_is_no_object_has_no_members():
    decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
    assert tried(decode, b'{"a":1}') == {"a": msgspec.Raw(b"1")}
    assert tried(decode, b"[") is None
    assert tried(decode, b"[1]") is None
