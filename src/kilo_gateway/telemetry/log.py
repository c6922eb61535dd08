"""Structured log lines, JSON or console, with secrets struck out.

Secrets are kept out by type (a Secret has no text form) and, as a second net, by pattern: whatever looks like a key is
replaced in every fact before it is written. Lines are collected and written together, at most a moment later; a sink
that stands still loses lines rather than calls, and says how many.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

import msgspec

from kilo_gateway.core.clock import Clock

Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")
_RANKS = {level: rank for rank, level in enumerate(LEVELS)}
Value = str | int | float | bool | None

BUFFER_LINES = 10_000
_VALUE_CHARACTERS = 2_000
_PLAIN_LIMIT = 1_000
_encode = msgspec.json.Encoder().encode
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

# Whatever the pattern finds holds one of these (lower case). Looking for them is forty times cheaper than the pattern,
# and most lines hold none.
_MARKS = (
    "kg_", "sk-", "sk_", "rk-", "rk_", "pk-", "pk_", "xai-", "xai_", "pplx", "fw-", "fw_", "r8-", "r8_", "hf-", "hf_",
    "gho", "ghp", "ghs", "ghu", "github_pat", "tgp", "nvapi", "vck", "jina_", "aiza", "ya29.", "akia", "asia",
    "bearer ", "key=", "://", "eyj",
)  # fmt: skip


# A call id of our own making: no secret looks like that.
_OUR_CALL = re.compile(r"req_[0-9a-f]{1,64}").fullmatch


def strike(text: str) -> str:
    """The text without anything that looks like a credential."""
    return _SECRETS.sub("[secret]", text) if may_hold_secret(text) else text


def may_hold_secret(text: str) -> bool:
    """Whether the pattern is worth trying on a text."""
    lower = text.lower()
    for mark in _MARKS:  # a plain loop: a generator costs as much as all the searches  # noqa: SIM110
        if mark in lower:
            return True
    return False


class AttemptLine(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Facts of an attempt that has ended; what is unknown is None, and left out of JSON.

    `model` and `detail` hold other people's text, and `call` may be the client's own id; the rest is ours.
    """

    call: str
    key: str
    operation: str
    model: str
    deployment: str
    number: int
    outcome: str
    duration_ms: int
    status: int | None = None
    first_byte_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: str | None = None
    detail: str | None = None

    def cleaned(self) -> "AttemptLine":
        """The same without secrets."""
        return msgspec.structs.replace(
            self,
            call=_clean_text(self.call),
            model=_clean_text(self.model),
            detail=None if self.detail is None else _clean_text(self.detail),
        )

    def text(self) -> str:
        """For people; a dash stands for what is unknown."""
        numbers = (
            f"status={self.status} first_byte_ms={self.first_byte_ms} duration_ms={self.duration_ms} "
            f"input_tokens={self.input_tokens} output_tokens={self.output_tokens} cost_usd={self.cost_usd}"
        )
        kind = _shown_kind(self.key, self.operation, self.model, self.deployment)
        line = (
            f"call={_shown_text(self.call)} {kind} number={self.number} outcome={self.outcome} "
            f"{numbers.replace('None', '-')}"
        )
        return line if self.detail is None else f"{line} detail={_shown_text(self.detail)}"


class Log:
    """Collects lines; `flush()` hands them to the sink. Owned by one event loop."""

    __slots__ = (
        "_clock",
        "_dropped",
        "_is_json",
        "_lines",
        "_plain",
        "_second",
        "_sink",
        "_threshold",
        "_until_second",
    )

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
        self._threshold = _RANKS[level]
        self._lines: list[str] = []
        self._dropped = 0
        self._plain: set[str] = set()
        self._second = -1
        self._until_second = ""

    def write(self, level: Level, event: str, /, **fields: Value) -> None:
        """One line: what happened, and the facts of it. Absent facts (None) are left out."""
        if self._accepts(level):
            self._lines.append(self._line(level, event, fields))

    def write_attempts(self, attempts: Sequence[AttemptLine]) -> None:
        """The lines of attempts that ended together: there is one per call, so the facts are not looked over one by one.

        One that did not end well is a warning.
        """
        now = self._clock.wall()
        stamp = self._stamp(now) if self._is_json else self._second_of(now)[11:]
        for attempt in attempts:
            level: Level = "info" if attempt.outcome == "ok" else "warning"
            if not self._accepts(level):
                continue
            is_plain = attempt.detail is None and self._is_plain(attempt)
            told = attempt if is_plain else attempt.cleaned()
            if self._is_json:
                facts = _encode(told).decode()[1:]
                line = f'{{"time":"{stamp}","level":"{level}","event":"attempt",{facts}\n'
            else:
                line = f"{stamp} {level:<7} attempt  {told.text()}\n"
            self._lines.append(line)

    def _is_plain(self, attempt: AttemptLine) -> bool:
        """Whether call and model need no cleaning; models that came before are known by heart."""
        model, call = attempt.model, attempt.call
        if model not in self._plain:
            if _is_doubtful(model):
                return False
            if len(self._plain) >= _PLAIN_LIMIT:
                self._plain.clear()
            self._plain.add(model)
        return _OUR_CALL(call) is not None or not _is_doubtful(call)

    def _accepts(self, level: Level) -> bool:
        if _RANKS[level] < self._threshold:
            return False
        if len(self._lines) >= BUFFER_LINES:
            self._dropped += 1
            return False
        return True

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
        now = self._clock.wall()
        known: dict[str, Value] = {
            name: value for name, value in fields.items() if value is not None
        }
        if _is_doubtful("\n".join([value for value in known.values() if type(value) is str])):
            known = {name: _clean(value) for name, value in known.items()}
        if self._is_json:
            head: dict[str, Value] = {"time": self._stamp(now), "level": level, "event": event}
            return _encode(head | known).decode() + "\n"
        facts = " ".join([f"{name}={_shown(value)}" for name, value in known.items()])
        return f"{self._stamp(now)[11:19]} {level:<7} {event}  {facts}".rstrip() + "\n"

    def _stamp(self, now: float) -> str:
        """ISO 8601 in UTC with milliseconds; what changes once a second is kept (below)."""
        return f"{self._second_of(now)}.{int(now % 1.0 * 1000):03d}Z"

    def _second_of(self, now: float) -> str:
        second = int(now)
        if second != self._second:
            self._second = second
            self._until_second = f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"
        return self._until_second


def _is_doubtful(text: str) -> bool:
    """Whether texts need cleaning: most lines are short, plain and without a trace of a secret."""
    return len(text) > _VALUE_CHARACTERS or not text.isascii() or may_hold_secret(text)


def _clean(value: Value) -> Value:
    return _clean_text(value) if isinstance(value, str) else value


def _clean_text(text: str) -> str:
    """A text without secrets, of bounded length; done before it is encoded, so that JSON stays JSON."""
    # Half a surrogate pair (a file's name, say) cannot be encoded; a log line fails nobody's call.
    text = strike(text if text.isascii() else text.encode(errors="replace").decode())
    return text if len(text) <= _VALUE_CHARACTERS else text[:_VALUE_CHARACTERS] + "…"


def _shown(value: Value) -> str:
    """A fact as console text: control characters escaped, so that nobody writes lines of his own into the log."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return _shown_text(str(value))


def _shown_text(text: str) -> str:
    return text if text.isprintable() and " " not in text else repr(text)


@lru_cache(maxsize=1024)
def _shown_kind(key: str, operation: str, model: str, deployment: str) -> str:
    """Facts that come again and again."""
    return (
        f"key={key} operation={operation} model={_shown_text(model)} "
        f"deployment={_shown_text(deployment)}"
    )
