"""`${VAR}`: rows L26 to L33."""

import pytest

from genesis.config.substitution import (
    has_reference,
    substitute,
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
    assert substitute({"key": text}, ENVIRON, pytest.fail) == {"key": expected}


@pytest.mark.parametrize(
    ("content", "name", "path"),
    [
        pytest.param({"items": ["ok", "${MISSING}"]}, "MISSING", "items[1]", id="L30"),
        pytest.param({"key": "${EMPTY}"}, "EMPTY", "key", id="L31"),
        pytest.param({"a": {"b": "${MISSING}-", "n": 1}}, "MISSING", "a.b", id="nested"),
    ],
)
def test_a_missing_variable_is_told_and_stays_as_it_is_written(content, name, path):
    told = []
    assert substitute(content, ENVIRON, lambda *what: told.append(what)) == content
    assert told == [(name, path)]


def test_what_counts_as_a_reference():
    assert has_reference("x${A}")
    assert not has_reference("$${A} ${a}")
