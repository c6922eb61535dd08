"""The chat in a real terminal (tmux), and where there is none."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from genesis.screen.theme import SIGN

ROOT = Path(__file__).resolve().parents[3]
COMMAND = [sys.executable, "-m", "tests.genesis.screen.talking"]
LIMIT_S = 60


class Tmux:
    """One tmux server of its own with one window."""

    def __init__(self, folder, columns, rows=30, *, kind="", before=""):
        self._socket = str(folder / "tmux")
        words = " ".join([*COMMAND, str(folder), kind])
        command = f"{before}{words}; echo left with $?; stty -a; sleep 60"
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT}/src:{ROOT}",
            "LANG": "C.UTF-8",
        }
        self._run(
            "-f", os.devnull, "new-session", "-d", "-x", str(columns), "-y", str(rows), command,
            environ=environ,
        )  # fmt: skip

    def _run(self, *arguments, environ=None):
        done = subprocess.run(
            ["tmux", "-u", "-S", self._socket, *arguments],
            cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=LIMIT_S,
        )  # fmt: skip
        return done.stdout

    def press(self, *keys):
        self._run("send-keys", *keys)

    def resize(self, columns, rows=30):
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def lines(self):
        text = self._run("capture-pane", "-p", "-S", "-500")
        return text.rstrip("\n").split("\n")

    def shows(self, text):
        """Wait until it does; gives the lines."""
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            lines = self.lines()
            if text in "\n".join(lines):
                return lines
            time.sleep(0.05)
        raise AssertionError("\n".join([f"never shown: {text}", *lines]))

    def end(self):
        self._run("kill-server")


@pytest.fixture(params=[60, 200])
def tmux(request, tmp_path):
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    terminal = Tmux(tmp_path, request.param)
    yield terminal
    terminal.end()


@pytest.fixture
def echo(tmp_path):
    """A chat that answers with what it is told; `before` is a command before it."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed")
    with contextlib.ExitStack() as stack:

        def begun(before=""):
            terminal = Tmux(tmp_path, 80, kind="echo", before=before)
            stack.callback(terminal.end)
            return terminal

        yield begun


def between(lines, first, last):
    start = next(i for i, line in enumerate(lines) if first in line)
    end = next(i for i, line in enumerate(lines) if i > start and last in line)
    return lines[start + 1 : end]


def test_a_chat_in_tmux(tmux):
    tmux.shows("Ask anything")
    tmux.press("hello", "Enter")
    tmux.shows("0.15")
    lines = tmux.shows("Ask anything")
    assert between(lines, "hello", "Ask anything") == [
        "",
        "  thinking… 3 words",
        "  exec: ls -l  ✓ 0.0s",
        "",
        "Steps",
        "",
        "1. Read the config",
        "2. Ask the gateway",
        "",
        "  python",
        "  def answer(question: str) -> str:",
        '      return f"{question}: 42"',
        "",
        "model       input",
        "─────────────────",
        "kilo/auto    0.15",
        "",
    ]
    tmux.press("remove it", "Enter")
    tmux.shows("y once   a always   n deny")
    tmux.press("y")
    lines = tmux.shows("Gone.")
    assert "    rm -rf build" in lines
    assert "  allowed once" in lines
    tmux.press("C-d")
    lines = tmux.shows("left with 0")
    assert " icanon" in "\n".join(tmux.shows("icanon"))
    assert "ctrl-c stops" not in "\n".join(lines)


def test_resizes_while_an_answer_streams(tmux):
    tmux.shows("Ask anything")
    for message, shown in (("hello", "0.15"), ("remove it", "y once")):
        tmux.press(message, "Enter")
        tmux.shows(shown)
    tmux.press("n")
    tmux.shows("Gone.")
    tmux.press("go on", "Enter")
    tmux.shows("w20 ")
    for columns in (50, 90, 61):
        tmux.resize(columns)
        time.sleep(0.3)
    tmux.shows("w399")
    tmux.press("C-c")
    lines = tmux.shows("stopped")
    words = " ".join(between(lines, "go on", "stopped")).split()
    assert words == [f"w{count}" for count in range(400)]


def said(lines):
    """The messages that were answered, in order."""
    return [line.removeprefix("You said: ")[:-1] for line in lines if line.startswith("You said: ")]


BURST = [word for i in range(8) for word in (f"m{i}", "Enter", "/think low", "Enter")]


def test_lines_typed_in_one_burst_are_messages(echo):
    terminal = echo()
    terminal.shows("Ask anything")
    terminal.press(*BURST)
    assert said(terminal.shows("You said: m7.")) == [f"m{i}" for i in range(8)]
    terminal.press("C-d")
    lines = terminal.shows("left with 0")
    assert "\n".join(lines).count("Thinking: low") == 8
    assert not [line for line in lines if line.startswith("· ")]


def test_lines_typed_at_any_moment_are_messages(echo):
    terminal = echo()
    terminal.shows("Ask anything")
    for i in range(20):
        terminal.press(f"m{i}", "Enter")
        terminal.press("/think high")
        terminal.press("Enter")
    assert said(terminal.shows("You said: m19.")) == [f"m{i}" for i in range(20)]


def test_lines_typed_before_the_chat_is_there_are_messages(echo):
    terminal = echo(before="echo typed soon; read -r first; ")
    terminal.shows("typed soon")
    terminal.press("go", "Enter", "early", "Enter", "bird")
    terminal.shows("You said: early.")
    terminal.press("s", "Enter", "C-d")
    assert said(terminal.shows("left with 0")) == ["early", "birds"]


def test_ctrl_c_in_a_burst_stops_and_sends_nothing_typed_before(echo):
    terminal = echo()
    terminal.shows("Ask anything")
    terminal.press("talk " + "on " * 30, "Enter", "never", "Enter", "C-c")
    terminal.shows(f"{SIGN}never\n")
    terminal.press(" mind", "Enter")
    assert said(terminal.shows("You said: never mind."))[-1] == "never mind"
    terminal.press("C-c", "C-c", "C-c")
    terminal.shows("left with 0")


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_ctrl_z_gives_the_shell_back_and_fg_goes_on(echo, tmp_path):
    shell = echo(before="PS1='now> ' exec bash --norc -i; ")
    shell.shows("now>")
    shell.press(" ".join([*COMMAND, str(tmp_path), "echo"]), "Enter")
    shell.shows("Ask anything")
    shell.press("half a ", "C-z")
    shell.shows("Stopped")
    shell.press("stty -a | grep -ow icanon; fg", "Enter")
    lines = shell.shows(f"{SIGN}half a")
    assert lines.count("icanon") == 1
    shell.press("message", "Enter")
    assert said(shell.shows("You said:")) == ["half a message"]


def test_ctrl_c_ends_a_chat_in_a_terminal_that_shows_nothing(echo):
    terminal = echo(before="trap : INT; export TERM=dumb; ")
    terminal.press("hello", "Enter")
    terminal.shows("You said: hello.")
    terminal.press("C-c")
    terminal.shows("left with 1")


def piped(folder, text, **environ):
    return subprocess.run(
        [*COMMAND, str(folder)],
        cwd=ROOT,
        input=text,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}/src:{ROOT}"} | environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def test_a_pipe_is_answered_once_in_plain_text(tmp_path):
    done = piped(tmp_path, "hi\n", TERM="xterm-256color", FORCE_COLOR="1")
    assert done.returncode == 0
    assert done.stdout.startswith("## Steps\n\n1. Read the *config*\n")
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stderr == "exec: ls -l\n"


def test_a_command_in_a_pipe(tmp_path):
    assert piped(tmp_path, "/models").stdout.startswith("Providers:\n- kilocode (2)\n")


def test_a_signal_leaves_the_terminal_as_it_was(tmux):
    tmux.shows("Ask anything")
    tmux.press("hello", "Enter")
    tmux.shows("0.15")
    pids = tmux._run("list-panes", "-F", "#{pane_pid}").split()
    children = subprocess.run(
        ["pgrep", "-P", pids[0]], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(children[0]), signal.SIGTERM)
    tmux.shows("left with")
    assert " icanon" in "\n".join(tmux.shows("icanon"))
