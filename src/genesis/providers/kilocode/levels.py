"""Thinking levels: how people write them, what a model offers, what a complaint asks for (genesis.md 7.4)."""

import re
from collections.abc import Iterable, Sequence

OFFERED = ("off", "minimal", "low", "medium", "high")
RANKS = {
    "off": 0,
    "minimal": 10,
    "low": 20,
    "medium": 30,
    "adaptive": 30,
    "high": 40,
    "xhigh": 60,
    "max": 70,
}
_WORDS = {
    "off": "off disable disabled none",
    "low": "low on enable enabled thinkhard think-hard",
    "minimal": "minimal min think",
    "medium": "medium mid med harder thinkharder think-harder",
    "high": "high highest ultra ultrathink thinkhardest",
    "adaptive": "adaptive auto",
    "xhigh": "xhigh",
    "max": "max",
}
_SPELLINGS = {word: level for level, words in _WORDS.items() for word in words.split()}
_SUPPORTED = re.compile(r"supported values are:?\s*(.+)", re.IGNORECASE)
_QUOTED = re.compile(r"['\"`]([a-z]+)['\"`]", re.IGNORECASE)
_MANDATORY = re.compile(
    r"(?:reasoning|thinking).{0,60}(?:mandatory|required|cannot be disabled)",
    re.IGNORECASE | re.DOTALL,
)
_UNSUPPORTED = re.compile(
    r"(?:reasoning|thinking|effort).{0,60}not supported", re.IGNORECASE | re.DOTALL
)


def read_level(text: str) -> str | None:
    """The level that a person's word means; None for other words."""
    word = text.strip().lower()
    if re.fullmatch(r"(?:extra|x)[\s_-]*high", word):
        return "xhigh"
    return _SPELLINGS.get(word)


def clamp(level: str, offered: Sequence[str] = OFFERED) -> str:
    """The highest level on offer that does not go beyond the one asked for."""
    if level in offered:
        return level
    most = RANKS.get(level, 0)
    fitting = [one for one in offered if RANKS[one] <= most]
    return max(fitting, key=RANKS.__getitem__, default="off")


def default_level(model_setting: str | None, default_setting: str | None, *, reasons: bool) -> str:
    """The level where the person chose none."""
    return model_setting or default_setting or ("medium" if reasons else "off")


def after_complaint(text: str, tried: Iterable[str]) -> str | None:
    """The level to try after a provider's complaint; None if it is no complaint about that, or nothing is left to try."""
    done = set(tried)
    listed = _SUPPORTED.search(text)
    if listed is not None:
        # What people call off is `none` on the wire.
        levels = (
            "off" if one.lower() == "none" else one.lower() for one in _QUOTED.findall(listed[1])
        )
        return next((one for one in levels if one in RANKS and one not in done), None)
    wanted = "minimal" if _MANDATORY.search(text) else "off" if _UNSUPPORTED.search(text) else None
    return wanted if wanted is not None and wanted not in done else None
