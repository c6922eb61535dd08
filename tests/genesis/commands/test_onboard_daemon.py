"""The daemon has to answer within its time; the clock is the test's."""

import pytest

from genesis.commands.onboard_daemon import wait_for
from genesis.core.fault import GenesisError

URL = "ws://127.0.0.1:18789"


class Clock:
    def __init__(self):
        self.now = 0.0

    def sleep(self, seconds):
        self.now += seconds


def wait(clock, answers):
    wait_for(answers, URL, clock=lambda: clock.now, sleep=clock.sleep)


def test_it_waits_until_the_daemon_answers():
    clock = Clock()
    wait(clock, lambda: clock.now >= 3)
    assert clock.now == 3


def test_one_that_does_not_answer_is_told():
    clock = Clock()
    with pytest.raises(GenesisError, match=f"^Gateway did not become reachable at {URL}\n"):
        wait(clock, lambda: False)
    assert clock.now == 45
