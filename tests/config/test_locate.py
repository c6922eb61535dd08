"""Every key of a TOML text is found on its line."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.config.locate import line_of, outline

TEXT = '''# comment [not.a.table]
top = 1
"quoted.key" = 'x # not a comment'

[a]
b.c = 2                       # dotted
"d e"."f" = """
two = "lines"
[still.text]"""
list = [
  1, # one ]
  { x = 3, "y.z" = [4,
    5] },
]

[[t]]
n = \'\'\'a
b\'\'\'
[[t]]
n = "x\\"]"
[t.sub]
k = 1979-05-27 07:32:00
[[t.deep]]
z = {}
[[t.deep]]
z = []
'''

PLACES = [
    (("top",), 2),
    (("quoted.key",), 3),
    (("a",), 5),
    (("a", "b", "c"), 6),
    (("a", "d e", "f"), 7),
    (("a", "list"), 10),
    (("a", "list", 0), 11),
    (("a", "list", 1, "x"), 12),
    (("a", "list", 1, "y.z", 1), 13),
    (("t", 0), 16),
    (("t", 0, "n"), 17),
    (("t", 1), 19),
    (("t", 1, "n"), 20),
    (("t", 1, "sub"), 21),
    (("t", 1, "sub", "k"), 22),
    (("t", 1, "deep", 0, "z"), 24),
    (("t", 1, "deep", 1), 25),
    (("t", 1, "deep", 1, "z"), 26),
]


@pytest.mark.parametrize(("path", "line"), PLACES)
def test_each_kind_of_key_is_found_on_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert outline(TEXT)[path] == line


def test_a_path_without_a_line_has_that_of_the_nearest_thing_around_it() -> None:
    lines = outline("[a]\nb = 1\n")
    assert line_of(lines, ("a", "missing")) == 1
    assert line_of(lines, ("elsewhere",)) is None


def test_windows_line_ends_count_once() -> None:
    assert outline("a = 1\r\n\r\n[b]\r\nc = 2\r\n")["b", "c"] == 4


def test_text_that_is_not_toml_ends_the_scan() -> None:
    assert outline("= = =\n]]\n[") is not None


KEYS = st.text("ab.\"' é#=[]\\", min_size=0, max_size=4)
SCALARS = st.one_of(st.integers(-99, 99), st.booleans(), st.text("a\"'#[]{},=\\ \né", max_size=8))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3)
)


def toml_text(value: object) -> str:
    """A value in TOML; lists over several lines."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_text(k)} = {toml_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + "".join(f"{toml_text(item)}, # ]\n" for item in value) + "]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value).lower()


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_every_top_level_key_of_any_document_is_found_where_it_was_written(
    document: dict[str, object],
) -> None:
    text, expected = "", {}
    for key, value in document.items():
        expected[key,] = text.count("\n") + 1
        text += f"{toml_text(key)} = {toml_text(value)}\n"
    assert tomllib.loads(text) == document
    lines = outline(text)
    assert {path: line for path, line in lines.items() if len(path) == 1} == expected


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_every_path_of_any_document_has_a_line(document: dict[str, object]) -> None:
    text = "".join(f"{toml_text(key)} = {toml_text(value)}\n" for key, value in document.items())
    assert set(outline(text)) == set(paths(document))


def paths(value: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every path inside a document."""
    items: list[tuple[str | int, object]] = []
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    found = []
    for key, inner in items:
        found += [(*path, key), *paths(inner, (*path, key))]
    return found
