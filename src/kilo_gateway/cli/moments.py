"""Moments as people write them: "30d", "12h", "2026-12-31", and back."""

import re
from datetime import UTC, datetime

_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SPAN = re.compile(r"(\d{1,6})([mhdw])")


def span_s(text: str) -> int | None:
    """Seconds of a span such as "30d" (m, h, d, w); None if the text is not one."""
    found = _SPAN.fullmatch(text.strip().lower())
    return int(found[1]) * _SECONDS[found[2]] if found else None


def moment(text: str) -> datetime | None:
    """A date ("2026-12-31": its first moment) or time of ISO 8601, UTC unless it says otherwise; None if neither."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)


def ahead(text: str, now: float) -> float | None:
    """Epoch seconds of a span from now on, or of a moment; None if the text is neither."""
    span = span_s(text)
    if span is not None:
        return now + span
    when = moment(text)
    return when.timestamp() if when else None


def back(text: str, now: float) -> float | None:
    """Epoch seconds of a span before now, or of a moment; None if the text is neither."""
    span = span_s(text)
    if span is not None:
        return now - span
    when = moment(text)
    return when.timestamp() if when else None


def day_text(epoch_s: float | None) -> str:
    """Epoch seconds as the day in UTC, "2026-12-31"."""
    return moment_text(epoch_s).partition(" ")[0]


def moment_text(epoch_s: float | None) -> str:
    """Epoch seconds as "2026-12-31 00:00 UTC"."""
    if epoch_s is None:
        return "never"
    return datetime.fromtimestamp(epoch_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def iso_text(epoch_s: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC, for programs."""
    if epoch_s is None:
        return None
    return datetime.fromtimestamp(int(epoch_s), UTC).isoformat().replace("+00:00", "Z")
