"""An answer and what is beside it, on two streams that may be one terminal."""

import io

import pytest

from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, TextBlock
from genesis.screen import pipe
from genesis.screen.pipe import Pipe, read_piped


class Both:
    """What stands on each stream, and what a terminal shows of both."""

    def __init__(self):
        self.shown = []
        self.out, self.err = self._stream(), self._stream()
        self.pipe = Pipe(self.out, self.err)

    def _stream(self):
        shown = self.shown

        class Stream(io.StringIO):
            def write(self, text):
                shown.append(text)
                return super().write(text)

        return Stream()


@pytest.fixture
def both():
    return Both()


def message(text):
    return AssistantMessage((TextBlock(text),))


def test_a_message_in_pieces_is_written_once_and_ends_its_line(both):
    both.pipe.write_delta("one ")
    both.pipe.write_delta("two")
    both.pipe.end_message(message("one two"))
    both.pipe.end_message(message("three\n"))
    assert (both.out.getvalue(), both.err.getvalue()) == ("one two\nthree\n", "")


def test_an_empty_message_is_no_line(both):
    both.pipe.end_message(message(""))
    assert both.out.getvalue() == ""


def test_what_is_beside_an_answer_does_not_cut_its_line_on_a_terminal(both):
    both.pipe.write_delta("half")
    both.pipe.tell("a tool runs")
    both.pipe.write_delta("rest")
    both.pipe.tell("Go on? ", end="")
    assert "".join(both.shown) == "half\na tool runs\nrest\nGo on? "
    assert both.err.getvalue() == "a tool runs\nGo on? "


def test_nothing_steers_the_terminal(both):
    both.pipe.write_delta("\x1b[2J")
    both.pipe.tell("\x1b]0;t\x07")
    assert "\x1b" not in "".join(both.shown)


def test_an_input_has_an_end(monkeypatch):
    monkeypatch.setattr(pipe, "MOST_PIPED", 5)
    assert read_piped(io.StringIO("12345")) == "12345"
    with pytest.raises(
        GenesisError, match=r"more than 5 characters, which no model reads\. Keep it"
    ):
        read_piped(io.StringIO("123456"))
