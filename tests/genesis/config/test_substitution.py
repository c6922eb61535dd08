"""`${VAR}`: rows L26 to L33."""

import pytest

from genesis.config.substitution import (
    MissingVariableError,
    has_reference,
    substitute,
    substitute_strictly,
)

ENVIRON = {"A": "x", "B": "y", "FOO": "bar", "LOOP": "$${BAR}", "EMPTY": "", "_U1": "u"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("${A}/${B}", "x/y", id="L26"),
        pytest.param("$${VAR}", "${VAR}", id="L27"),
        pytest.param("${FOO} $${FOO}", "bar ${FOO}", id="L28"),
        pytest.param("${LOOP}", "$${BAR}", id="L33"),
        pytest.param("$A ${a} ${1A} ${A-b} {A} $", "$A ${a} ${1A} ${A-b} {A} $", id="plain"),
        pytest.param("${_U1}", "u", id="underscore"),
    ],
)
def test_texts(text, expected):
    assert substitute_strictly({"key": text}, ENVIRON) == {"key": expected}


@pytest.mark.parametrize(
    ("content", "name", "path"),
    [
        pytest.param({"items": ["ok", "${MISSING}"]}, "MISSING", "items[1]", id="L30"),
        pytest.param({"key": "${EMPTY}"}, "EMPTY", "key", id="L31"),
        pytest.param({"a": {"b": "${MISSING}"}}, "MISSING", "a.b", id="nested"),
    ],
)
def test_a_missing_variable_is_refused(content, name, path):
    with pytest.raises(MissingVariableError) as caught:
        substitute_strictly(content, ENVIRON)
    assert (caught.value.name, caught.value.path) == (name, path)
    assert caught.value.message == f'Missing env var "{name}" referenced at config path: {path}'


def test_the_lenient_form_tells_and_keeps_the_text():
    told = []
    content = {"a": "${MISSING}-${A}", "n": 1, "b": None}
    result = substitute(content, ENVIRON, lambda *what: told.append(what))
    assert result == {"a": "${MISSING}-x", "n": 1, "b": None}
    assert told == [("MISSING", "a")]


def test_what_counts_as_a_reference():
    assert has_reference("x${A}")
    assert not has_reference("$${A} ${a}")
