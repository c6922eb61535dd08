"""The styles of the screen, by name. Only the terminal's own sixteen colours: they fit every theme that people chose."""

from collections.abc import Mapping
from typing import Literal

from rich.theme import Theme

Background = Literal["dark", "light"]

# Stands before what the person says.
SIGN = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT} "

_STYLES = {
    "md.h1": "bold underline",
    "md.h2": "bold",
    "md.h3": "bold italic",
    "md.bullet": "cyan",
    "md.quote": "italic",
    "md.bar": "dim",
    "md.rule": "dim",
    "md.language": "dim italic",
    "md.url": "dim underline",
    "md.head": "bold",
    "md.image": "magenta",
    "thinking": "dim italic",
    "quiet": "dim",
    "tool": "default",
    "tool.name": "bold cyan",
    "tool.ok": "green",
    "tool.bad": "red",
    "spinner": "cyan",
    "error": "red",
    "notice": "yellow",
    "prompt": "bold cyan",
    "brand": "bold cyan",
    "ask": "bold yellow",
    "key": "bold",
    "diff.add": "green",
    "diff.del": "red",
    "diff.at": "cyan",
    "diff.file": "bold",
    "status": "dim",
}


def styles_for(background: Background) -> Theme:
    """The theme of that background: inline code is bright on dark, plain on light."""
    code = "bright_cyan" if background == "dark" else "blue"
    return Theme({**_STYLES, "md.code": code}, inherit=True)


def background_of(environ: Mapping[str, str]) -> Background:
    """Dark, unless the terminal says in COLORFGBG that its background is one of the light colours."""
    last = environ.get("COLORFGBG", "").rpartition(";")[2]
    return "light" if last in {"7", "15"} else "dark"
