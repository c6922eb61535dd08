"""An answer without a terminal: it alone on one stream, each message ended by a line end; what is beside it on the other."""

from typing import TextIO

from genesis.core.fault import GenesisError
from genesis.core.message import AssistantMessage, text_of
from genesis.core.text import visible

MOST_PIPED = 8_000_000


def read_piped(source: TextIO) -> str:
    """All of an input. Raises GenesisError if it is longer than anything that a model reads."""
    text = source.read(MOST_PIPED + 1)
    if len(text) > MOST_PIPED:
        raise GenesisError(
            f"What is piped in has more than {MOST_PIPED:,} characters, which no model reads. "
            "Keep it in a file of the workspace and name the file in the message."
        )
    return text


class Pipe:
    """Two streams. Nothing that is written there can steer a terminal behind them."""

    def __init__(self, out: TextIO, err: TextIO) -> None:
        self._out = out
        self._err = err
        self._ends_line = True
        self._has_text = False

    def write_delta(self, text: str) -> None:
        """More of a message that comes in pieces."""
        self._has_text = True
        self.write(text)

    def end_message(self, message: AssistantMessage) -> None:
        """A message is over; one that did not come in pieces is written now."""
        if not self._has_text:
            self.write(text_of(message))
        self.end_line()
        self._has_text = False

    def write(self, text: str) -> None:
        """A text of the answer."""
        if text:
            self._out.write(visible(text))
            self._out.flush()
            self._ends_line = text.endswith("\n")

    def end_line(self) -> None:
        """Begin a new line, if the last one has not ended."""
        if not self._ends_line:
            self.write("\n")

    def tell(self, text: str, end: str = "\n") -> None:
        """A line beside the answer. On a terminal, where both streams are one, it does not cut a line of the answer."""
        self.end_line()
        self._err.write(visible(text) + end)
        self._err.flush()
