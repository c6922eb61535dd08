"""The questions of onboarding, asked on standard output and answered on standard input; a key is read without echo."""

import getpass
import shutil
import sys
import textwrap
from collections.abc import Sequence

from genesis.auth.texts import clean_paste, normalise, preview
from genesis.core.fault import GenesisError
from genesis.core.text import printable

NOTHING_CHANGED = "Nothing was changed."


def confirm_risk() -> None:
    """The one thing that must be understood. Raises GenesisError if it is not accepted."""
    say(
        "Genesis is an agent: it reads and changes files and runs commands for you.\n"
        "It shows what it wants to do and asks first (settings: tools.approval).\n"
        "A model can be wrong, and a text that it reads can mislead it: look before you agree."
    )
    if not yes("Go on?", otherwise=False):
        raise GenesisError(NOTHING_CHANGED)


def ask_key(prompt: str, variable: str, in_environ: str, *, has_stored: bool) -> str:
    """The key that the person gives; "" to keep the stored one."""
    if in_environ and yes(f"Use existing {variable} (env: {variable}, {preview(in_environ)})?"):
        return in_environ
    if has_stored and yes("Keep the key that is stored?"):
        return ""
    return new_key(prompt)


def new_key(prompt: str) -> str:
    """The key that the person types or pastes; it is not shown."""
    while True:
        key = normalise(clean_paste(_hidden_line(f"{prompt}: ")))
        if key:
            return key
        say("Required")


def show_code(page: str, code: str) -> None:
    """What to do for a device login."""
    say(f"Open {printable(page)}\nand confirm this code: {printable(code)}\nWaiting …")


def say(text: str) -> None:
    """Lines for the person; in a terminal none is cut in the middle of a word."""
    lines = text.split("\n")
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        lines = [part for line in lines for part in _wrapped(line, width)]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _wrapped(line: str, width: int) -> list[str]:
    """What goes on below a number of a list stands under its text."""
    indent = " " * 5 if line.startswith("  ") else ""
    # A long word (an address) is not cut: the terminal does that, and it can be copied.
    return textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False) or [""]  # fmt: skip


def yes(question: str, *, otherwise: bool = True) -> bool:
    """A question with yes or no; Enter alone means `otherwise`."""
    while True:
        word = _line(f"{question} [{'Y/n' if otherwise else 'y/N'}] ").lower()
        if not word:
            return otherwise
        if word in {"y", "yes"}:
            return True
        if word in {"n", "no"}:
            return False


def choose(question: str, answers: Sequence[str]) -> int:
    """One of several answers, by its number; Enter alone means the first. Gives its index."""
    say(question)
    for number, answer in enumerate(answers, 1):
        say(f"  {number}  {answer}")
    while True:
        word = _line("Number [1]: ") or "1"
        if word.isdecimal() and 1 <= int(word) <= len(answers):
            return int(word) - 1
        say(f"Type a number from 1 to {len(answers)}.")


def ask(question: str, otherwise: str) -> str:
    """A line of text; Enter alone means `otherwise`."""
    return _line(f"{question} [{otherwise}]: ") or otherwise


def _line(question: str) -> str:
    sys.stdout.write(question)
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line:
        raise _ended()
    return line.strip()


def _hidden_line(question: str) -> str:
    if not sys.stdin.isatty():
        return _line(question)
    try:
        return getpass.getpass(question)
    except EOFError:
        raise _ended() from None


def _ended() -> GenesisError:
    return GenesisError(
        f"The input has ended before the last question. {NOTHING_CHANGED} "
        "In a script use --non-interactive --accept-risk with options."
    )
