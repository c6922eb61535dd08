"""Words of strangers (a model, a tool, a server, a name of a file) made safe to show: nothing steers the terminal, nothing hides.

A terminal obeys escape sequences and control characters wherever they come from: they can move the cursor over an
approval, change the window's title or write to the clipboard. Bidirectional overrides and invisible tag characters
make a command read other than it runs. So controls become their pictures (`␛`), the others their code point (`⟨U+202E⟩`).
"""

import re

# Invisible characters that change how the others read. Joiners stay: emoji and many scripts need them.
_HIDDEN = (
    *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0x206A, 0x2070),
    0xAD, 0x061C, 0x180E, 0x200B, 0x2028, 0x2029, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0xFEFF,
    *range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080),
)  # fmt: skip


def _table() -> dict[int, str]:
    table = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in "\n\t"}
    table[0x7F] = "\u2421"
    table |= {code: f"⟨U+{code:04X}⟩" for code in (*range(0x80, 0xA0), *_HIDDEN)}
    table |= dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
    return table


_VISIBLE = _table()
_UNSAFE = re.compile("[" + "".join(re.escape(chr(code)) for code in _VISIBLE) + "]")
# Whole sequences that programs print for colours, titles and links: CSI, OSC and its kin (ended by BEL or ST), the rest.
_SEQUENCE = re.compile(
    "(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]"
    "|(?:\x1b[\\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\\\|\x9c)"
    "|\x1b[ -/]*[0-Z\\\\^-~]"
)
_OVERWRITTEN = re.compile("[^\n]*\r(?!\n|$)")
_BACKSPACED = re.compile("[^\b\n]\b")


def visible(text: str) -> str:
    """The text with every control character and hidden mark shown as a visible one; only newlines and tabs stay."""
    if _UNSAFE.search(text) is None:
        return text
    return text.replace("\r\n", "\n").translate(_VISIBLE)


def stripped(text: str) -> str:
    """Output of a program as a terminal would leave it: colours gone, overwritten lines gone; the rest `visible`."""
    if _UNSAFE.search(text) is None:
        return text
    text = _SEQUENCE.sub("", text).replace("\r\n", "\n")
    text = _OVERWRITTEN.sub("", text)
    return visible(_BACKSPACED.sub("", text).replace("\r", ""))


def one_line(text: str, limit: int = 200) -> str:
    """The text on one line, at most `limit` characters."""
    line = " ".join(visible(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def printable(text: str) -> str:
    """Only what prints: line ends, controls and hidden marks are gone."""
    return "".join(char for char in text if char.isprintable())
