"""Keys while no prompt asks."""

import asyncio

import pytest
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.typeahead import get_typeahead, store_typeahead
from prompt_toolkit.key_binding import KeyPress
from prompt_toolkit.keys import Keys

from genesis.screen.keys import WaitingKeys, hold_typeahead


class Listening:
    """Keys that were typed while a turn ran; `c-c` is for the turn."""

    def __init__(self, source):
        self.source = source
        self.acted = []
        self.changes = 0
        self.keys = WaitingKeys(source, self._on_key, self._on_change)

    def _on_key(self, name, _text):
        if name == "c-c":
            self.acted.append(name)
        return name == "c-c"

    def _on_change(self):
        self.changes += 1

    async def typed(self, text):
        """What waits after these keys, and what the next prompt is given."""
        with self.keys.listening():
            self.source.send_text(text)
            while not self.changes:
                await asyncio.sleep(0.001)
            self.keys.flush()
            return self.keys.typed


@pytest.fixture
def listening():
    with create_pipe_input() as source:
        yield Listening(source)
        get_typeahead(source)


def waiting(source):
    """The keys that the next prompt gets; they stay there."""
    keys = get_typeahead(source)
    store_typeahead(source, keys)
    return [press.key for press in keys]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hello", "hello"),
        ("one\rtwo", "one\ntwo"),
        ("helo\x7flo", "hello"),
        ("\x7f\x7fa", "a"),
        ("\x1b[200~two\r\nlines\x1b[201~", "two\nlines"),
        ("a\x1b[Ab", "ab"),
        ("a\x1b[5;7R", "a"),
        ("a\x1b\rb", "a\nb"),
        ("ö日", "ö日"),
    ],
)
async def test_what_waits_is_what_was_typed(listening, text, shown):
    assert await listening.typed(text) == shown


async def test_a_key_that_means_something_now_does_not_wait(listening):
    assert await listening.typed("a\x03b") == "ab"
    assert listening.acted == ["c-c"]
    assert waiting(listening.source) == ["a", "b"]


async def test_the_next_prompt_gets_the_keys_and_enter_sends(listening):
    await listening.typed("go\r")
    assert waiting(listening.source) == ["g", "o", Keys.ControlM]


async def test_what_was_held_is_sent_by_nobody(listening):
    with listening.keys.listening():
        listening.source.send_text("go\ron\r")
        while not listening.changes:
            await asyncio.sleep(0.001)
        listening.keys.hold_enter()
        assert listening.keys.typed == "go\non"
    assert Keys.ControlM not in waiting(listening.source)


async def test_what_was_typed_before_is_heard_first(listening):
    store_typeahead(listening.source, [KeyPress("a"), KeyPress(Keys.ControlC, "\x03")])
    with listening.keys.listening():
        assert listening.keys.typed == "a"
    assert listening.acted == ["c-c"]


def test_typeahead_can_be_held_without_a_turn():
    with create_pipe_input() as source:
        store_typeahead(source, [KeyPress("a"), KeyPress(Keys.ControlM, "\r")])
        hold_typeahead(source)
        assert waiting(source) == ["a"]
        get_typeahead(source)
