"""Tool calls, approvals and durations as lines."""

import pytest

from genesis.core.events import ApprovalAsked
from genesis.core.message import ImageBlock, TextBlock, ToolResultMessage
from genesis.screen.tool_lines import (
    approval_lines,
    duration,
    output_lines,
    result_text,
    tool_line,
)
from tests.genesis.screen.screens import plain, plain_renderer

CONSOLE = plain_renderer().console
DIFF = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-old\n+new\n same"


@pytest.mark.parametrize("width", [20, 60, 200])
def test_the_outcome_is_never_cut(width):
    line = tool_line("exec: " + "x" * 300, "✓", "tool.ok", 0.2, width)
    assert line.cell_len <= width
    assert line.plain.endswith("…  ✓ 0.2s")


def test_a_diff_is_coloured():
    asked = ApprovalAsked("1", "edit", "edit: x.py", DIFF)
    lines = approval_lines(CONSOLE, asked, 60)
    assert plain(lines) == ["  Make this change?  x.py", *(f"    {d}" for d in DIFF.split("\n"))]
    styles = [str(line.spans[0].style) if line.spans else "" for line in lines[1:]]
    assert styles == ["diff.file", "diff.file", "diff.at", "diff.del", "diff.add", ""]


def test_a_command_is_told_once():
    asked = ApprovalAsked("1", "exec", "exec: ls -l", "ls -l")
    assert plain(approval_lines(CONSOLE, asked, 60)) == ["  Run this command?", "    ls -l"]


def test_a_tool_that_we_do_not_know_is_asked_about_by_name():
    asked = ApprovalAsked("1", "deploy", "deploy: all", "")
    assert plain(approval_lines(CONSOLE, asked, 60))[0] == "  Allow deploy?"


def test_output_is_whole_and_clean():
    lines = plain(output_lines(CONSOLE, "exec: x", "a\tb\n" + "y" * 90, 60))
    assert lines[:2] == ["  exec: x", "    a   b"]
    assert "".join(line.strip() for line in lines[2:]) == "y" * 90


def test_no_output_says_so():
    assert plain(output_lines(CONSOLE, "exec: x", "\n", 60))[1] == "    (no output)"


def test_pictures_of_a_result_are_named():
    result = ToolResultMessage("1", "read", (TextBlock("a"), ImageBlock("AAAA", "image/png")))
    assert result_text(result) == "a\n[picture: image/png]"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (9.94, "9.9s"), (12.3, "12s"), (125, "2m 05s")]
)
def test_durations(seconds, text):
    assert duration(seconds) == text
