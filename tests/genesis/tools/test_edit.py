"""edit: one text for another."""

from pathlib import Path

import msgspec
import pytest

from genesis.tools.workspace import ToolError
from tests.genesis.tools.desk import prepared


def arguments(old: str, new: str, **more: object) -> str:
    return msgspec.json.encode({"path": "a", "old_text": old, "new_text": new, **more}).decode()


async def edited(root: Path, content: str, old: str, new: str, **more: object) -> str:
    (root / "a").write_bytes(content.encode())
    await prepared(root, "edit", arguments(old, new, **more)).run()
    return (root / "a").read_bytes().decode()


async def test_the_one_place_changes(tmp_path: Path) -> None:
    assert await edited(tmp_path, "one\ntwo\n", "two", "2") == "one\n2\n"


async def test_every_place_changes_if_asked(tmp_path: Path) -> None:
    assert await edited(tmp_path, "a a", "a", "b", replace_all=True) == "b b"


async def test_line_ends_stay(tmp_path: Path) -> None:
    assert await edited(tmp_path, "a\r\nb\r\nc\r\n", "a\nb", "x\ny") == "x\r\ny\r\nc\r\n"


@pytest.mark.parametrize(
    ("content", "old", "new", "words"),
    [
        ("a a", "a", "b", "stands 2 times"),
        ("abc", "x", "y", "is not in a. Read"),
        ("if  x:", "if x:", "y", "other blanks"),
        ("abc", "b", "b", "nothing to change"),
    ],
)
async def test_what_cannot_be_changed(
    tmp_path: Path, content: str, old: str, new: str, words: str
) -> None:
    with pytest.raises(ToolError, match=words):
        await edited(tmp_path, content, old, new)


def test_what_is_not_utf8_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfeabc")
    with pytest.raises(ToolError, match="not UTF-8"):
        prepared(tmp_path, "edit", arguments("abc", "x"))


def test_the_diff_is_shown(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\ntwo\n")
    assert "-two\n+2\n" in prepared(tmp_path, "edit", arguments("two", "2")).detail
