"""Completion at the prompt: /commands and their arguments, models, sessions, files after @."""

import os
import re
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Protocol

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from typing_extensions import override

from genesis.core.text import one_line

_MAX_SHOWN = 100
_FILE = re.compile(r"(?:^|(?<=[\s(]))@(\"?)([^\s\"]*|(?<=\")[^\"]*)$")


class Choices(Protocol):
    """What can be chosen now: (text, what it means) pairs."""

    async def models(self) -> list[tuple[str, str]]:
        """Model references."""
        ...

    async def providers(self) -> list[tuple[str, str]]:
        """Provider ids."""
        ...

    async def sessions(self) -> list[tuple[str, str]]:
        """Session ids."""
        ...

    async def levels(self) -> list[tuple[str, str]]:
        """Thinking levels."""
        ...


class PromptCompleter(Completer):
    """`commands` are (name, help, kind of argument) rows; kinds are the methods of Choices."""

    def __init__(
        self, commands: Iterable[tuple[str, str, str]], choices: Choices, folder: Path
    ) -> None:
        rows = list(commands)
        self._commands = [(f"/{name}", words) for name, words, _ in rows]
        self._kinds = {f"/{name}": kind for name, _, kind in rows if kind}
        self._folder = folder
        self._choices = choices

    @override
    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        text = document.text_before_cursor
        file = _FILE.search(text)
        if file is not None:
            yield from _files(self._folder, file[2], is_quoted=bool(file[1]))
        elif text.startswith("/") and not re.search(r"\s", text):
            yield from _matching(text, self._commands)

    @override
    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        for completion in self.get_completions(document, complete_event):
            yield completion
        text = document.text_before_cursor
        command, space, word = text.partition(" ")
        kind = self._kinds.get(command)
        if space and kind is not None and not re.search(r"\s", word):
            for completion in _matching(word, await self._choose(kind)):
                yield completion

    async def _choose(self, kind: str) -> list[tuple[str, str]]:
        match kind:
            case "models":
                return await self._choices.models()
            case "providers":
                return await self._choices.providers()
            case "sessions":
                return await self._choices.sessions()
            case _:
                return await self._choices.levels()


def wants_completion(text: str) -> bool:
    """Whether choices should come up by themselves: in a command, and after @."""
    return (text.startswith("/") and "\n" not in text) or _FILE.search(text) is not None


def _matching(word: str, rows: Iterable[tuple[str, str]]) -> Iterable[Completion]:
    """What begins with the word, then what has it within; both ignoring case."""
    wanted = word.lower()
    found = [row for row in rows if row[0].lower().startswith(wanted)]
    found += [row for row in rows if wanted in row[0].lower() and row not in found]
    for text, meaning in found[:_MAX_SHOWN]:
        yield Completion(
            text, -len(word), display=one_line(text, 70), display_meta=one_line(meaning, 60)
        )


def _files(folder: Path, word: str, *, is_quoted: bool) -> Iterable[Completion]:
    head, slash, start = word.rpartition("/")
    where = folder / Path(head + slash).expanduser() if head or slash else folder
    try:
        entries = sorted(os.scandir(where), key=lambda entry: (not entry.is_dir(), entry.name))
    except (OSError, RuntimeError):  # no such folder, or none that may be read: nothing to offer
        return
    shown = 0
    for entry in entries:
        name = entry.name
        is_hidden = name.startswith(".") and not start.startswith(".")
        if is_hidden or not name.lower().startswith(start.lower()) or not name.isprintable():
            continue
        shown += 1
        if shown > _MAX_SHOWN:
            return
        text = head + slash + name + ("/" if entry.is_dir() else "")
        needs_quotes = " " in text and not is_quoted
        yield Completion(
            f'"{text}"' if needs_quotes else text,
            -len(word),
            display=name + ("/" if entry.is_dir() else ""),
        )
