"""A session that is opened again shows how it ended."""

import pytest

from genesis.core.message import AssistantMessage, TextBlock, ToolCallBlock, ToolResultMessage
from genesis.screen.display import Display
from genesis.screen.past import past_lines
from tests.genesis.screen.screens import plain, plain_renderer


def shown(*messages):
    return plain(past_lines(plain_renderer(), Display(), messages, 60))


def called(arguments, *, name="exec"):
    return AssistantMessage((TextBlock("Look."), ToolCallBlock("1", name, arguments)))


def result(call="1", *, is_error=False):
    return ToolResultMessage(call, "exec", (TextBlock("out"),), is_error=is_error)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ('{"timeout": 3, "command": "ls -l\\u001b[2J"}', "  exec: ls -l␛[2J  ✓"),
        ("{}", "  exec  ✓"),
        ("[1]", "  exec  ✓"),
        ("not json", "  exec  ✓"),
    ],
)
def test_a_tool_is_told_by_what_it_was_about(arguments, line):
    assert shown(called(arguments), result()) == ["Look.", "", line, ""]


def test_tools_stand_together():
    assert shown(result(), result("2", is_error=True)) == ["  exec  ✓", "  exec  ✗", ""]


def test_answers_without_text_leave_no_gap():
    silent = AssistantMessage((ToolCallBlock("1", "exec", "{}"),))
    assert shown(silent, result()) == ["  exec  ✓", ""]


def test_nothing_said_is_nothing_shown():
    assert shown() == []
