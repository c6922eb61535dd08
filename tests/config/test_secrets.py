"""Credentials are read from where the setting says, and never shown."""

from pathlib import Path

import pytest

from kilo_gateway.config.secrets import SecretError, is_literal, resolve
from kilo_gateway.core.secret import Secret


def test_a_variable_gives_its_value(tmp_path: Path) -> None:
    assert resolve("env:KEY", environ={"KEY": " sk-1 "}, base=tmp_path) == Secret("sk-1")


def test_a_file_is_found_beside_the_configuration_and_its_line_end_cut(tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text("sk-2\r\n")
    assert resolve("file:key.txt", environ={}, base=tmp_path) == Secret("sk-2")


def test_an_absolute_path_stays(tmp_path: Path) -> None:
    (tmp_path / "k").write_text("sk-3")
    assert resolve(f"file:{tmp_path / 'k'}", environ={}, base=Path("/")) == Secret("sk-3")


def test_other_text_is_the_credential_itself(tmp_path: Path) -> None:
    assert resolve("sk-4", environ={}, base=tmp_path) == Secret("sk-4")
    assert not resolve("", environ={}, base=tmp_path)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("env:UNSET", "variable UNSET is not set"),
        ("env:EMPTY", "variable EMPTY is empty"),
        ("env:", "name of an environment variable"),
        ("env:A B", "name of an environment variable"),
        ("file:", "path of a file"),
        ("file:none", "No such file"),
        ("file:.", "Is a directory"),
        ("file:empty", "is empty"),
        ("file:binary", "not UTF-8"),
        ("file:large", "larger than"),
        ("file:lines", "line break"),
    ],
)
def test_what_cannot_be_read_is_told_by_name(tmp_path: Path, reference: str, words: str) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * 70_000)
    (tmp_path / "lines").write_text("sk-5\nsk-6\n")
    with pytest.raises(SecretError, match=words) as raised:
        resolve(reference, environ={"EMPTY": ""}, base=tmp_path)
    assert "sk-" not in str(raised.value)


@pytest.mark.parametrize("reference", ["$KEY", "${KEY}", "os.environ/KEY"])
def test_notations_of_other_programs_are_explained(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretError) as raised:
        resolve(reference, environ={"KEY": "x"}, base=tmp_path)
    assert raised.value.suggestion == "env:KEY"


def test_literals_are_told_from_references() -> None:
    assert [is_literal(text) for text in ("sk", "", "env:A", "file:b")] == [
        True,
        False,
        False,
        False,
    ]


def test_what_no_header_can_carry_is_refused_but_for_urls(tmp_path: Path) -> None:
    with pytest.raises(SecretError, match="not ASCII") as raised:
        resolve("env:KEY", environ={"KEY": "cl\u00e9"}, base=tmp_path)
    assert "cl\u00e9" not in str(raised.value)
    url = resolve("sqlite:///\u00e9.db", environ={}, base=tmp_path, is_header=False)
    assert url == Secret("sqlite:///\u00e9.db")
