"""An emulated terminal for tests: what genesis writes, as a person would see it."""

import io

import pyte

from genesis.screen.highlight import Highlighter
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.terminal import Terminal

ENVIRON = {"TERM": "xterm-256color"}


class EmulatedTerminal(io.StringIO):
    """A stream that feeds a terminal emulator; the emulator cuts lines on resize, it does not wrap them anew."""

    def __init__(self, columns=60, rows=20):
        super().__init__()
        self.raw = []
        self.screen = pyte.HistoryScreen(columns, rows, history=5000, ratio=0.5)
        self.stream = pyte.Stream(self.screen)

    def write(self, text):
        self.raw.append(text)
        self.stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)

    @property
    def lines(self):
        """Scrollback and screen, without trailing blanks."""
        above = [
            "".join(row[x].data for x in range(self.screen.columns)).rstrip()
            for row in self.screen.history.top
        ]
        lines = above + [line.rstrip() for line in self.screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def text(self):
        return "\n".join(self.lines)


def emulated(columns=60, rows=20, **environ):
    """An emulated terminal and ours that writes to it."""
    stream = EmulatedTerminal(columns, rows)
    terminal = Terminal(stream, ENVIRON | environ, size=(columns, rows))
    terminal.reflows = False
    return stream, terminal


def renderer_of(terminal):
    return MarkdownRenderer(terminal.console, Highlighter())


def plain_renderer():
    return renderer_of(Terminal(io.StringIO(), ENVIRON, size=(80, 24)))


def plain(lines):
    return [line.plain for line in lines]
