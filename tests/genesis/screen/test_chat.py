"""A whole chat on an emulated terminal: prompt, turns, commands, leaving."""

import asyncio
import contextlib
import time

import pytest
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console
from rich.text import Text

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    TextBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.screen.chat import Chat, Start, in_columns
from genesis.screen.completion import PromptCompleter
from genesis.screen.desk import Desk, DeskChoices
from genesis.screen.display import Display
from genesis.screen.input import Prompt, PromptParts
from genesis.screen.status import Status
from genesis.screen.turn import Surface
from tests.genesis.screen.fakes import FakeConversation, answer, thought, tool
from tests.genesis.screen.screens import emulated, renderer_of


class Talk:
    """A chat with keys to press."""

    def __init__(self, source, conversation, folder, columns):
        self.stream, terminal = emulated(columns, 30)
        self.source, self.conversation = source, conversation
        clock = time.monotonic
        desk = Desk(conversation, Status(where="in process"), Display(), folder, folder, clock)
        surface = Surface(terminal, renderer_of(terminal), source, desk.display, desk.status, clock)

        def prompt(chat):
            return Prompt(
                PromptParts(
                    source=source,
                    output=DummyOutput(),
                    history=InMemoryHistory(),
                    completer=PromptCompleter([], DeskChoices(desk), folder),
                    folder=folder,
                    status=desk.status.line,
                    open_tool=chat.open_last_tool,
                    toggle_thinking=chat.toggle_thinking,
                    clock=clock,
                )
            )

        self.chat = Chat(desk, surface, prompt, lambda: 7.0)

    async def run(self, *keys, start=None):
        """Press keys one after the other: each once what stands before it is shown."""
        running = asyncio.ensure_future(self.chat.run(start or Start("1.0")))
        async with asyncio.timeout(10):
            for shown, pressed in keys:
                while shown not in self.stream.text:
                    await asyncio.sleep(0.005)
                await asyncio.sleep(0.02)
                self.source.send_text(pressed)
            return await running


@pytest.fixture
def talk_with(tmp_path):
    with contextlib.ExitStack() as stack:

        def make(*turns, columns=60):
            source = stack.enter_context(create_pipe_input())
            return Talk(source, FakeConversation(*turns), tmp_path, columns)

        yield make


async def test_a_question_is_answered_and_ctrl_d_leaves(talk_with):
    talk = talk_with(answer("**Hello** there."))
    assert await talk.run(("session new999", "hi\r"), ("Hello there.", "\x04")) == 0
    assert talk.conversation.sent == [UserMessage((TextBlock("hi"),), at=7.0)]
    assert talk.stream.lines[1] == "  genesis 1.0 · kilocode/kilo/auto"
    assert talk.stream.lines[-1] == "  Saved: genesis chat --session new999"


@pytest.mark.parametrize("columns", [60, 200])
async def test_a_command_is_answered(columns, talk_with):
    talk = talk_with(columns=columns)
    await talk.run(("session", "/models kilocode\r"), ("Switch:", "/quit\r"))
    assert "  - kilocode/x-ai/grok-4" in talk.stream.lines


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/think [level]  how much", ["/think [level]  how much"]),
        (
            "/think [level]  how much it thinks",
            ["/think [level]  how much it", " " * 16 + "thinks"],
        ),
        ("an option with a long name  a", ["an option with a long name  a"]),
        ("an option with a long name  a word", ["an option with a long name  a", "word"]),
        ("Cost: $0.00", ["Cost: $0.00"]),
        ("", [""]),
    ],
)
def test_rows_go_on_below_themselves(line, expected):
    shown = in_columns(line, "", Console(), 32)
    assert [part.plain.rstrip() for part in shown] == expected


async def test_a_refused_command_leaves_the_chat_open(talk_with):
    talk = talk_with()
    await talk.run(("session", "/model a/b\r"), ("not allowed", "\x04"))


async def test_an_unreadable_attachment_gives_the_message_back(talk_with, tmp_path):
    (tmp_path / "bin").write_bytes(b"\0")
    talk = talk_with(answer("Fine."))
    await talk.run(
        ("session", "see @bin\r"), ("neither text", "\x7f" * 4 + "it\r"), ("Fine", "\x04")
    )
    assert talk.conversation.sent[0].content == (TextBlock("see it"),)


async def test_what_is_typed_after_an_unreadable_attachment_is_not_sent(talk_with, tmp_path):
    (tmp_path / "bin").write_bytes(b"\0")
    talk = talk_with(answer("Fine."))
    await talk.run(
        ("session", "see @bin\r or\r"), ("neither text", "\x7f" * 7 + "it\r"), ("Fine", "\x04")
    )
    assert talk.conversation.sent[0].content == (TextBlock("see it"),)


async def test_lines_typed_in_one_go_are_sent_one_by_one(talk_with):
    talk = talk_with(answer("One."), answer("Two."), answer("Three."))
    assert await talk.run(("session", "a\rb\r/think low\rc\\\rd\r\x04")) == 0
    texts = [message.content[0].text for message in talk.conversation.sent]
    assert texts == ["a", "b", "c\nd"]
    assert talk.conversation.thinking == "low"


async def test_ctrl_c_stops_a_command(talk_with):
    talk = talk_with()

    async def compact(session_id):
        talk.chat._print([Text("compacting")])
        await asyncio.sleep(3600)

    talk.conversation.compact = compact
    assert (
        await talk.run(("session", "/compact\r"), ("compacting", "\x03"), ("stopped", "\x04")) == 0
    )


async def test_ctrl_c_stops_a_beginning_that_takes_long(talk_with):
    talk = talk_with()
    talk.conversation.open = lambda *_: asyncio.sleep(3600)
    talk.source.send_text("\x03")
    assert await talk.run() == 130


async def test_a_session_that_is_opened_again_is_shown(talk_with):
    talk = talk_with()
    talk.conversation.messages = [
        *[UserMessage((TextBlock(f"old {i}"),)) for i in range(4)],
        UserMessage((TextBlock("look\n" * 20), ImageBlock("AA", "image/png"), TextBlock("f"))),
        AssistantMessage((TextBlock("It is **so**."),)),
        ToolResultMessage("1", "exec", (TextBlock("out"),)),
    ]
    await talk.run(("exec", "\x0f"), ("    out", "\x04"), start=Start("1.0", session="abc123"))
    assert "  … 1 earlier messages" in talk.stream.lines
    assert "  … 9 more lines" in talk.stream.lines
    assert "  + 1 file, 1 picture" in talk.stream.lines
    assert "It is so." in talk.stream.lines
    assert "  exec  ✓" in talk.stream.lines


async def test_thinking_is_unfolded_at_the_prompt(talk_with):
    talk = talk_with([*thought("deep words"), *tool("1", "exec: ls"), *answer("Done.")])
    await talk.run(("session", "hi\r"), ("Done.", "\x14"), ("  deep words", "\x04"))
    assert "  thinking… 2 words" in talk.stream.lines


async def test_what_was_chosen_on_the_command_line_is_set(talk_with):
    talk = talk_with()
    start = Start("1.0", model="kilocode/x", thinking="low")
    await talk.run(("session", "\x04"), start=start)
    assert (talk.conversation.model, talk.conversation.thinking) == ("kilocode/x", "low")


async def test_a_model_that_is_not_allowed_ends_at_once(talk_with):
    assert await talk_with().run(start=Start("1.0", model="a/b")) == 1
