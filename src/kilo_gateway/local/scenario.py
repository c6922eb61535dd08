"""Scenario: how the simulator shall behave, read from a model id such as `echo` or `tokens-200-delay-10ms`.

Words are joined by any of `-` `:` `=` `,` `+`, in any order; a leading `sim/` is dropped; case does not matter.
N is a whole number, T a duration such as `10ms`, `2s` or `1.5s`.

What it says
  echo                  repeats the last user message (the default)
  lorem                 filler text
  tokens-N              exactly N tokens (a token is a word), unless max_tokens is smaller
  reasoning[-N]         N tokens of reasoning (16) before the answer
  tool                  calls the first tool, or the one that tool_choice names, if tools were given
  filter                ends with finish_reason content_filter
  no-usage              never reports usage
When it says it
  first-T               waits so long before the first byte, of an error too
  delay-T               waits so long between chunks
  slow                  first-500ms and delay-50ms, unless these are given
How it fails (one of them)
  status-N[-retry-N]    error N (400 to 599), with Retry-After in seconds
  overflow              400, the prompt is longer than the context window
  garbage               bytes that are not HTTP
  error-in-200          status 200, but the reply is an error object
  error-in-stream[-after-N]   error object in the stream after N chunks (2)
  malformed[-after-N]   broken JSON after N chunks (2)
  stall[-after-N]       silence after N chunks (0: before the first byte)
  cut[-after-N]         connection reset after N chunks (0: before the first byte)
  close[-after-N]       connection closed in good order, but too early, after N chunks (0)
When it fails
  fail-N                only the first N calls of a session fail (with status-503 if nothing else is named)

Where a reply is not streamed, "after N" means after half of the body if N is above 0.
A session is one first user message (or the body's `user`) with one scenario.
"""

import re
from collections.abc import Callable
from typing import Literal

import msgspec

from kilo_gateway.core.fault import Fault, Kind

Breach = Literal[
    "status",
    "overflow",
    "garbage",
    "error-in-200",
    "error-in-stream",
    "malformed",
    "stall",
    "cut",
    "close",
]

GRAMMAR = (
    "echo, lorem, tokens-N, reasoning[-N], tool, filter, no-usage; first-T, delay-T, slow;"
    " status-N[-retry-N], overflow, garbage, error-in-200, error-in-stream[-after-N], malformed[-after-N],"
    " stall[-after-N], cut[-after-N], close[-after-N]; fail-N."
    " N is a whole number, T a duration such as 10ms or 2s; join words with '-', as in sim/tokens-50-delay-10ms."
)

MAX_TEXT = 500
MAX_TOKENS = 100_000
MAX_DURATION_MS = 600_000
MAX_RETRY_AFTER_S = 86_400
MAX_FAILING_CALLS = 1_000
SLOW_FIRST_MS = 500
SLOW_DELAY_MS = 50
DEFAULT_REASONING_TOKENS = 16

# Breaches that happen after a number of chunks, and that number unless told.
_AFTER: dict[str, int] = {"error-in-stream": 2, "malformed": 2, "stall": 0, "cut": 0, "close": 0}

_SEPARATORS = re.compile(r"[-:=,+]+")
_DURATION = re.compile(r"(\d{1,6})(?:\.(\d{1,3}))?(ms|s)", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class Scenario(msgspec.Struct, frozen=True):
    """What to do with one request. Times are in milliseconds, Retry-After in seconds, the rest in tokens or chunks.

    `breach` is the way to fail, None for a fault-free reply; `status` and `retry_after_s` belong to breach "status",
    `after` to those that happen after so many chunks. `failing_calls` is None if each call fails.
    """

    voice: Literal["echo", "lorem"] = "echo"
    tokens: int | None = None
    reasoning_tokens: int = 0
    calls_tool: bool = False
    is_filtered: bool = False
    reports_usage: bool = True
    first_ms: int = 0
    delay_ms: int = 0
    breach: Breach | None = None
    status: int = 503
    retry_after_s: int | None = None
    after: int = 0
    failing_calls: int | None = None

    def without_breach(self) -> "Scenario":
        """The same, but nothing fails."""
        return msgspec.structs.replace(self, breach=None, failing_calls=None)

    def spelled(self) -> str:
        """The shortest id that is read as this scenario again."""
        words: list[str] = [self.voice] if self.voice != "echo" else []
        words += [f"tokens-{self.tokens}"] if self.tokens is not None else []
        words += [f"reasoning-{self.reasoning_tokens}"] if self.reasoning_tokens else []
        flags = {
            "tool": self.calls_tool,
            "filter": self.is_filtered,
            "no-usage": not self.reports_usage,
        }
        words += [word for word, is_set in flags.items() if is_set]
        words += [f"first-{self.first_ms}ms"] if self.first_ms else []
        words += [f"delay-{self.delay_ms}ms"] if self.delay_ms else []
        words += self._breach_words()
        words += [f"fail-{self.failing_calls}"] if self.failing_calls is not None else []
        return "-".join(words) or "echo"

    def _breach_words(self) -> list[str]:
        if self.breach is None:
            return []
        if self.breach == "status":
            retry = "" if self.retry_after_s is None else f"-retry-{self.retry_after_s}"
            return [f"status-{self.status}{retry}"]
        return [f"{self.breach}-after-{self.after}" if self.breach in _AFTER else self.breach]


def _unreadable(reason: str) -> Fault:
    return Fault(
        Kind.INVALID_REQUEST, f"The simulator {reason}. It knows: {GRAMMAR}", param="model"
    )


class _Words:
    """The words that are not read yet."""

    __slots__ = ("_at", "_words", "last")

    def __init__(self, text: str) -> None:
        self._words = [word for word in _SEPARATORS.split(text) if word]
        self._at = 0
        self.last = ""

    def __bool__(self) -> bool:
        return self._at < len(self._words)

    def take(self) -> str:
        """The next word; Fault if there is none."""
        if not self:
            raise _unreadable(f"misses what belongs to '{self.last}'")
        self.last = self._words[self._at]
        self._at += 1
        return self.last

    def skip(self, word: str) -> bool:
        """Whether the next word is this one; then it is taken."""
        if self and self._words[self._at] == word:
            self._at += 1
            return True
        return False

    def number(self, of: str, lowest: int, highest: int) -> int:
        """The next word as a whole number in that range."""
        word = self.take()
        if not _NUMBER.fullmatch(word) or not lowest <= int(word) <= highest:
            raise _unreadable(
                f"wants a whole number from {lowest} to {highest} for '{of}', not '{word}'"
            )
        return int(word)

    def has_number(self) -> bool:
        """Whether the next word is a whole number."""
        return bool(self) and _NUMBER.fullmatch(self._words[self._at]) is not None

    def duration_ms(self, of: str) -> int:
        """The next word as a duration."""
        word = self.take()
        found = _DURATION.fullmatch(word)
        if found is None or (found[3] == "ms" and found[2] is not None):
            raise _unreadable(f"wants a duration such as 10ms or 2s for '{of}', not '{word}'")
        thousandths = int((found[2] or "").ljust(3, "0"))
        amount_ms = int(found[1]) if found[3] == "ms" else int(found[1]) * 1_000 + thousandths
        if amount_ms > MAX_DURATION_MS:
            raise _unreadable(f"waits 600s at most for '{of}', not {word}")
        return amount_ms


_Fields = dict[str, str | int | bool]


def _set_breach(fields: _Fields, breach: str) -> None:
    if "breach" in fields:
        raise _unreadable(
            f"can fail in one way only, not as '{fields['breach']}' and as '{breach}'"
        )
    fields["breach"] = breach


def _read_breach(word: str, words: _Words, fields: _Fields) -> None:
    _set_breach(fields, word)
    if word in _AFTER:
        fields["after"] = words.number(word, 0, MAX_TOKENS) if words.skip("after") else _AFTER[word]


def _read_error(_word: str, words: _Words, fields: _Fields) -> None:
    words.skip("in")
    place = words.take()
    if place not in {"200", "stream"}:
        raise _unreadable(f"knows error-in-200 and error-in-stream, not 'error-in-{place[:40]}'")
    _read_breach(f"error-in-{place}", words, fields)


def _read_status(word: str, words: _Words, fields: _Fields) -> None:
    _set_breach(fields, word)
    fields["status"] = words.number(word, 400, 599)


def _read_retry(word: str, words: _Words, fields: _Fields) -> None:
    words.skip("after")
    fields["retry_after_s"] = words.number(word, 0, MAX_RETRY_AFTER_S)


def _read_no(_word: str, words: _Words, fields: _Fields) -> None:
    if words.take() != "usage":
        raise _unreadable(f"knows no-usage, not 'no-{words.last[:40]}'")
    fields["reports_usage"] = False


def _read_reasoning(word: str, words: _Words, fields: _Fields) -> None:
    given = words.has_number()
    fields["reasoning_tokens"] = (
        words.number(word, 1, MAX_TOKENS) if given else DEFAULT_REASONING_TOKENS
    )


def _read_fail(word: str, words: _Words, fields: _Fields) -> None:
    words.skip("n")
    fields["failing_calls"] = words.number(word, 0, MAX_FAILING_CALLS)


def _read_voice(word: str, _words: _Words, fields: _Fields) -> None:
    fields["voice"] = word


def _read_tokens(word: str, words: _Words, fields: _Fields) -> None:
    fields["tokens"] = words.number(word, 0, MAX_TOKENS)


def _read_duration(word: str, words: _Words, fields: _Fields) -> None:
    fields[f"{word}_ms"] = words.duration_ms(word)


def _read_flag(word: str, _words: _Words, fields: _Fields) -> None:
    fields[{"tool": "calls_tool", "filter": "is_filtered", "slow": "slow"}[word]] = True


_READERS: dict[str, Callable[[str, _Words, _Fields], None]] = {
    **dict.fromkeys(("echo", "lorem"), _read_voice),
    **dict.fromkeys(("tool", "filter", "slow"), _read_flag),
    **dict.fromkeys(("first", "delay"), _read_duration),
    **dict.fromkeys(("overflow", "garbage", "malformed", "stall", "cut", "close"), _read_breach),
    "tokens": _read_tokens,
    "reasoning": _read_reasoning,
    "no": _read_no,
    "status": _read_status,
    "retry": _read_retry,
    "error": _read_error,
    "fail": _read_fail,
}


def parse_scenario(text: str) -> Scenario:
    """The scenario that a model id describes, with or without `sim/`; Fault(INVALID_REQUEST) listing the grammar."""
    if len(text) > MAX_TEXT:
        raise _unreadable(f"reads {MAX_TEXT} characters at most")
    words = _Words(text.strip().lower().removeprefix("sim/"))
    if not words:
        raise _unreadable("found no word")
    fields: _Fields = {}
    while words:
        word = words.take()
        reader = _READERS.get(word)
        if reader is None:
            raise _unreadable(f"does not know the word '{word[:40]}'")
        reader(word, words, fields)
    return _scenario(fields)


def _scenario(fields: _Fields) -> Scenario:
    if fields.pop("slow", False):
        fields = {"first_ms": SLOW_FIRST_MS, "delay_ms": SLOW_DELAY_MS, **fields}
    if "failing_calls" in fields:
        fields.setdefault("breach", "status")
    if "retry_after_s" in fields and fields.get("breach") != "status":
        raise _unreadable("takes 'retry' together with 'status' (or 'fail') only")
    return msgspec.convert(fields, Scenario)
