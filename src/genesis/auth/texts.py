"""Keys as text: cleaned when they come in, masked when they are shown (genesis.md 4.2, 4.4, 5.3)."""

import re

_LINE_ENDS = str.maketrans("", "", "\r\n\u2028\u2029")
_ASSIGNMENT = re.compile(r"^(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*")


def normalise(value: object) -> str:
    """A key without line ends and without what no HTTP header can carry, trimmed; "" for anything that is no text."""
    if not isinstance(value, str):
        return ""
    return "".join(char for char in value.translate(_LINE_ENDS) if ord(char) <= 0xFF).strip()


def clean_paste(text: str) -> str:
    """What was pasted at the prompt as a key: `export NAME="…"` and a trailing `;` are taken off."""
    body = _ASSIGNMENT.sub("", text.strip()).strip()
    if len(body) >= 2 and body[0] == body[-1] and body[0] in "\"'`":
        body = body[1:-1]
    return body.removesuffix(";").strip()


def mask(text: str) -> str:
    """A key as status and logs show it."""
    key = text.strip()
    if not key:
        return "missing"
    shown = 1 if len(key) <= 6 else 2 if len(key) <= 16 else 8
    return f"{key[:shown]}...{key[-shown:]}"


def preview(text: str) -> str:
    """A key as onboarding asks about it."""
    key = text.strip()
    if not key:
        return "…"
    shown = 2 if len(key) <= 8 else 4
    return f"{key[:shown]}…{key[-shown:]}"
