"""Finished lines stay, live lines are replaced; a resize leaves nothing behind and takes nothing away."""

import pytest
from rich.text import Text

from genesis.screen.live import LiveRegion
from tests.genesis.screen.fakes import FakeClock
from tests.genesis.screen.screens import emulated


def lines_of(*texts):
    return [Text(text) for text in texts]


def region_of(columns=60, rows=10):
    stream, terminal = emulated(columns, rows)
    clock = FakeClock()
    region = LiveRegion(terminal, clock)
    region.open()
    return stream, terminal, region, clock


def test_live_lines_are_replaced():
    stream, _, region, _ = region_of()
    region.update([], lines_of("a", "b", "c"))
    region.update([], lines_of("a", "x"))
    assert stream.lines == ["a", "x"]


def test_finished_lines_go_above_and_stay():
    stream, _, region, _ = region_of()
    region.update([], lines_of("live one", "status"))
    region.update(lines_of("done"), lines_of("live two", "status"))
    region.close(lines_of("last"))
    assert stream.lines == ["done", "last"]


def test_finished_lines_scroll_away_whole():
    stream, _, region, _ = region_of(rows=6)
    for count in range(50):
        region.update(lines_of(f"line {count}"), lines_of("tail", "status"))
    region.close()
    assert stream.lines == [f"line {count}" for count in range(50)]


def test_what_did_not_change_is_not_written():
    stream, _, region, _ = region_of()
    region.update([], lines_of("a", "b"))
    before = len(stream.raw)
    region.update([], lines_of("a", "b"))
    assert len(stream.raw) == before


def test_only_lines_that_differ_are_written():
    stream, _, region, _ = region_of()
    region.update([], lines_of("a", "b", "c"))
    region.update([], lines_of("a", "b", "d"))
    assert "a" not in stream.raw[-1].replace("\x1b[", "")
    assert stream.lines == ["a", "b", "d"]


def test_live_lines_never_fill_the_terminal():
    stream, _, region, _ = region_of(rows=6)
    region.update(lines_of("done"), lines_of(*[f"l{i}" for i in range(20)]))
    region.close()
    assert stream.lines == ["done"]


@pytest.mark.parametrize("columns", [30, 200])
def test_a_terminal_that_cuts_lines_is_not_garbled_by_a_resize(columns):
    stream, terminal, region, _ = region_of(60, 10)
    region.update(lines_of("done " * 3), lines_of("live " * 11, "status " * 8))
    stream.resize(columns, 10)
    terminal.resize(columns, 10)
    region.update([], lines_of("new", "status"))
    region.close(lines_of("end"))
    assert stream.lines == ["done done done", "end"]


def test_rows_of_a_terminal_that_wraps_anew_are_counted():
    stream, terminal, region, _ = region_of(60, 10)
    terminal.reflows = True
    region.update([], lines_of("x" * 50, "y" * 50))
    terminal.resize(30, 10)
    region.update([], lines_of("z", "s"))
    assert "\x1b[3A" in stream.raw[-1]


def test_finished_lines_wait_while_the_size_changes():
    _, terminal, region, clock = region_of(60, 10)
    region.update([], lines_of("a"))
    assert not region.is_settling
    terminal.resize(50, 10)
    assert region.is_settling
    region.update([], lines_of("a"))
    assert region.is_settling
    clock.now += 1
    assert not region.is_settling


def test_the_cursor_is_hidden_only_meanwhile():
    stream, _, region, _ = region_of()
    assert stream.raw[0] == "\x1b[?25l"
    region.close()
    assert stream.raw[-1] == "\x1b[?25h"
