"""The machine's clock: wall time is real, monotonic time does not run backwards."""

from datetime import UTC, datetime

import pytest

from kilo_gateway.core.clock import SystemClock


def test_wall_time_is_seconds_since_the_epoch():
    assert SystemClock().wall() == pytest.approx(datetime.now(UTC).timestamp(), abs=5)


def test_monotonic_time_does_not_run_backwards():
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
