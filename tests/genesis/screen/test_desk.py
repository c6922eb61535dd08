"""The session that is open, and what can be completed."""

import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.screen.desk import Desk, DeskChoices
from genesis.screen.display import Display
from genesis.screen.status import Status
from tests.genesis.screen.fakes import FakeClock, FakeConversation


class Talk(FakeConversation):
    """Counts listings, and refuses them on demand."""

    def __init__(self):
        super().__init__()
        self.opened = []
        self.listings = 0
        self.is_away = False

    async def open(self, session_id, workspace=""):
        self.opened.append((session_id, workspace))
        return await super().open(session_id, workspace)

    async def models_text(self, arguments):
        self.listings += 1
        if self.is_away:
            raise GenesisError("The daemon cannot be reached any more.")
        return await super().models_text(arguments)


@pytest.fixture
def desk(tmp_path):
    return Desk(Talk(), Status(), Display(), tmp_path, tmp_path / "work", FakeClock())


async def test_a_chat_begins_with_what_the_command_line_chose(desk, tmp_path):
    await desk.begin(None, "kilocode/a/b", "high")
    assert desk.session == "new999"
    assert desk.conversation.opened[0] == (None, str(tmp_path / "work"))
    assert (desk.status.model, desk.status.thinking) == ("kilocode/a/b", "high")


async def test_a_model_that_is_refused_is_the_callers(desk):
    with pytest.raises(GenesisError, match="is not allowed"):
        await desk.begin(None, "a/b", None)


async def test_an_opened_session_has_its_messages_to_show(desk):
    desk.conversation.messages = [UserMessage((TextBlock("hi"),))]
    assert await desk.open("abc123") == "abc123"
    assert desk.history == tuple(desk.conversation.messages)


async def test_another_model_has_not_been_routed_yet(desk):
    await desk.open("abc123")
    desk.status.routed, desk.status.why = "x/y", "cheap"
    await desk.refresh()
    assert desk.status.routed == "x/y"
    desk.conversation.model = "kilocode/other"
    await desk.refresh()
    assert (desk.status.model, desk.status.routed, desk.status.why) == ("kilocode/other", "", "")


async def test_what_can_be_chosen(desk):
    choices = DeskChoices(desk)
    assert [name for name, _ in await choices.models()] == ["kilocode/kilo/auto", "kilocode/x-ai/grok-4"]  # fmt: skip
    assert await choices.providers() == [("kilocode", "2")]
    assert await choices.sessions() == [("abc123", "First talk"), ("abd456", "Second")]
    assert ("off", "no thinking") in await choices.levels()


async def test_a_list_is_asked_for_again_only_after_a_while(desk):
    choices = DeskChoices(desk)
    for now, listings in ((100.0, 1), (119.0, 1), (121.0, 2)):
        desk.clock.now = now
        await choices.providers()
        assert desk.conversation.listings == listings


async def test_without_a_list_nothing_is_completed(desk):
    desk.conversation.is_away = True
    assert await DeskChoices(desk).models() == []
