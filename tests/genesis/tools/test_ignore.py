"""Lines of a `.gitignore`, as git reads them."""

from pathlib import Path

import pytest

from genesis.tools.ignore import glob_pattern, is_ignored, rules_of


@pytest.mark.parametrize(
    ("lines", "path", "is_folder", "expected"),
    [
        ("*.log", "a.log", False, True),
        ("*.log", "sub/a.log", False, True),
        ("/a.log", "sub/a.log", False, False),
        ("/a.log", "a.log", False, True),
        ("build/", "build", True, True),
        ("build/", "build", False, False),
        ("sub/*.py", "sub/a.py", False, True),
        ("sub/*.py", "sub/x/a.py", False, False),
        ("sub/**/a.py", "sub/x/y/a.py", False, True),
        ("sub/**/a.py", "sub/a.py", False, True),
        ("**/a.py", "x/a.py", False, True),
        ("*.log\n!keep.log", "keep.log", False, False),
        ("# comment\n\n", "# comment", False, False),
        ("\\#x", "#x", False, True),
        ("a?c", "abc", False, True),
        ("[a-c].txt", "b.txt", False, True),
        ("[!a].txt", "a.txt", False, False),
        ("[z-a]", "b", False, False),
    ],
)
def test_rule(tmp_path: Path, lines: str, path: str, is_folder: bool, expected: bool) -> None:
    (tmp_path / ".gitignore").write_text(lines)
    rules = rules_of(tmp_path, "")
    assert is_ignored(path, [rules] if rules else [], is_folder=is_folder) is expected


def test_a_folders_own_rules_are_told_from_it_on(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("/x")
    rules = rules_of(tmp_path, "sub")
    assert rules is not None
    assert is_ignored("sub/x", [rules], is_folder=False)


def test_a_link_is_no_rule_file(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("*")
    (tmp_path / ".gitignore").symlink_to("real")
    assert rules_of(tmp_path, "") is None


def test_a_star_stays_in_one_name() -> None:
    assert glob_pattern("*.py").fullmatch("a/b.py") is None
