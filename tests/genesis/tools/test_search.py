"""search: lines and names, what is skipped, and patterns that never end."""

from pathlib import Path

import msgspec
import pytest

import genesis.tools.search as module
from genesis.tools.workspace import ToolError
from tests.genesis.tools.desk import prepared, run, text


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "work"
    for name, content in {
        "a.py": "import x\nNeedle here\n",
        "sub/b.py": "needle\n",
        "sub/c.txt": "needle\n",
        "build/out.py": "needle\n",
        "node_modules/d.py": "needle\n",
        ".genesis/key.py": "needle\n",
        ".gitignore": "build/\n*.log\n!keep.log\n",
        "x.log": "needle\n",
        "keep.log": "needle\n",
        "bin": "needle\0",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    (root / "link.py").symlink_to("/etc/passwd")
    return root


async def found(root: Path, **arguments: object) -> list[str]:
    return text(await run(root, "search", msgspec.json.encode(arguments).decode())).split("\n")


async def test_lines_in_files_that_people_wrote(tree: Path) -> None:
    assert await found(tree, pattern="needle") == [
        "keep.log:1: needle",
        "sub/b.py:1: needle",
        "sub/c.txt:1: needle",
    ]


async def test_case_and_glob(tree: Path) -> None:
    assert await found(tree, pattern="^needle", ignore_case=True, glob="*.py") == [
        "a.py:2: Needle here",
        "sub/b.py:1: needle",
    ]


async def test_files_by_their_names(tree: Path) -> None:
    assert await found(tree, glob="sub/**") == ["sub/b.py", "sub/c.txt"]
    assert await found(tree, glob="**/*.py") == ["a.py", "sub/b.py"]


async def test_one_file(tree: Path) -> None:
    assert await found(tree, pattern="x", path="a.py") == ["a.py:1: import x"]


async def test_nothing(tree: Path) -> None:
    assert await found(tree, pattern="absent") == ["(nothing found)"]


async def test_the_limit_is_told(tree: Path) -> None:
    lines = await found(tree, pattern="needle", limit=1)
    assert lines[1].startswith("(more than 1 findings")


async def test_names_and_lines_are_safe(tree: Path) -> None:
    (tree / "evil\x1b[2J.md").write_text("needle \x1b]0;title\x07")
    lines = await found(tree, pattern="needle", glob="*.md")
    assert lines == ["evil␛[2J.md:1: needle ␛]0;title␇"]


async def test_a_pattern_that_never_ends_is_stopped(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "a.py").write_text("a" * 200 + "\n")
    monkeypatch.setattr(module, "TIMEOUT_S", 1.0)
    with pytest.raises(ToolError, match="took longer"):
        await found(tree, pattern="(a+)+$x")


async def test_modules_of_the_workspace_are_not_run(tree: Path) -> None:
    (tree / "msgspec.py").write_text("raise SystemExit(9)\n")
    (tree / "re.py").write_text("raise SystemExit(9)\n")
    assert await found(tree, pattern="^needle", path="sub/b.py") == ["sub/b.py:1: needle"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [('{"pattern":"("}', "no regular expression"), ('{"path":"no"}', "does not exist"), ('{"path":".."}', "outside")],
)  # fmt: skip
def test_what_cannot_be_searched(tree: Path, arguments: str, words: str) -> None:
    with pytest.raises(ToolError, match=words):
        prepared(tree, "search", arguments)
