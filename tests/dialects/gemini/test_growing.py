"""Arguments that come in pieces."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.gemini.growing import Growing
from kilo_gateway.dialects.gemini.schema import PartialArg


def grown(*pieces: tuple[str, object], args: bytes = b"") -> object:
    growing = Growing(0, msgspec.Raw(args))
    for path, value in pieces:
        if isinstance(value, str):
            piece = PartialArg(path, string_value=value)
        elif isinstance(value, bool):
            piece = PartialArg(path, bool_value=value)
        else:
            piece = PartialArg(path, number_value=msgspec.Raw(json.dumps(value).encode()))
        growing.add([piece])
    return json.loads(growing.text())


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([("$.city", "Ber"), ("$.city", "lin")], {"city": "Berlin"}),
        ([("$.a.b", 1), ("$.a.c", True)], {"a": {"b": 1, "c": True}}),
        ([("$.list[0].name", "x"), ("$.list[1].name", "y")], {"list": [{"name": "x"}, {"name": "y"}]}),
        ([("$", "x"), ("nonsense", 1), ("$[0]", 2)], {}),
        ([("$['odd key']", 1)], {"odd key": 1}),
        ([("$.a", 1), ("$.a.b", 2)], {"a": 1}),
        ([("$.a[2]", 1)], {"a": [None, None, 1]}),
        ([("$.a[99999]", 1), ("$.b[99999].c", 1)], {"a": [], "b": []}),
        ([("$" + ".a" * 5000, 1), ("$.b", 2)], {"b": 2}),
    ],
)  # fmt: skip
def test_pieces_find_their_places(pieces, expected) -> None:
    assert grown(*pieces) == expected


def test_what_came_at_first_is_kept() -> None:
    assert grown(("$.b", 2), args=b'{"a":1}') == {"a": 1, "b": 2}
    assert grown(("$.b", 2), args=b"[1]") == {"b": 2}


@given(
    st.lists(
        st.tuples(st.text("$.ab[]01'", max_size=9), st.integers() | st.text(max_size=3)), max_size=5
    )
)
def test_no_path_breaks_it(pieces) -> None:
    assert isinstance(grown(*pieces), dict)
