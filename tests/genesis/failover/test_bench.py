"""Bench: who may play, who rests, who was tried when; what it notes is in the file at once."""

from pathlib import Path

import pytest

from genesis.config.schema import Auth
from genesis.failover.bench import Bench, Standing
from genesis.failover.state import AuthStateFile

T0 = 1_700_000_000.0


class Key:
    """A stored profile as the order sees it."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.type = "api_key"
        self.expires_ms: float | None = None


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> AuthStateFile:
    return AuthStateFile(tmp_path / "auth-state.json")


@pytest.fixture
def bench(file: AuthStateFile, clock: Clock) -> Bench:
    stored = {"p:a": Key("p"), "p:b": Key("p"), "kilocode:default": Key("kilocode")}
    return Bench(file, lambda: stored, Auth(), clock=clock, exempt=frozenset({"kilocode"}))


def test_a_provider_without_stored_keys_is_not_benched(bench: Bench) -> None:
    assert bench.standing("q", "m") == Standing()
    assert not bench.standing("q", "m").is_benched


def test_a_rate_limit_rests_the_key_for_its_model_only(bench: Bench) -> None:
    bench.failed("p:a", "rate_limit", "m1")
    assert bench.standing("p", "m1").ready == ("p:b",)
    assert bench.standing("p", "m2").ready == ("p:a", "p:b")


def test_when_all_rest_the_soonest_end_tells(bench: Bench, clock: Clock) -> None:
    bench.failed("p:a", "auth", "m")
    clock.now += 5
    bench.failed("p:b", "overloaded", "m")
    standing = bench.standing("p", "m")
    assert standing.is_benched
    assert (standing.reason, standing.until) == ("auth", (T0 + 30) * 1000)
    clock.now = T0 + 30
    assert bench.standing("p", "m").ready == ("p:a",)


def test_success_is_noted_with_its_time(bench: Bench, file: AuthStateFile) -> None:
    bench.failed("p:a", "billing", "m")
    bench.succeeded("p:a")
    stats = file.load().usage_stats["p:a"]
    assert (stats.last_used, stats.disabled_until) == (T0 * 1000, None)
    assert bench.order("p") == ["p:b", "p:a"]


def test_nothing_is_noted_of_an_exempt_or_unknown_key(bench: Bench, file: AuthStateFile) -> None:
    bench.failed("kilocode:default", "billing", "m")
    bench.failed("gone", "billing", "m")
    assert file.load().usage_stats == {}


@pytest.mark.parametrize(
    ("waited_s", "left_ms", "expected"),
    [(0, 60_000, False), (29, 60_000, False), (30, 60_000, True), (30, 120_001, False)],
)
def test_a_resting_provider_is_probed_seldom_and_near_its_end(
    bench: Bench, clock: Clock, waited_s: int, left_ms: int, expected: bool
) -> None:
    assert bench.may_probe("p", bench.now() + 60_000)
    clock.now += waited_s
    assert bench.may_probe("p", bench.now() + left_ms) is expected
