"""Events as they go over the daemon's wire."""

import msgspec
import pytest

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from genesis.core.message import AssistantMessage, TextBlock, ToolResultMessage
from genesis.core.usage import Usage

EVENTS = {
    "text-delta": TextDelta("a"),
    "thinking-delta": ThinkingDelta("a", "reasoning", "sig"),
    "turn-started": TurnStarted("p", "m"),
    "tool-started": ToolStarted("1", "exec", "exec: ls"),
    "approval-asked": ApprovalAsked("1", "exec", "exec: ls", "ls"),
    "tool-ended": ToolEnded(ToolResultMessage("1", "exec", (TextBlock("x"),))),
    "message-ended": MessageEnded(AssistantMessage((TextBlock("x"),)), "because"),
    "notice": Notice("a"),
    "turn-ended": TurnEnded("error", Usage(1), "It failed.", is_late=True),
}


@pytest.mark.parametrize(("name", "event"), EVENTS.items(), ids=list(EVENTS))
def test_an_event_is_read_back_by_its_name(name, event):
    line = msgspec.json.encode(event)
    assert msgspec.json.decode(line)["type"] == name
    assert msgspec.json.decode(line, type=AgentEvent) == event


def test_every_event_of_a_turn_is_among_them():
    assert set(map(type, EVENTS.values())) == set(AgentEvent.__args__)
