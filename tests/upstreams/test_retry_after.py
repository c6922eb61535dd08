"""Waiting times, however an upstream writes them."""

import pytest

from kilo_gateway.upstreams.retry_after import limit_wait_s, text_wait_s, told_wait_s

NOW = 1_792_567_600.0  # 2026-10-21 07:26:40 UTC


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({b"retry-after": b"7"}, 7.0),
        ({b"retry-after": b"0.5"}, 0.5),
        ({b"retry-after": b"-3"}, 0.0),
        ({b"retry-after": b"999999999999999999"}, 86_400.0),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:00 GMT"}, 80.0),
        ({b"retry-after": b"Wed, 21 Oct 2020 07:28:00 GMT"}, 0.0),
        ({b"retry-after-ms": b"250", b"retry-after": b"1"}, 0.25),
        ({b"retry-after-ms": b"0", b"retry-after": b"1"}, 1.0),  # azure.openai-chat.4fc55f4d
        ({b"retry-after-ms": b"0"}, 0.0),
    ],
)
def test_retry_after_is_read(headers, expected):
    assert told_wait_s(headers, now=NOW) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({b"x-ratelimit-reset-requests": b"6m0s"}, 360.0),
        (
            {
                b"x-ratelimit-remaining-requests": b"0",
                b"x-ratelimit-reset-requests": b"120ms",
                b"x-ratelimit-remaining-tokens": b"90",
                b"x-ratelimit-reset-tokens": b"20h",
            },
            0.12,
        ),
        ({b"x-ratelimit-reset-requests": b"1s", b"x-ratelimit-reset-tokens": b"7.66s"}, 7.66),
        ({b"x-ratelimit-reset": b"1792567610000"}, 10.0),
        ({b"x-ratelimit-reset": b"1792567605"}, 5.0),
        ({b"anthropic-ratelimit-requests-reset": b"2026-10-21T07:27:00Z"}, 20.0),
    ],
)
def test_rate_limit_windows_are_read(headers, expected):
    assert limit_wait_s(headers, now=NOW) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["48s"], 48.0),
        (["Rate limit reached. Please try again in 7m12.48s. Visit"], 432.48),
        (["Please retry in 48.39s."], 48.39),
        (["", "nothing here", "1.5s"], 1.5),
        (["in 5 apples"], None),
        ([], None),
    ],
)
def test_durations_in_text_are_read(texts, expected):
    assert text_wait_s(texts) == expected
