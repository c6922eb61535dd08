"""Moments are read and written as people do."""

import pytest

from kilo_gateway.cli.moments import ahead, back, day_text, iso_text, moment_text, span_s

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 2_592_000), ("12h", 43_200), ("5m", 300), ("2w", 1_209_600), (" 1D ", 86_400)],
)
def test_spans_are_counted_from_now(text: str, seconds: int) -> None:
    assert span_s(text) == seconds
    assert ahead(text, NOW) == NOW + seconds
    assert back(text, NOW) == NOW - seconds


@pytest.mark.parametrize(
    ("text", "epoch_s"),
    [
        ("2026-12-31", 1_798_675_200),
        ("2026-12-31T12:00", 1_798_718_400),
        ("2026-12-31T12:00+02:00", 1_798_711_200),
        ("2026-12-31T12:00Z", 1_798_718_400),
    ],
)
def test_dates_and_times_are_utc_unless_they_say_otherwise(text: str, epoch_s: int) -> None:
    assert ahead(text, NOW) == back(text, NOW) == epoch_s


@pytest.mark.parametrize("text", ["", "soon", "d", "1y", "-3d", "2026-13-01", "9999999d"])
def test_other_text_is_no_moment(text: str) -> None:
    assert ahead(text, NOW) is None
    assert back(text, NOW) is None


def test_moments_are_written_in_utc() -> None:
    assert moment_text(1_798_675_200) == "2026-12-31 00:00 UTC"
    assert day_text(1_798_675_200) == "2026-12-31"
    assert iso_text(1_798_675_200.9) == "2026-12-31T00:00:00Z"


def test_what_never_happens_is_written_so() -> None:
    assert moment_text(None) == day_text(None) == "never"
    assert iso_text(None) is None
