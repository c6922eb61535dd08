"""The JSON5 reader, held against the library."""

import contextlib
import json
import math

import json5
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genesis.config.json5_text import Json5Error, read_json5

MISSION = """
{ env: { KILOCODE_API_KEY: "<key>" },
  agents: { defaults: { model: { primary: "kilocode/kilo/auto" } } } }
"""
GOOD = [
    MISSION,
    "// a\n{a: 1, /* b */ 'c': \"d\", // e\n}\n// f",
    "{\"a\\u0062\": 'it\\'s', b: \"\\x41\\n\\t\\\\\\q\", c: 'line\\\ncont', d: '\\u00e9'}",
    "[+1, -2, .5, 5., 1e3, -1.5E-2, 0xFf, -0, Infinity, -Infinity]",
    "[true, false, null,]",
    "{$a_1: [], \u00e9: {}, nothing: 1}",
    '"only a text"',
    "\ufeff{a: 1}",
    "{\u00a0a:\u20281}",
    "[[[[]]]]",
    "{a: '// no comment', b: \"/* none */\"}",
]


@pytest.mark.parametrize("text", GOOD)
def test_it_reads_what_the_library_reads(text):
    assert read_json5(text).value == json5.loads(text)


def test_not_a_number_is_read():
    assert math.isnan(read_json5("NaN").value)


def test_a_pair_of_escapes_is_one_character():
    assert read_json5("'\\ud83d\\ude00'").value == "\U0001f600"


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values)
def test_it_reads_all_json(value):
    assert read_json5(json.dumps(value)).value == value
    assert read_json5(json.dumps(value, ensure_ascii=False, indent=1)).value == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{broken", "line 1, column 8: expected ':' after the key; the file ends too early"),
        ("{a: 1\n b: 2}", "line 2, column 2: expected ',' or '}'; found something else"),
        ("{a: 1}}", "line 1, column 7: expected the end of the file after the value; found something else"),
        ("{a: }", "line 1, column 5: expected a value: a text in quotes, a number, true, false, null, {…} or […]; found something else"),
        ("{a: 'x\n'}", "line 1, column 5: the text that begins here has no closing quote on its line"),
        ("{a: 1, a: 2}", "line 1, column 8: this key stands in the object twice; keep one of them"),
        ("{a: /* x}", "line 1, column 5: the comment that begins here has no end (*/)"),
        ("{1a: 2}", "line 1, column 2: expected a key or '}'; found something else"),
        ("'\\u12'", "line 1, column 1: the text that begins here has a bad escape: \\u"),
        ("'\\ud83d'", "line 1, column 1: the text that begins here has half of a \\u pair"),
        ("[" * 100, "line 1, column 66: more than 64 levels of brackets"),
        ("9" * 500, "line 1, column 1: this number is too long"),
        ("", "line 1, column 1: expected a value: a text in quotes, a number, true, false, null, {…} or […]; the file ends too early"),
    ],
)  # fmt: skip
def test_it_says_where_and_what(text, message):
    with pytest.raises(Json5Error) as caught:
        read_json5(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "text",
    [
        "01",
        "1_000",
        "tru",
        "+ 1",
        "[,]",
        "{,}",
        "[1,,2]",
        "{a:1,,}",
        "undefined",
        "'\\1'",
        "0x",
        "1.2.3",
        "{a}",
    ],
)
def test_it_refuses_what_is_no_json5(text):
    with pytest.raises(Json5Error):
        read_json5(text)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="{}[]:,'\"\\/*ab1.-+ \nux$\u2028"))
def test_any_text_is_read_or_refused(text):
    with contextlib.suppress(Json5Error):
        read_json5(text)


def test_a_value_knows_its_place():
    text = "{ a: [1, 'b'], }"
    node = read_json5(text)
    array = node.members[0].node
    assert text[array.start : array.end] == "[1, 'b']"
    assert [text[item.start : item.end] for item in array.items] == ["1", "'b'"]
    assert text[node.members[0].comma or 0] == ","
