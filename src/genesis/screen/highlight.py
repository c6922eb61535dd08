"""Code in colours, a line at a time; also code of which only the beginning is there yet."""

from rich.syntax import Syntax
from rich.text import Text

from genesis.screen.theme import Background

# So many lines before a piece are looked at again for strings and comments that began there: bounds the cost of a
# piece, however long the block is.
CONTEXT_LINES = 120
# The theme made of the terminal's own colours.
AUTO = "auto"


class Highlighter:
    """Keeps one lexer per language: to find one costs more than to use it."""

    def __init__(self, background: Background = "dark", theme: str = AUTO) -> None:
        own = "ansi_light" if background == "light" else "ansi_dark"
        self._theme = own if theme == AUTO else theme
        self._syntaxes: dict[str, Syntax] = {}

    def lines(self, code: str, language: str) -> list[Text]:
        """The code's lines. An unknown language gives plain ones."""
        code = code.expandtabs(4)
        if not language:
            return [Text(line) for line in code.split("\n")]
        syntax = self._syntaxes.get(language)
        if syntax is None:
            syntax = Syntax("", language, theme=self._theme, background_color="default")
            self._syntaxes[language] = syntax
        # Lexers drop leading newlines: a mark in front would change what they see, so they are put back.
        body = code.lstrip("\n")
        text = syntax.highlight(body)
        blank = [Text("") for _ in range(len(code) - len(body))]
        lines = blank + list(text.split("\n", allow_blank=True))
        return lines[: code.count("\n") + 1]

    def piece(self, before: list[str], piece: list[str], language: str) -> list[Text]:
        """Lines of `piece`, seen as following the lines `before`."""
        context = before[-CONTEXT_LINES:]
        return self.lines("\n".join([*context, *piece]), language)[len(context) :]
