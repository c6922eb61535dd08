"""One protocol, fulfilled in this process and over the daemon's wire."""

import inspect

import msgspec
import pytest

from genesis.core.message import TextBlock, UserMessage
from genesis.daemon.client import DaemonConversation
from genesis.session.conversation import Conversation, SessionInfo, SessionView
from genesis.session.local import LocalConversation

METHODS = [name for name in vars(Conversation) if not name.startswith("_")]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", [LocalConversation, DaemonConversation])
def test_both_take_the_same_arguments(kind, name):
    asked = inspect.signature(getattr(Conversation, name)).parameters
    assert list(inspect.signature(getattr(kind, name)).parameters) == list(asked)


@pytest.mark.parametrize(
    "value",
    [
        SessionInfo("a0", "Title", "p/m", 1.0, 2),
        SessionView("a0", (UserMessage((TextBlock("hi"),)),), "p/m", "low", 1.0),
    ],
)
def test_what_they_tell_goes_over_the_wire(value):
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value
