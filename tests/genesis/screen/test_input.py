"""The prompt: what keys and pastes make of a message."""

import asyncio
import contextlib

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from genesis.screen.commands import completion_rows
from genesis.screen.completion import PromptCompleter
from genesis.screen.desk import Desk, DeskChoices
from genesis.screen.display import Display
from genesis.screen.input import Prompt, PromptParts
from genesis.screen.status import Status
from tests.genesis.screen.fakes import FakeClock, FakeConversation

PASTE, END = "\x1b[200~", "\x1b[201~"


@contextlib.contextmanager
def prompt_in(folder):
    clock = FakeClock()
    told = []
    desk = Desk(FakeConversation(), Status(), Display(), folder, folder, clock)
    with create_pipe_input() as source, create_app_session(source, DummyOutput()):
        parts = PromptParts(
            source=source,
            output=DummyOutput(),
            history=InMemoryHistory(),
            completer=PromptCompleter(completion_rows(), DeskChoices(desk), folder),
            folder=folder,
            status=lambda _columns: "status",
            open_tool=lambda: told.append("tool"),
            toggle_thinking=lambda: told.append("thinking"),
            clock=clock,
        )
        yield Prompt(parts), source, told


async def typed(folder, keys, *, first=""):
    with prompt_in(folder) as (prompt, source, _):
        source.send_text(keys)
        async with asyncio.timeout(10):
            return await prompt.ask(first)


KEYS = {
    "enter-sends": ("hello\r", "hello"),
    "alt-enter": ("a\x1b\rb\r", "a\nb"),
    "ctrl-j": ("a\nb\r", "a\nb"),
    "backslash": ("a\\\rb\r", "a\nb"),
    "paste": (f"{PASTE}one\r\ntwo\rthree\n{END}\r", "one\ntwo\nthree\n"),
    "paste-with-slash": (f"{PASTE}/etc is\na folder{END}\r", "/etc is\na folder"),
    "ctrl-c-clears": ("wrong\x03right\r", "right"),
    "ctrl-c-twice-leaves": ("\x03\x03", None),
    "ctrl-c-once-stays": ("\x03still\r", "still"),
    "ctrl-c-after-clearing": ("x\x03\x03still\r", "still"),
    "ctrl-d-leaves": ("\x04", None),
    "unicode": ("日本 é\r", "日本 é"),
}


@pytest.mark.parametrize("name", KEYS)
async def test_keys(name, tmp_path):
    keys, expected = KEYS[name]
    assert await typed(tmp_path, keys) == expected


async def test_what_was_typed_ahead_is_there(tmp_path):
    assert await typed(tmp_path, "!\r", first="ahead") == "ahead!"


async def test_a_pasted_picture_path_becomes_a_reference(tmp_path):
    (tmp_path / "my shot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    path = str(tmp_path / "my shot.png")
    escaped = path.replace(" ", "\\ ")
    assert await typed(tmp_path, f"see {PASTE}{escaped}{END}\r") == f'see @"{path}"'


@pytest.mark.parametrize(("key", "what"), [("\x0f", "tool"), ("\x14", "thinking")])
async def test_keys_print_above_the_prompt(key, what, tmp_path):
    with prompt_in(tmp_path) as (prompt, source, told):
        asking = asyncio.ensure_future(prompt.ask())
        source.send_text(key)
        async with asyncio.timeout(10):
            while not told:
                await asyncio.sleep(0.005)
        source.send_text("\r")
        assert await asking == ""
    assert told == [what]
