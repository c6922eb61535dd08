"""One turn in a terminal: events come, keys are pressed, the terminal is left as it was."""

import asyncio
import contextlib
import time

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from genesis.core.events import ApprovalAsked, TextDelta
from genesis.core.fault import GenesisError
from genesis.core.message import TextBlock, UserMessage
from genesis.screen.display import Display
from genesis.screen.status import Status
from genesis.screen.turn import Question, Surface, TurnRunner
from tests.genesis.screen.fakes import FakeConversation, answer, ask, thought, tool
from tests.genesis.screen.screens import emulated, renderer_of

LIMIT_S = 10


class Turn:
    """A turn on an emulated terminal, with keys to press."""

    def __init__(self, conversation, source, columns):
        self.stream, terminal = emulated(columns)
        self.conversation = conversation
        self.source = source
        self.display = Display()
        self.surface = Surface(
            terminal, renderer_of(terminal), source, self.display, Status(), time.monotonic
        )
        self.runner = TurnRunner(conversation, self.surface)

    async def run(self):
        question = Question("s1", UserMessage((TextBlock("hi"),)))
        async with asyncio.timeout(LIMIT_S):
            return await self.runner.run(question)

    @property
    def waiting(self):
        """What waits for the next prompt."""
        return "".join(press.data for press in get_typeahead(self.source))

    async def shows(self, text):
        """Wait until the terminal shows it."""
        async with asyncio.timeout(LIMIT_S):
            while text not in self.stream.text:
                await asyncio.sleep(0.005)


@contextlib.contextmanager
def turn_of(*events, columns=60):
    with create_pipe_input() as source:
        yield Turn(FakeConversation(list(events)), source, columns)


async def pressed(turn, *steps):
    """Run the turn; press each key once its text is shown."""
    running = asyncio.ensure_future(turn.run())
    for text, keys in steps:
        await turn.shows(text)
        turn.source.send_text(keys)
    return await running


@pytest.mark.parametrize("columns", [60, 200])
async def test_an_answer_ends_in_the_scrollback(columns):
    text = "# Title\n\n" + "word " * 300 + "\n\n```python\nx = 1\n```\n"
    with turn_of(*answer(text), columns=columns) as turn:
        outcome = await turn.run()
        assert outcome.error is None
        lines = turn.stream.lines
    assert lines[:3] == ["", "Title", ""]
    assert lines[-2:] == ["  python", "  x = 1"]
    assert turn.stream.text.count("word") == 300
    assert "ctrl-c stops" not in turn.stream.text
    assert turn.stream.raw[-1] == "\x1b[?25h"


@pytest.mark.parametrize(
    ("key", "decision", "words"),
    [
        ("y", "once", "allowed once"),
        ("A", "always", "allowed, and from now on"),
        ("n", "deny", "denied"),
    ],
)
async def test_keys_decide(key, decision, words):
    with turn_of(ask("7", "ls"), *tool("7", "exec: ls"), *answer("ok")) as turn:
        await pressed(turn, ("y once", key))
        assert turn.conversation.decided == [("7", decision)]
        assert words in turn.stream.text


async def test_other_keys_decide_nothing():
    with turn_of(ask("7", "ls"), *answer("ok")) as turn:
        await pressed(turn, ("y once", "xYES"[0]), ("y once", "\r"), ("y once", "n"))
        assert turn.conversation.decided == [("7", "deny")]


async def test_what_is_typed_ahead_allows_nothing():
    with turn_of(TextDelta("Working."), 0.2, ask("7", "ls"), *answer("ok")) as turn:
        await pressed(
            turn, ("Working", "yes pleas"), ("yes pleas", "e"), ("y once", "y"), ("y once", "\x03")
        )
        assert turn.conversation.decided == [("7", "deny")]
        assert turn.waiting == "yes pleasey"


async def test_ctrl_c_stops_cleanly():
    with turn_of(TextDelta("Half an ans"), None) as turn:
        outcome = await pressed(turn, ("Half", "\x03"))
        assert turn.conversation.told == [("cancel", "s1")]
        assert outcome.error is None
    assert turn.stream.lines == ["", "Half an ans", "", "  stopped"]


async def test_ctrl_c_at_a_question_denies_and_stops():
    with turn_of(ask("7", "rm x"), None) as turn:
        await pressed(turn, ("y once", "\x03"))
        assert turn.conversation.decided == [("7", "deny")]
        assert turn.conversation.told == [("cancel", "s1")]
    assert turn.stream.lines[-3:] == ["  denied", "", "  stopped"]


async def test_ctrl_c_twice_does_not_wait_for_the_conversation():
    with turn_of(TextDelta("Never"), 3600) as turn:
        await pressed(turn, ("Never", "\x03"), ("stopping", "\x03"))
    assert turn.stream.lines[-1] == "  stopped"


async def test_an_error_of_the_conversation_is_read():
    with turn_of(GenesisError("The daemon has gone away. Start it: genesis gateway start")) as turn:
        outcome = await turn.run()
    assert outcome.error.startswith("The daemon has gone")
    assert "The daemon has gone away" in turn.stream.text


async def test_what_is_typed_meanwhile_begins_the_next_message():
    with turn_of(TextDelta("Wait."), None) as turn:
        await pressed(turn, ("Wait", "nextx\x7f"), ("next", "\x03"))
        assert turn.waiting == "next"
    assert turn.stream.lines[-1] == "  stopped"


TYPED = {
    "enter-sends": ("one\rtwo", "one\rtwo"),
    "keys-before-a-stop-are-not-sent": ("one\r\x03", "one"),
    "lines-before-a-stop-stay-lines": ("one\rtwo\r\x03", "one\ntwo"),
    "enter-after-a-stop-sends": ("\x03one\r", "one\r"),
    "backspace-takes-enter-back": ("one\r\x7f!", "one!"),
    "backspace-at-the-beginning": ("\x7fone", "one"),
    "alt-enter": ("one\x1b\rtwo", "one\ntwo"),
    "an-escape-alone": ("\x1b", ""),
    "arrows-and-ctrl-d": ("ab\x1b[D\x04", "ab\x1b[D\x04"),
    "the-terminal's-own-words": ("\x1b[12;1Rone", "one"),
}


@pytest.mark.parametrize("name", TYPED)
async def test_keys_wait_for_the_next_prompt(name):
    keys, expected = TYPED[name]
    with turn_of(TextDelta("Wait."), 0.3, *answer("Done.")) as turn:
        await pressed(turn, ("Wait", keys))
        assert turn.waiting == expected


async def test_lines_that_will_be_sent_are_seen():
    with turn_of(TextDelta("Wait."), None, columns=20) as turn:
        await pressed(turn, ("Wait", "one\rtwo" + "o" * 30 + "!"), ("one ↵", ""), ("oo!", "\x03"))


async def test_a_ctrl_c_that_was_typed_before_the_turn_stops_it():
    with turn_of(TextDelta("Never"), None) as turn:
        store_typeahead(turn.source, [KeyPress(Keys.ControlC, "\x03"), KeyPress("x", "x")])
        await turn.run()
        assert turn.conversation.told == [("cancel", "s1")]
        assert turn.waiting == "x"


async def test_ctrl_t_unfolds_and_ctrl_o_opens():
    events = [*tool("1", "exec: ls", "file one\n"), *thought("deep words\nmore"), None]
    with turn_of(*events) as turn:
        await pressed(turn, ("thinking", "\x14"), ("deep words", "\x0f"), ("file one", "\x03"))
    assert turn.display.thinking == "shown"


async def test_a_resize_in_the_middle_garbles_nothing():
    words = " ".join(f"w{i}" for i in range(200))
    events = [TextDelta(words[:400]), None]
    with turn_of(*events, columns=100) as turn:
        running = asyncio.ensure_future(turn.run())
        await turn.shows("w50")
        turn.stream.resize(60, 20)
        turn.surface.terminal.resize(60, 20)
        await asyncio.sleep(0.6)
        turn.source.send_text("\x03")
        await running
    shown = turn.stream.text.split()
    assert shown[:-1] == words[:400].split()


async def test_approvals_are_never_lost_when_the_runner_is_cancelled():
    with turn_of(ApprovalAsked("7", "exec", "exec: x", "x"), 3600) as turn:
        running = asyncio.ensure_future(turn.run())
        await turn.shows("y once")
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert turn.stream.raw[-1] == "\x1b[?25h"
