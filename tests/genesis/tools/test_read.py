"""read: text, pictures, folders."""

from pathlib import Path

import pytest

from genesis.tools.workspace import ToolError
from tests.genesis.tools.desk import images, run, text


async def test_lines_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("one\r\ntwo\n")
    assert text(await run(tmp_path, "read", '{"path":"a"}')) == "     1\tone\n     2\ttwo"


async def test_a_part_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("\n".join(map(str, range(1, 11))))
    result = text(await run(tmp_path, "read", '{"path":"a","offset":3,"limit":2}'))
    assert result == "     3\t3\n     4\t4\n(6 more lines; read on with offset 5)"


async def test_it_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(("x" * 5_000 + "\n") * 5_000)
    result = text(await run(tmp_path, "read", '{"path":"a"}'))
    assert len(result) < 61_000
    assert "… (5000 characters)" in result
    assert "more lines; read on" in result


async def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert text(await run(tmp_path, "read", '{"path":"a"}')) == "(a is empty)"


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\0\0\0\0WEBP", "image/webp"),
    ],
)
async def test_a_picture_is_one(tmp_path: Path, start: bytes, kind: str) -> None:
    (tmp_path / "a").write_bytes(start)
    assert images(await run(tmp_path, "read", '{"path":"a"}'))[0].media_type == kind


async def test_a_large_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xd8\xff" + b"x" * 5_000_000)
    with pytest.raises(ToolError, match="Make it smaller"):
        await run(tmp_path, "read", '{"path":"a"}')


async def test_binary_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x7fELF\0\0")
    with pytest.raises(ToolError, match="binary"):
        await run(tmp_path, "read", '{"path":"a"}')


async def test_beyond_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x\n")
    with pytest.raises(ToolError, match="has 1 lines"):
        await run(tmp_path, "read", '{"path":"a","offset":2}')


async def test_a_folder_lists_names_without_the_state(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / ".genesis").mkdir()
    (tmp_path / "evil\x1b[2J").touch()
    (tmp_path / "link").symlink_to("/")
    result = text(await run(tmp_path, "read", '{"path":"."}'))
    assert result == "evil␛[2J\nlink@\nsub/"


def test_the_summary_is_one_safe_line() -> None:
    from genesis.tools.read import Read

    assert Read("a\x1b[31m\nb", offset=3).summary() == "read: a␛[31m b from line 3"
