"""What a model thinks, as lines: folded to one (`thinking… 120 words`), or shown dim as it comes."""

from rich.console import Console
from rich.text import Text

from genesis.screen.display import Display

_INDENT = "  "


class ThinkingLines:
    """One stretch of thinking. Whether it is folded may change while it lasts."""

    def __init__(self, console: Console, display: Display) -> None:
        self._console = console
        self._display = display
        self._text = ""
        self._given = 0
        self._is_in_word = False
        self.words = 0

    def feed(self, text: str) -> None:
        """More of it."""
        self._text += text
        self._display.last_thinking = self._text
        pieces = text.split()
        is_joined = self._is_in_word and bool(text) and not text[0].isspace()
        self.words += len(pieces) - (1 if is_joined and pieces else 0)
        if text:
            self._is_in_word = not text[-1].isspace()

    def finished(self, width: int) -> list[Text]:
        """Whole lines, where thinking is shown."""
        end = self._text.rfind("\n") + 1
        if self._display.thinking != "shown" or end <= self._given:
            return []
        text, self._given = self._text[self._given : end], end
        return self._lines(text, width)

    def close(self, width: int) -> list[Text]:
        """What is left when it is over: the rest of it, or the one line."""
        if self._display.thinking == "hidden":
            return []
        if self._display.thinking == "shown":
            rest, self._given = self._text[self._given :], len(self._text)
            return self._lines(rest, width) if rest.strip() else []
        return [self._fold()]

    def tail(self, width: int, rows: int) -> list[Text]:
        """What changes still."""
        if not self.words:
            return []
        if self._display.thinking == "shown":
            return self._lines(self._text[self._given :], width)[-rows:]
        return [self._fold()]

    def _fold(self) -> Text:
        unit = "word" if self.words == 1 else "words"
        return Text(f"{_INDENT}thinking… {self.words} {unit}", "thinking")

    def _lines(self, text: str, width: int) -> list[Text]:
        wrapped = Text(text.rstrip("\n"), "thinking").wrap(
            self._console, max(width - len(_INDENT), 10), overflow="fold"
        )
        return [Text.assemble(_INDENT, line) for line in wrapped]


def thinking_lines(console: Console, text: str, width: int) -> list[Text]:
    """All of a finished stretch of thinking."""
    whole = ThinkingLines(console, Display(thinking="shown"))
    whole.feed(text)
    return whole.close(width)
