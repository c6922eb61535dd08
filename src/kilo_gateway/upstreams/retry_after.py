"""How long an upstream asks us to wait, from whichever header or text it says it in."""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_S = 86_400.0

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
# OpenAI and Groq write "Please try again in 7m12.48s", Gemini writes "Please retry in 48.3s".
_IN_TEXT = re.compile(r"\b(?:try again|retry) in ((?:\d+(?:\.\d+)?(?:ms|s|m|h))+)")
# Pairs of what is left and when it is refilled (OpenAI, Groq, Azure; Cerebras; Anthropic).
_WINDOWS = (
    (b"x-ratelimit-remaining-requests", b"x-ratelimit-reset-requests"),
    (b"x-ratelimit-remaining-tokens", b"x-ratelimit-reset-tokens"),
    (b"x-ratelimit-remaining-requests-day", b"x-ratelimit-reset-requests-day"),
    (b"x-ratelimit-remaining-tokens-minute", b"x-ratelimit-reset-tokens-minute"),
    (b"anthropic-ratelimit-requests-remaining", b"anthropic-ratelimit-requests-reset"),
    (b"anthropic-ratelimit-input-tokens-remaining", b"anthropic-ratelimit-input-tokens-reset"),
    (b"anthropic-ratelimit-output-tokens-remaining", b"anthropic-ratelimit-output-tokens-reset"),
    (b"x-ratelimit-remaining", b"x-ratelimit-reset"),
)


def told_wait_s(headers: Mapping[bytes, bytes], *, now: float) -> float | None:
    """Seconds that Retry-After-Ms or Retry-After asks for; None if neither says anything readable."""
    millis = _number(_text(headers, b"retry-after-ms"))
    if millis:
        return _bounded(millis / 1_000)
    text = _text(headers, b"retry-after")
    seconds = _moment(text, now) if text else None
    if seconds is None and millis is not None:
        return 0.0
    return seconds


def limit_wait_s(headers: Mapping[bytes, bytes], *, now: float) -> float | None:
    """Seconds until the rate-limit windows of the headers are open again: the exhausted ones, else the longest."""
    waits: list[tuple[bool, float]] = []
    for left, reset in _WINDOWS:
        text = _text(headers, reset)
        seconds = _moment(text, now) if text else None
        if seconds is not None:
            waits.append((_text(headers, left) == "0", seconds))
    exhausted = [seconds for is_empty, seconds in waits if is_empty]
    return max(exhausted or (seconds for _, seconds in waits), default=None)


def text_wait_s(texts: Iterable[str]) -> float | None:
    """Seconds from durations such as Google's `retryDelay` ("48s") or a sentence "try again in 1m2s"."""
    for text in texts:
        whole = text.strip().lower()
        found = whole if _DURATION.fullmatch(whole) else None
        if found is None and (match := _IN_TEXT.search(whole)):
            found = match.group(1)
        if found is not None:
            return _duration(found)
    return None


def _text(headers: Mapping[bytes, bytes], name: bytes) -> str:
    return headers.get(name, b"")[:100].decode("latin-1").strip()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_S)


def _duration(text: str) -> float:
    return _bounded(sum(float(value) * _UNITS_S[unit] for value, unit in _PART.findall(text)))


def _moment(text: str, now: float) -> float | None:
    """Seconds from `now` for "12", "1m2s", an epoch in seconds or milliseconds, an HTTP date or an ISO date."""
    number = _number(text)
    if number is not None:
        if number > 1e11:
            number = number / 1_000 - now
        elif number > 1e9:
            number -= now
        return _bounded(number)
    if _DURATION.fullmatch(text.lower()):
        return _duration(text.lower())
    date = _date(text)
    return None if date is None else _bounded(date.timestamp() - now)


def _date(text: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            date = parse(text)
            return date if date.tzinfo else date.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            continue
    return None
