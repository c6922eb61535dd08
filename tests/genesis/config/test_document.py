"""One settings file."""

import pytest

from genesis.config.document import changed, parse, read, written
from genesis.core.fault import ConfigError


def test_L34_comments_single_quotes_and_trailing_commas_are_read():
    assert parse("// c\n{ a: 'b', /* d */ e: [1,], }") == {"a": "b", "e": [1]}


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_an_empty_file_is_an_empty_object(text):
    assert parse(text) == {}
    assert changed(text, {"a": 1}) == '{\n  "a": 1\n}\n'


def test_a_missing_file_is_an_empty_object(tmp_path):
    assert read(tmp_path / "none") == {}


def test_what_cannot_be_read_is_said(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path)
    (tmp_path / "f").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read(tmp_path / "f")


def test_a_failure_quotes_nothing_of_the_file():
    with pytest.raises(ConfigError) as caught:
        parse("{ key: sk-very-secret }")
    assert caught.value.message.startswith("JSON5 parse failed: line 1, column 8: expected a value")
    assert "secret" not in caught.value.message


def test_a_new_file_is_two_space_json():
    assert written({"a": {"b": "é"}}) == '{\n  "a": {\n    "b": "é"\n  }\n}\n'


def test_a_change_keeps_comments():
    assert changed("{ a: 1 /* why */ } // end\n", {"a": 2}) == "{ a: 2 /* why */ } // end\n"


def test_a_root_that_is_no_object_is_written_anew():
    assert changed("[1]", {"a": 2}) == '{\n  "a": 2\n}'
