"""File names and output made safe to show: no escape sequence of a repository or a program reaches the terminal."""

import re
import unicodedata

# Sequences that programs print for colours, titles and links: CSI, OSC and its kin, the two-character ones.
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-~]"
)
# Categories of characters that steer, hide or are none: controls, formats, surrogates, unassigned lines.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def without_sequences(text: str) -> str:
    """A program's output as its reader wants it: without escape sequences, other controls shown by their code."""
    return "".join(_shown(char) for char in _SEQUENCE.sub("", text).replace("\r\n", "\n"))


def on_one_line(text: str, limit: int = 200) -> str:
    """The text on one line of at most `limit` characters; every control character is shown by its code."""
    line = "".join(char if char not in "\n\t\r" else " " for char in text)
    line = " ".join("".join(_shown(char) for char in line).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _shown(char: str) -> str:
    if char in "\n\t" or unicodedata.category(char) not in _UNSEEN:
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
