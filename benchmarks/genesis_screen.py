"""What a streamed answer costs to draw: 5,000 tokens of Markdown at 100 tokens/s on 200 columns, as a share of one core.

    python benchmarks/genesis_screen.py [--columns 200] [--rows 50] [--tokens 5000] [--rate 100] [--real]

Without --real the clock is simulated: every token moves it on, every frame that is due is drawn, and the CPU time of all
is set against the time that the stream would have taken. With --real the stream runs in real time through the same
driver as the chat (event loop, keys, frames), drawing on a pseudo-terminal.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import os
import pty
import random
import sys
import threading
import time
from pathlib import Path

from prompt_toolkit.input import create_pipe_input

from genesis.core.events import TextDelta, TurnEnded
from genesis.core.message import TextBlock, UserMessage
from genesis.screen.display import Display
from genesis.screen.highlight import Highlighter
from genesis.screen.live import LiveRegion
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.status import Status
from genesis.screen.terminal import Terminal
from genesis.screen.turn import FRAME_S, Frames, Question, Surface, TurnRunner
from genesis.screen.turn_view import TurnView

_PROSE = """
the gateway answers quickly because every call keeps to one path and nothing is parsed twice while
tokens arrive **bold words** and *quiet ones* with `code` or [links](https://example.net/a/long/path)
"""
_CODE = """
```python
class Reader:
    \"\"\"Reads what comes.\"\"\"

    def __init__(self, source: Source, *, limit: int = 4096) -> None:
        self._source = source  # never closed here
        self._limit = limit

    async def lines(self) -> AsyncIterator[str]:
        async for chunk in self._source:
            for line in chunk.decode().splitlines():
                yield f"{line!r}: {len(line):>5}"
```
"""
_TABLE = """
| model | input | output | note |
|:------|------:|-------:|------|
| small |  0.15 |   0.60 | quick, for most things |
| large |  3.00 |  15.00 | slow, for hard things that need more thought |
"""
_LIST = """
1. Read the settings, then the environment
2. Look for a key
   - in the profile
   - in the variable `KILOCODE_API_KEY`
3. Ask the gateway
"""


def markdown(tokens: int) -> list[str]:
    """About that many tokens of an answer as models write them: prose, lists, tables, code."""
    dice, words = random.Random(7), _PROSE.split()
    text = ""
    while len(text) < tokens * 4:
        sentence = " ".join(dice.choices(words, k=dice.randint(30, 120)))
        text += f"\n## Part {len(text)}\n\n{sentence}.\n" + dice.choice((_CODE, _TABLE, _LIST))
    return [text[i : i + 4] for i in range(0, tokens * 4, 4)]


@dataclasses.dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def simulated(options: argparse.Namespace) -> tuple[float, float]:
    """CPU seconds and stream seconds, on a simulated clock."""
    pieces = markdown(options.tokens)
    with Path(os.devnull).open("w") as sink:
        terminal = Terminal(sink, {"TERM": "xterm-256color"}, size=(options.columns, options.rows))
        renderer = MarkdownRenderer(terminal.console, Highlighter())
        clock = Clock()
        view = TurnView(renderer, Display(), Status(model="kilocode/kilo/auto"), clock)
        region = LiveRegion(terminal, clock)
        frames = Frames(view, region, clock)
        region.open()
        began = time.process_time()
        for piece in pieces:
            clock.now += 1 / options.rate
            view.apply(TextDelta(piece))
            frames.draw_if_due()
        region.close(view.close(region.width))
        return time.process_time() - began, len(pieces) / options.rate


class Stream:
    """A conversation that only streams."""

    def __init__(self, pieces: list[str], rate: float) -> None:
        self._pieces = pieces
        self._rate = rate

    async def send(self, *_args: object, **_options: object):
        began = time.monotonic()
        for count, piece in enumerate(self._pieces, 1):
            await asyncio.sleep(max(0.0, began + count / self._rate - time.monotonic()))
            yield TextDelta(piece)
        yield TurnEnded("stop")


def real(options: argparse.Namespace) -> tuple[float, float]:
    """CPU seconds and seconds, in real time on a pseudo-terminal."""
    control, side = pty.openpty()

    def drain() -> None:
        with contextlib.suppress(OSError):
            while os.read(control, 65536):
                pass

    threading.Thread(target=drain, daemon=True).start()
    with os.fdopen(side, "w") as sink, create_pipe_input() as source:
        terminal = Terminal(sink, {"TERM": "xterm-256color"}, size=(options.columns, options.rows))
        surface = Surface(
            terminal,
            MarkdownRenderer(terminal.console, Highlighter()),
            source,
            Display(),
            Status(model="kilocode/kilo/auto"),
            time.perf_counter,
        )
        runner = TurnRunner(Stream(markdown(options.tokens), options.rate), surface)
        question = Question("bench", UserMessage((TextBlock("go"),)))
        began, cpu = time.perf_counter(), time.process_time()
        asyncio.run(runner.run(question))
        return time.process_time() - cpu, time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--columns", type=int, default=200)
    parser.add_argument("--rows", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--real", action="store_true", help="run in real time on a pseudo-terminal")
    options = parser.parse_args()
    cpu, took = (real if options.real else simulated)(options)
    sys.stdout.write(
        f"{options.tokens} tokens at {options.rate:g}/s on {options.columns} columns: {cpu:.2f} s of CPU in {took:.1f} s"
        f" = {cpu / took:.1%} of one core (at most {1 / FRAME_S:.0f} frames/s; wanted: under 15 %)\n"
    )


if __name__ == "__main__":
    main()
