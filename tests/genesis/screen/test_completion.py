"""What the prompt offers."""

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from genesis.screen.commands import completion_rows
from genesis.screen.completion import PromptCompleter, wants_completion
from genesis.screen.desk import Desk, DeskChoices
from genesis.screen.display import Display
from genesis.screen.status import Status
from tests.genesis.screen.fakes import FakeClock, FakeConversation


async def offered(text, folder):
    desk = Desk(FakeConversation(), Status(), Display(), folder, folder, FakeClock())
    completer = PromptCompleter(completion_rows(), DeskChoices(desk), folder)
    found = completer.get_completions_async(Document(text), CompleteEvent())
    return [completion.text async for completion in found]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "main.py").touch()
    (tmp_path / "shot one.png").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "bad\x1bname").touch()
    return tmp_path


OFFERS = {
    "/mod": ["/models", "/model"],
    "/sess": ["/sessions"],
    "/model ": ["kilocode/kilo/auto", "kilocode/x-ai/grok-4"],
    "/model grok": ["kilocode/x-ai/grok-4"],
    "/models k": ["kilocode"],
    "/resume ab": ["abc123", "abd456"],
    "/resume first": [],
    "/think m": ["minimal", "medium"],
    "/help x": [],
    "look at @s": ["src/", '"shot one.png"'],
    "look at @src/": ["src/main.py"],
    '@"shot': ["shot one.png"],
    "@.h": [".hidden"],
    "@nowhere/": [],
    "a@s": [],
    "plain words": [],
}


@pytest.mark.parametrize("text", OFFERS)
async def test_offers(text, folder):
    assert (await offered(text, folder))[: len(OFFERS[text]) or None] == OFFERS[text]


async def test_a_name_with_escapes_is_not_offered(folder):
    assert all("\x1b" not in text for text in await offered("@", folder))


@pytest.mark.parametrize(
    ("text", "wanted"), [("/m", True), ("see @a", True), ("a/b", False), ("mail a@b", False)]
)
def test_offers_come_up_by_themselves_only_where_they_help(text, wanted):
    assert wants_completion(text) is wanted
