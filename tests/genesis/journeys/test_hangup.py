"""A terminal that is closed in the middle of an answer, against a real gateway: nothing that was said is lost."""

import os
import pty
import select
import subprocess
import sys
import time

import msgspec
import pytest

from tests.gateways import process, wait_for_model
from tests.genesis.journeys.person import Person

PATIENCE_S = 60.0
CONFIG = "[simulator]\nenabled = true\n"
# The program in a session of its own, with the terminal as its controlling one: it hears of its end.
OWNED = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"


class Window:
    """A program on a terminal that can be closed."""

    def __init__(self, person, *words, is_owned=True):
        self._master, slave = pty.openpty()
        self.shown = ""
        owned = [sys.executable, "-c", OWNED] if is_owned else []
        command = [*owned, sys.executable, "-m", "genesis.main", *words]
        self.program = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            cwd=person.project, env=person.environ,
        )  # fmt: skip
        os.close(slave)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.program.kill()
        self.program.wait()

    def wait_for(self, text):
        deadline = time.monotonic() + PATIENCE_S
        while text not in self.shown:
            ready, _, _ = select.select([self._master], [], [], 1)
            assert time.monotonic() < deadline, f"never shown: {text}\n{self.shown}"
            if ready:
                self.shown += os.read(self._master, 4096).decode(errors="replace")
                # What every terminal answers when it is asked where its cursor is.
                if self.shown.endswith("\x1b[6n"):
                    os.write(self._master, b"\x1b[1;1R")

    def type(self, text):
        os.write(self._master, text.encode())

    def close(self):
        """Close the window; the program's exit code."""
        os.close(self._master)
        return self.program.wait(PATIENCE_S)


@pytest.fixture
def person(tmp_path):
    with process(tmp_path / "gateway", CONFIG) as gateway:
        wait_for_model(gateway, "sim/echo")
        yield Person(tmp_path / "person", gateway)


def closed_while_it_answers(person, model, *words, is_owned=True):
    """A chat whose window is closed when a long answer has begun; its exit code. A window that it does not own tells it
    nothing."""
    words = ("chat", "--model", f"kilocode/sim/{model}", *words)
    with Window(person, *words, is_owned=is_owned) as window:
        window.wait_for("Ask anything")
        window.type("talk for a long time\r")
        window.wait_for("You said: talk")
        return window.close()


def last_answer(person):
    _, out, _ = person.genesis("sessions", "export", "last", "--format", "json")
    messages = [one for one in msgspec.json.decode(out)["messages"] if one["role"] == "assistant"]
    return messages[-1] if messages else None


@pytest.mark.parametrize("is_owned", [True, False], ids=["by a signal", "without a signal"])
def test_a_chat_in_process_saves_what_was_said(person, is_owned):
    model = "tokens-900-delay-20ms"
    assert closed_while_it_answers(person, model, "--local", is_owned=is_owned) == 130
    answer = last_answer(person)
    assert "You said: talk" in answer["content"][0]["text"]
    assert answer["stopReason"] == "aborted"
    assert not (person.state / "logs" / "genesis.log").exists()


def test_a_prompt_ends(person):
    with Window(person, "chat", "--local") as window:
        window.wait_for("Ask anything")
        assert window.close() in {0, 130}
    assert not (person.state / "logs" / "genesis.log").exists()


def test_a_turn_of_the_daemon_goes_on(person):
    code, _, err = person.genesis("gateway", "start")
    assert code == 0, err
    try:
        # Long enough that it still answers when a busy machine gets to closing the window.
        assert closed_while_it_answers(person, "tokens-400-delay-20ms") == 130
        deadline = time.monotonic() + PATIENCE_S
        while (answer := last_answer(person)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.1)  # another process answers
        assert answer["stopReason"] == "stop"
    finally:
        person.genesis("gateway", "stop")


def test_a_daemon_in_a_terminal_ends_with_it(person):
    with Window(person, "gateway", "run") as window:
        window.wait_for("(pid ")
        assert window.close() == 0
    assert person.genesis("gateway", "status")[0] == 1
