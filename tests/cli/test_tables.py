"""Tables, JSON and errors look the same in every command."""

import msgspec
import pytest
import typer

from kilo_gateway.cli.tables import (
    count_text,
    dollars_text,
    fail,
    note,
    print_json,
    show_table,
)


def test_a_piped_table_has_whole_rows_and_no_colour(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("id", "n"), [("m" * 300, "1"), ("[red]x[/red]", "22")], numeric=("n",))
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split() == ["m" * 300, "1"] for line in lines)
    assert any(line.split() == ["[red]x[/red]", "22"] for line in lines)
    assert "\x1b" not in "".join(lines)


def test_a_footer_closes_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("id", "n"), [("a", "1")], footer=("total", "1"))
    assert capsys.readouterr().out.split()[-2:] == ["total", "1"]


def test_json_is_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1, None]})
    assert msgspec.json.decode(capsys.readouterr().out) == {"a": [1, None]}


def test_errors_and_notes_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    note("by the way")
    with pytest.raises(typer.Exit) as raised:
        fail("no such thing")
    assert raised.value.exit_code == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", "by the way\nerror: no such thing\n")


def test_unknown_numbers_are_not_zero() -> None:
    assert (count_text(None), count_text(12_345)) == ("-", "12,345")
    assert (dollars_text(None), dollars_text(0), dollars_text(1500)) == (None, "0", "0.0000015")
