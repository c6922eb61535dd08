"""The diff that a person allows."""

import pytest

from genesis.tools.diff import unified

CHANGED = "--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
NEW = "--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n"
NO_END = "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("a\nb\n", "a\nc\n", CHANGED),
        ("", "a\n", NEW),
        ("a\n", "", "--- a/f\n+++ b/f\n@@ -1 +0,0 @@\n-a\n"),
        ("a", "a\n", f"--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n{NO_END}+a\n"),
        ("", "a", f"--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+a\n{NO_END}"),
        ("a\n", "a\n", "(no change to f)"),
        ("", "", "(no change to f)"),
    ],
)
def test_what_changes_is_shown_line_by_line(before, after, expected):
    assert unified(before, after, "f") == expected


def test_line_ends_are_a_change():
    assert "-a\r\n+a\n" in unified("a\r\n", "a\n", "f")


def test_what_is_far_from_a_change_is_left_out():
    before = "".join(f"{n}\n" for n in range(100))
    shown = unified(before, before.replace("50\n", "x\n"), "f")
    assert len(shown.splitlines()) == 11
    assert "-50\n+x\n" in shown
