"""Members of requests in both spellings."""

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.gemini.members import (
    camel,
    compact,
    is_null,
    items,
    members,
    optional_flag,
    optional_number,
    optional_text,
    optional_texts,
    optional_whole,
    plain,
)
from tests.dialects.gemini.wire import raw


def test_both_spellings_are_one() -> None:
    assert camel("system_instruction") == camel("systemInstruction") == "systemInstruction"
    assert camel("_responseJsonSchema") == "_responseJsonSchema"
    assert set(members(raw({"top_k": 1, "topP": 2, "seed": None}), "c")) == {"topK", "topP"}


def test_one_value_stands_for_an_array_of_it() -> None:
    assert len(items(raw({"a": 1}), "x")) == 1
    assert len(items(raw([1, 2]), "x")) == 2
    with pytest.raises(Fault):
        items(raw("text"), "x")


def test_values_have_their_types() -> None:
    found = members(raw({"t": "x", "f": True, "n": 0.5, "w": 40.0, "l": ["a"]}), "c")
    assert optional_text(found, "t", "c") == "x"
    assert optional_flag(found, "f", "c") is True
    assert optional_number(found, "n", "c") == 0.5
    assert optional_whole(found, "w", "c") == 40
    assert optional_texts(found, "l", "c") == ("a",)
    assert optional_text(found, "x", "c") == ""
    assert optional_flag(found, "x", "c") is None
    assert optional_texts(found, "x", "c") == ()


@pytest.mark.parametrize(
    ("read", "value"),
    [(optional_text, 5), (optional_flag, "x"), (optional_number, "x"), (optional_whole, 0.5), (optional_texts, [1])],
)  # fmt: skip
def test_a_wrong_type_is_told_by_name(read, value) -> None:
    with pytest.raises(Fault) as caught:
        read(members(raw({"name": value}), "c"), "name", "c")
    assert caught.value.param == "c.name"


def test_json_is_made_compact_and_nothing_else() -> None:
    assert compact(b'{"b": 1.50,\n "a": [1, 2]}') == '{"b":1.50,"a":[1,2]}'
    assert compact(b"{broken") == "{broken"
    assert is_null(raw(None))
    assert not is_null(raw(0))
    assert plain(raw([1])) == [1]
