"""The forms in which models are listed (genesis.md 10.3)."""

import msgspec
import pytest

from genesis.commands.model_rows import Row, as_json, as_table


def row(**more: object) -> Row:
    given = {
        "key": "p/m",
        "name": "M",
        "input": "text",
        "context_window": 200_000,
        "context_tokens": msgspec.UNSET,
        "local": False,
        "available": True,
        "tags": (),
        "missing": False,
    }
    return Row(**(given | more))  # type: ignore[arg-type]  # the fields by name


@pytest.mark.parametrize(
    ("tokens", "shown"),
    [(1_000_000, "977k"), (200_000, "195k"), (1_048_576, "1024k"), (1023, "1023"), (None, "-")],
)
def test_contexts_are_told_in_k(tokens: int | None, shown: str) -> None:
    assert as_table([row(context_window=tokens)]).splitlines()[1].split()[2] == shown


def test_a_smaller_window_is_told_beside_the_whole() -> None:
    table = as_table([row(context_window=400_000, context_tokens=272_000)])
    assert "266k/391k" in table


def test_a_long_reference_is_cut() -> None:
    line = as_table([row(key="kilocode/" + "x" * 50)]).splitlines()[1]
    assert line.startswith("kilocode/" + "x" * 30 + "... text")


def test_a_reference_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in as_table([row(key="p/\x1b[2J")])


def test_the_smaller_window_is_in_json_only_where_there_is_one() -> None:
    listed = msgspec.json.decode(as_json([row(), row(context_tokens=5)]))["models"]
    assert ["contextTokens" in one for one in listed] == [False, True]
