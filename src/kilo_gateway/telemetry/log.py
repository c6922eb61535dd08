"""Structured log lines, JSON or console, with secrets struck out.

Secrets are kept out by type (a Secret has no text form) and, as a second net, by pattern: whatever looks like a key is
replaced in every fact before it is written. Lines are collected and written together, at most a moment later; a sink
that stands still loses lines rather than calls, and says how many.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import msgspec

from kilo_gateway.core.clock import Clock

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
Value = str | int | float | bool | None

BUFFER_LINES = 10_000
_VALUE_CHARACTERS = 2_000
_SECRETS = re.compile(
    r"""(?ix)
    (kg_(?:live|test)_[0-9A-Za-z]{4,})
    | (\b(?:sk|rk|pk|gsk|xai|pplx|csk|fw|r8|hf|gh[opsu]|github_pat|tgp|nvapi|vck)[-_][0-9A-Za-z_\-]{8,})
    | (\bjina_[0-9A-Za-z]{16,})
    | (\b(?:AIza|ya29\.)[0-9A-Za-z_\-]{10,})
    | (\bA[KS]IA[0-9A-Z]{12,})
    | ((?<=bearer\ )[^\s"',]+)
    | ((?<=[?&]key=)[^\s&"']+)
    | ((?<=://)[^\s/@"']+(?=@))
    | (eyJ[0-9A-Za-z_\-]{10,}\.[0-9A-Za-z_\-.]+)
    """
)


def strike(text: str) -> str:
    """The text without anything that looks like a credential."""
    return _SECRETS.sub("[secret]", text)


class Log:
    """Collects lines; `flush()` hands them to the sink. Owned by one event loop."""

    __slots__ = ("_clock", "_dropped", "_is_json", "_lines", "_sink", "_threshold")

    def __init__(
        self,
        sink: Callable[[str], object],
        clock: Clock,
        *,
        form: Literal["json", "console"] = "console",
        level: Level = "info",
    ) -> None:
        self._sink = sink
        self._clock = clock
        self._is_json = form == "json"
        self._threshold = LEVELS.index(level)
        self._lines: list[str] = []
        self._dropped = 0

    def write(self, level: Level, event: str, /, **fields: Value) -> None:
        """One line: what happened, and the facts of it. Absent facts (None) are left out."""
        if LEVELS.index(level) < self._threshold:
            return
        if len(self._lines) >= BUFFER_LINES:
            self._dropped += 1
            return
        self._lines.append(self._line(level, event, fields))

    def flush(self) -> None:
        """Hand all lines to the sink."""
        if not self._lines:
            return
        lines, self._lines = self._lines, []
        if self._dropped:
            lines.append(self._line("warning", "log lines dropped", {"count": self._dropped}))
            self._dropped = 0
        self._sink("".join(lines))

    def _line(self, level: Level, event: str, fields: dict[str, Value]) -> str:
        moment = datetime.fromtimestamp(self._clock.wall(), UTC)
        known = {name: _clean(value) for name, value in fields.items() if value is not None}
        if self._is_json:
            head = {
                "time": moment.isoformat(timespec="milliseconds"),
                "level": level,
                "event": event,
            }
            return msgspec.json.encode(head | known).decode() + "\n"
        facts = " ".join(f"{name}={_shown(value)}" for name, value in known.items())
        return f"{moment:%H:%M:%S} {level:<7} {event}  {facts}".rstrip() + "\n"


def _clean(value: Value) -> Value:
    """A fact without secrets, of bounded length; done before it is encoded, so that JSON stays JSON."""
    if not isinstance(value, str):
        return value
    text = strike(value)
    return text if len(text) <= _VALUE_CHARACTERS else text[:_VALUE_CHARACTERS] + "…"


def _shown(value: Value) -> str:
    """A fact as console text: control characters escaped, so that nobody writes lines of his own into the log."""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = str(value)
    return text if text.isprintable() and " " not in text else repr(text)
