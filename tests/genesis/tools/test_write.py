"""write: new files and whole files."""

from pathlib import Path

import pytest

from genesis.tools.workspace import ToolError
from tests.genesis.tools.desk import prepared, run, text


async def test_a_new_file_in_a_new_folder(tmp_path: Path) -> None:
    result = await run(tmp_path, "write", '{"path":"sub/a","content":"one\\n"}')
    assert (tmp_path / "sub" / "a").read_text() == "one\n"
    assert text(result) == "Made sub/a (4 bytes)."


def test_the_diff_of_a_new_file(tmp_path: Path) -> None:
    detail = prepared(tmp_path, "write", '{"path":"a","content":"one"}').detail
    assert detail == "--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+one\n\\ No newline at end of file\n"


def test_preparing_changes_nothing(tmp_path: Path) -> None:
    prepared(tmp_path, "write", '{"path":"sub/a","content":"one"}')
    assert list(tmp_path.iterdir()) == []


async def test_what_changed_since_it_was_shown_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old\n")
    ready = prepared(tmp_path, "write", '{"path":"a","content":"new\\n"}')
    assert "-old\n+new\n" in ready.detail
    (tmp_path / "a").write_text("other\n")
    with pytest.raises(ToolError, match="changed since"):
        await ready.run()
    assert (tmp_path / "a").read_text() == "other\n"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="is a folder"):
        prepared(tmp_path, "write", '{"path":".","content":""}')
