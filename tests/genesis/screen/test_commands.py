"""Slash commands: what is typed, what is read."""

import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, TextBlock, UserMessage
from genesis.screen.commands import COMMANDS, is_command, run_command
from genesis.screen.desk import Desk
from genesis.screen.display import Display
from genesis.screen.status import Status
from tests.genesis.screen.fakes import FakeClock, FakeConversation


@pytest.fixture
async def desk(tmp_path):
    desk = Desk(FakeConversation(), Status(), Display(), tmp_path, tmp_path, FakeClock())
    await desk.open("abc123")
    return desk


SAID = {
    "/models": "Providers:\n- kilocode (2)",
    "/models kilocode": "Models (kilocode) — showing 1-2 of 2",
    "/model": "Current: kilocode/kilo/auto\nSwitch: /model <provider/model>\nBrowse: /models",
    "/model kilocode/x": "Model: kilocode/x",
    "/think": "Thinking: medium\nSwitch: /think off",
    "/think high": "Thinking: high",
    "/think extra high": "Thinking: extra high",
    "/new": "New session new999.",
    "/reset": "New session new999.",
    "/sessions": "  abd456  Second  (1 message)\n* abc123  First talk  (2 messages)",
    "/resume": "Which one? /resume <id>",
    "/resume abd456": "Session abd456.",
    "/status": "Session: abc123",
    "/usage": "Tokens: 1050",
    "/compact": "Compacted: 12",
    "/thinking": "Thinking is shown.",
    "/HELP": "/models [provider] [page|all]",
    "/modls": "There is no command /modls. Did you mean /models? /help lists them.",
    "/xyzzy": "There is no command /xyzzy. /help lists them.",
    "/think 'it": "Thinking: 'it",
}


@pytest.mark.parametrize("text", SAID)
async def test_commands(text, desk):
    assert (await run_command(desk, text)).startswith(SAID[text])


async def test_a_switch_is_seen_in_the_status(desk):
    await run_command(desk, "/model kilocode/x")
    await run_command(desk, "/think low")
    assert (desk.status.model, desk.status.thinking) == ("kilocode/x", "low")


async def test_a_refusal_is_the_conversations_own(desk):
    with pytest.raises(GenesisError, match="is not allowed"):
        await run_command(desk, "/model a/b")


async def test_quit(desk):
    assert await run_command(desk, "/exit") == ""
    assert desk.is_over


async def test_help_names_every_command(desk):
    text = await run_command(desk, "/help")
    assert all(f"/{command.name}" in text and command.words in text for command in COMMANDS)


async def test_no_sessions(desk):
    desk.conversation.infos = []
    assert await run_command(desk, "/sessions") == "There is no saved session yet."


async def test_export_never_writes_over_a_file(desk, tmp_path):
    desk.conversation.messages = [
        UserMessage((TextBlock("Hi"),)),
        AssistantMessage((TextBlock("Yes"),), "kilocode", "kilo/auto"),
    ]
    told = await run_command(desk, "/export")
    path = tmp_path / "genesis-abc123.md"
    assert told == f"Written to {path}."
    assert path.read_text().endswith("## You\n\nHi\n\n## kilocode/kilo/auto\n\nYes\n")
    with pytest.raises(GenesisError, match="is there already"):
        await run_command(desk, "/export markdown genesis-abc123.md")
    assert (await run_command(desk, "/export out.json")).endswith("out.json.")
    assert b'"id": "abc123"' in (tmp_path / "out.json").read_bytes()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/help", True),
        (" /models x", True),
        ("/etc/passwd is what?", False),
        ("hi /help", False),
        ("/a\nb", False),
        ("", False),
        ("/", True),
    ],
)
def test_what_is_a_command(text, expected):
    assert is_command(text) is expected
