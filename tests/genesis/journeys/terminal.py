"""A real terminal for journeys: tmux on a socket of its own, its screen read until it shows what is waited for."""

import re
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 60.0


class Terminal:
    """One program in one window."""

    def __init__(self, socket: Path) -> None:
        self._tmux = ["tmux", "-S", str(socket)]

    def run(self, *words: str) -> str:
        return subprocess.run(
            [*self._tmux, *words], capture_output=True, text=True, check=True
        ).stdout

    def say(self, text: str) -> None:
        """Type a line once the prompt is there for it."""
        self.wait_for("Ask anything")
        self.type(text)

    def type(self, text: str) -> None:
        """Type a line."""
        self.run("send-keys", "-l", text)
        self.run("send-keys", "Enter")

    def press(self, key: str) -> None:
        self.run("send-keys", key)

    def screen(self) -> str:
        """Everything that was printed, and what is shown now."""
        return self.run("capture-pane", "-p", "-J", "-S", "-2000")

    def wait_for(self, pattern: str, *, times: int = 1) -> str:
        """The screen, once it shows the pattern that often."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            screen = self.screen()
            if len(re.findall(pattern, screen)) >= times:
                return screen
            if time.monotonic() > deadline:
                raise AssertionError(f"{pattern!r} was not shown {times} times:\n{screen}")
            time.sleep(0.1)  # a terminal tells nobody when it has drawn


@contextmanager
def terminal(
    directory: Path,
    command: list[str],
    environ: Mapping[str, str],
    *,
    columns: int = 100,
    lines: int = 30,
) -> Iterator[Terminal]:
    """A terminal that runs the command in the directory and is ended with the test."""
    shown = Terminal(directory.parent / f"tmux-{columns}.sock")
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
    program = f"env -i {settings} {shlex.join(command)}; echo ended with $?; sleep 600"
    start = [
        "-f",
        "/dev/null",
        "new-session",
        "-d",
        "-x",
        str(columns),
        "-y",
        str(lines),
        "-c",
        str(directory),
        program,
    ]
    shown.run(*start)
    try:
        yield shown
    finally:
        shown.run("kill-server")
