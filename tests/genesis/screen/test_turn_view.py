"""A turn as lines: what people read when events come."""

import pytest

from genesis.core.events import Notice, TextDelta, TurnEnded, TurnStarted
from genesis.screen.display import Display
from genesis.screen.status import Status
from genesis.screen.turn_view import TurnView
from tests.genesis.screen.fakes import FakeClock, answer, ask, thought, tool, tool_ended
from tests.genesis.screen.screens import plain, plain_renderer


class Watched:
    """A view whose lines are taken after every event, as frames do."""

    def __init__(self, thinking="folded"):
        self.clock = FakeClock()
        self.display = Display(thinking=thinking)
        self.status = Status(session="abc123")
        self.view = TurnView(plain_renderer(), self.display, self.status, self.clock)
        self.lines = []

    def play(self, events, *, seconds=0.1, width=60):
        for event in events:
            self.clock.now += seconds
            self.view.apply(event)
            self.lines += plain(self.view.finished(width))
        return self

    def end(self, width=60):
        self.lines += plain(self.view.close(width))
        return self.lines

    def live(self, width=60, rows=8):
        return plain(self.view.live(width, rows))


def test_an_answer_is_its_markdown():
    watched = Watched().play(answer("# Hi\n\n- a\n- b\n\nEnd."))
    assert watched.end() == ["", "Hi", "", "• a", "• b", "", "End."]


def test_thinking_is_folded_to_one_line():
    watched = Watched().play([*thought("one two three four"), *answer("Yes.")])
    assert watched.end() == ["", "  thinking… 4 words", "", "Yes."]


def test_thinking_can_be_shown():
    watched = Watched("shown").play([*thought("one two\nthree"), *answer("Yes.")])
    assert watched.end() == ["", "  one two", "  three", "", "Yes."]


def test_thinking_can_be_hidden():
    assert Watched("hidden").play([*thought("one"), *answer("Yes.")]).end() == ["", "Yes."]


def test_thinking_unfolds_while_it_lasts():
    watched = Watched().play(thought("one\ntwo"))
    assert "  thinking… 2 words" in watched.live()
    watched.display.toggle_thinking()
    watched.play(thought(" more\n"))
    assert watched.end() == ["", "  one", "  two more"]


def test_a_tool_is_one_line():
    watched = Watched().play(tool("1", "exec: ls -l", "a\nb\n"), seconds=0.2)
    assert watched.end() == ["", "  exec: ls -l  ✓ 0.2s"]


def test_a_failed_tool_says_why():
    watched = Watched().play(tool("1", "exec: cat x", "\ncat: x: gone\nmore", is_error=True))
    assert watched.end() == ["", "  exec: cat x  ✗ 0.1s", "    └ cat: x: gone"]


def test_parallel_tools_run_side_by_side_and_end_in_their_order():
    [first, _], [second, ended] = tool("1", "exec: a"), tool("2", "exec: b")
    watched = Watched().play([first, second])
    assert [line for line in watched.live() if "exec" in line] == [
        "  exec: a  ⠋ 0.1s".replace("⠋", watched.view._spinner),
        "  exec: b  ⠋ 0.0s".replace("⠋", watched.view._spinner),
    ]
    watched.play([ended, tool_ended("1")])
    assert watched.end() == ["", "  exec: b  ✓ 0.1s", "  exec: a  ✓ 0.3s"]


def test_the_last_tool_opens():
    watched = Watched().play(tool("1", "exec: ls", "a\n\x1b[31mb\n"))
    watched.view.open_last_tool()
    assert watched.end()[2:] == ["", "  exec: ls", "    a", "    b"]


def test_nothing_to_open_says_so():
    watched = Watched()
    watched.view.open_last_tool()
    assert watched.end() == ["", "  No tool has run yet."]


def test_an_approval_shows_the_exact_command_with_nothing_hidden():
    watched = Watched().play([ask("1", "rm -rf build\x1b[2K\u202e")])
    assert watched.lines == ["", "  Run this command?", "    rm -rf build␛[2K⟨U+202E⟩"]
    assert "  y once   a always   n deny   ctrl-c deny and stop" in [
        line.rstrip() for line in watched.live()
    ]


def test_a_long_command_is_whole():
    command = "echo " + "x" * 500
    watched = Watched().play([ask("1", command)])
    shown = "".join(line.strip() for line in watched.lines[2:])
    assert shown == command.replace(" ", "")


def test_two_questions_come_one_after_the_other():
    watched = Watched().play([ask("1", "first"), ask("2", "second")])
    assert "    second" not in watched.lines
    watched.view.decided("denied")
    assert watched.end()[-4:] == ["  denied", "", "  Run this command?", "    second"]


def test_a_notice_and_an_error_are_read():
    events = [Notice("Fell back."), TurnEnded("error", error="⚠️ API rate limit reached.")]
    watched = Watched().play(events)
    assert watched.end() == ["", "  Fell back.", "", "  ⚠️ API rate limit reached."]
    assert watched.view.error == "⚠️ API rate limit reached."


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("aborted", "  stopped"),
        ("length", "  The answer was cut: it reached the model's limit of"),
    ],
)
def test_an_early_end_says_so(reason, words):
    watched = Watched().play([TextDelta("half"), TurnEnded(reason)])
    assert watched.end()[:4] == ["", "half", "", words]


def test_text_that_was_not_streamed_is_shown_from_the_whole():
    whole = [event for event in answer("Only whole.") if not isinstance(event, TextDelta)]
    assert Watched().play(whole).end() == ["", "Only whole."]


def test_escapes_of_a_model_are_shown_even_in_pieces():
    watched = Watched().play([TextDelta("a\x1b"), TextDelta("[2Jb"), TurnEnded("stop")])
    assert watched.end() == ["", "a␛[2Jb"]


def test_the_foot_tells_model_time_and_what_is_typed():
    watched = Watched().play([TurnStarted("kilocode", "kilo/auto")])
    watched.view.typed = "next"
    assert watched.live()[1] == "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} next"
    assert watched.live()[-1].endswith("0.1s  abc123 · kilocode/kilo/auto  ctrl-c stops")


def test_the_status_learns_tokens_cost_and_route():
    watched = Watched().play(answer("x", routed="anthropic/claude", why="code"))
    assert watched.status.line(120) == (
        "abc123 · kilocode/kilo/auto → anthropic/claude (code) · 1.1k tokens · $0.0042 · cache 80%"
    )


def test_live_lines_are_bounded():
    watched = Watched().play([TextDelta("- a\n" + "  x\n" * 100)])
    assert len(watched.live(rows=8)) <= 12
