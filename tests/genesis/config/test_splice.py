"""Changes of a JSON5 text in place."""

import copy

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.config.json5_text import read_json5
from genesis.config.splice import spliced

LINES = "{\n  // the first\n  a: 1, // one\n  b: { c: 'x' } // two\n}\n"


def after(text, change):
    node = read_json5(text)
    content = copy.deepcopy(node.value)
    change(content)
    new = spliced(text, node, content)
    assert read_json5(new).value == content
    return new


@pytest.mark.parametrize(
    ("text", "change", "expected"),
    [
        pytest.param(LINES, lambda c: None, LINES, id="nothing"),
        pytest.param(LINES, lambda c: c.update(a=2), LINES.replace("1", "2"), id="a-value"),
        pytest.param(LINES, lambda c: c["b"].update(c="y"), LINES.replace("'x'", '"y"'), id="a-text"),
        pytest.param(LINES, lambda c: c["b"].update(d=[1]), LINES.replace("'x'", "'x', d: [1]"), id="more-in-a-line"),
        pytest.param(LINES, lambda c: c.pop("a"), "{\n  // the first\n  b: { c: 'x' } // two\n}\n", id="a-line-goes"),
        pytest.param(LINES, lambda c: c.pop("b"), "{\n  // the first\n  a: 1 // one\n}\n", id="the-last-line-goes"),
        pytest.param(LINES, lambda c: c.update(d=3), "{\n  // the first\n  a: 1, // one\n  b: { c: 'x' }, // two\n  d: 3\n}\n", id="a-line-more"),
        pytest.param(LINES, lambda c: (c.pop("b"), c.update(d=3)), "{\n  // the first\n  a: 1, // one\n  d: 3\n}\n", id="one-for-another"),
        pytest.param("{\n\ta: 1,\n}", lambda c: c.update(b={"c": 2}), '{\n\ta: 1,\n\tb: {\n\t  "c": 2\n\t},\n}', id="its-indent-and-comma"),
        pytest.param('{\n  "a": 1\n}', lambda c: c.update({"b": 2}), '{\n  "a": 1,\n  "b": 2\n}', id="its-quotes"),
        pytest.param("{\n  a: 1\n}", lambda c: c.update({"b/c": 2}), '{\n  a: 1,\n  "b/c": 2\n}', id="needs-quotes"),
        pytest.param("{ a: 1, b: 2 }", lambda c: c.pop("b"), "{ a: 1 }", id="in-a-line-last"),
        pytest.param("{ a: 1, b: 2 }", lambda c: c.pop("a"), "{ b: 2 }", id="in-a-line-first"),
        pytest.param("{ a: 1, b: 2 }", lambda c: (c.pop("b"), c.update(z=3)), "{ a: 1, z: 3 }", id="in-a-line-both"),
        pytest.param("{}", lambda c: c.update(a=1), '{\n  "a": 1\n}', id="empty"),
        pytest.param("{ // none yet\n}", lambda c: c.update(a=1), '{ // none yet\n  "a": 1\n}', id="only-a-comment"),
        pytest.param("{\n  a: {} // x\n}", lambda c: c["a"].update(b=1), '{\n  a: {\n    "b": 1\n  } // x\n}', id="empty-inside"),
        pytest.param("{\n  a: [\n    1, // one\n    2,\n  ],\n}", lambda c: c["a"].__setitem__(1, 3), "{\n  a: [\n    1, // one\n    3,\n  ],\n}", id="an-item"),
        pytest.param("{ a: [1] }", lambda c: c["a"].append(2), "{ a: [1, 2] }", id="a-longer-list"),
        pytest.param("{ a: '${X}', b: 1 }", lambda c: c.update(b=2), "{ a: '${X}', b: 2 }", id="references-stay"),
        pytest.param("{ a: 1 }", lambda c: c.update(a=True), "{ a: true }", id="true-is-not-one"),
    ],
)  # fmt: skip
def test_what_does_not_change_stays(text, change, expected):
    assert after(text, change) == expected


leaves = st.integers(0, 2) | st.booleans() | st.sampled_from(["x", "it's", "//", "${A}"])
names = st.sampled_from(["a", "b", "c/d", "e"])
contents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(names, contents, max_size=4)


@st.composite
def texts(draw, value=None, indent="\n"):
    """A JSON5 text with comments, bare keys, trailing commas, on one line or many."""
    value = draw(objects) if value is None else value
    gap = draw(st.sampled_from([" ", indent + "  ", " /* c */ ", f" // c{indent}  "]))
    if isinstance(value, dict):
        key = draw(st.sampled_from(["'{}'", '"{}"']))
        parts = [f"{gap}{key.format(k)}: {draw(texts(v, indent + '  '))}" for k, v in value.items()]
        comma = "," if parts and draw(st.booleans()) else ""
        return (
            "{"
            + ",".join(parts)
            + comma
            + draw(st.sampled_from(["", " ", indent, f" // d{indent}"]))
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(gap + draw(texts(v, indent + "  ")) for v in value) + "]"
    if isinstance(value, str):
        return '"' + value + '"'
    return str(value).lower()


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts(), objects)
def test_whatever_the_layout_the_content_is_right(text, content):
    assert read_json5(spliced(text, read_json5(text), content)).value == content
