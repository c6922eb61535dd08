"""Table I of the cases: who is asked, in which order, and what is raised when nobody answers."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from genesis.config.schema import Auth, Cooldowns
from genesis.core.fault import AuthMissingError, ConfigError, GenesisError, ProviderError
from genesis.core.refs import ModelRef
from genesis.failover.bench import Bench
from genesis.failover.chain import FailoverError, candidates, run
from genesis.failover.state import AuthStateFile


def ref(text: str) -> ModelRef:
    provider, _, model = text.partition("/")
    return ModelRef(provider, model)


def shown(refs: Iterable[ModelRef]) -> list[str]:
    return [f"{one.provider}/{one.model}" for one in refs]


class Answers:
    """Answers each attempt as told, and keeps what was asked."""

    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes = list(outcomes)
        self.asked: list[str] = []

    async def __call__(self, model: ModelRef, profile: str | None) -> str:
        self.asked.append(f"{model.provider}/{model.model}" + (f"@{profile}" if profile else ""))
        outcome = self.outcomes.pop(0) if self.outcomes else "fine"
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def failed(status: int | None = None, text: str = "") -> ProviderError:
    return ProviderError(text or f"HTTP {status}", status=status)


CHAIN = [ref("p/m"), ref("p2/m2")]


@pytest.mark.parametrize(
    ("requested", "primary", "fallbacks", "override", "expected"),
    [
        pytest.param("anthropic/haiku", "openai/x", ["anthropic/haiku", "openrouter/d"], None,
                     ["anthropic/haiku", "openrouter/d", "openai/x"], id="I5"),
        pytest.param(" OpenAI /x", "openai/x", ["a/b"], None, ["openai/x", "a/b"], id="I7"),
        pytest.param("a/b", "openai/x", ["c/d"], [], ["a/b"], id="I9"),
        pytest.param("openrouter/meta-llama/llama-3.3-70b:free", "openai/x", [], None,
                     ["openrouter/meta-llama/llama-3.3-70b:free", "openai/x"], id="I11"),
        pytest.param("", "openai/x", [], None, ["openai/x"], id="I16"),
        pytest.param("kilocode/kilo/auto", "kilocode/kilo/auto", ["kilocode/anthropic/claude-sonnet-4"], None,
                     ["kilocode/kilo/auto", "kilocode/anthropic/claude-sonnet-4"], id="I19"),
        pytest.param("a/b", "openai/x", ["c/d"], None, ["a/b", "openai/x"], id="another provider skips fallbacks"),
        pytest.param("openai/y", "openai/x", ["c/d"], None, ["openai/y", "c/d", "openai/x"], id="primary last"),
        pytest.param("openai/y", "openai/x", ["c/d"], ["e/f"], ["openai/y", "e/f"], id="override"),
    ],
)  # fmt: skip
def test_the_candidates_and_their_order(
    requested: str, primary: str, fallbacks: list[str], override: list[str] | None, expected: list[str]
) -> None:  # fmt: skip
    chosen = candidates(
        ref(requested) if requested else None,
        ref(primary),
        map(ref, fallbacks),
        None if override is None else map(ref, override),
    )
    assert shown(chosen) == expected


async def test_i2_an_error_that_nobody_knows_is_tried_elsewhere() -> None:
    answers = Answers(failed(None, "bad request"), failed(429), failed(500))
    with pytest.raises(FailoverError) as caught:
        await run([*CHAIN, ref("p3/m3")], answers)
    assert [one.reason for one in caught.value.attempts] == ["unknown", "rate_limit", "timeout"]


async def test_the_last_error_that_nobody_knows_is_raised_itself() -> None:
    last = failed(None, "bad request")
    with pytest.raises(ProviderError) as caught:
        await run(CHAIN, Answers(failed(429), last))
    assert caught.value is last


async def test_i11_a_timeout_goes_on() -> None:
    answers = Answers(ProviderError("x", code="ETIMEDOUT"))
    assert await run(CHAIN, answers) == "fine"
    assert answers.asked == ["p/m", "p2/m2"]


@pytest.mark.parametrize(
    ("text", "calls"), [("aborted", 1), ("Request was aborted", 2)], ids=["I12", "I13"]
)
async def test_only_the_users_own_abort_ends_the_chain(text: str, calls: int) -> None:
    answers = Answers(ProviderError(text, is_abort=True))
    try:
        await run(CHAIN, answers)
    except ProviderError:
        assert calls == 1
    assert len(answers.asked) == calls


async def test_i14_a_missing_model_is_told_with_who_answered() -> None:
    notices: list[str] = []
    chain = [ref("openai/gpt-6"), ref("p2/m2")]
    await run(chain, Answers(failed(None, "Model not found: openai/gpt-6")), notice=notices.append)
    assert notices == ['Model "openai/gpt-6" not found. Fell back to "p2/m2".']


async def test_a_notice_cannot_steer_the_terminal() -> None:
    notices: list[str] = []
    await run([ref("p/\x1b[2Jm"), ref("a/b")], Answers(failed(404)), notice=notices.append)
    assert notices == ['Model "p/[2Jm" not found. Fell back to "a/b".']


async def test_another_failure_is_told_with_its_reason() -> None:
    notices: list[str] = []
    await run(CHAIN, Answers(failed(429)), notice=notices.append)
    assert notices == ['Model "p/m" did not answer (a rate limit). Fell back to "p2/m2".']


async def test_i17_a_summary_names_every_attempt() -> None:
    answers = Answers(failed(429, "slow down"), failed(401, "no"))
    with pytest.raises(FailoverError) as caught:
        await run(CHAIN, answers)
    assert str(caught.value) == (
        "All models failed (2): p/m: slow down (rate_limit) | p2/m2: no (auth)"
    )
    assert caught.value.reason == "auth"


async def test_a_single_failure_is_raised_as_it_is() -> None:
    error = failed(429)
    with pytest.raises(ProviderError) as caught:
        await run([ref("p/m")], Answers(error))
    assert caught.value is error


@pytest.mark.parametrize(
    "error", [failed(400, "prompt is too long: 9 tokens > 8"), ConfigError("Invalid config at x")]
)
async def test_what_no_model_can_mend_ends_the_chain(error: GenesisError) -> None:
    answers = Answers(error)
    with pytest.raises(GenesisError) as caught:
        await run(CHAIN, answers)
    assert caught.value is error
    assert len(answers.asked) == 1


async def test_a_provider_without_a_key_is_passed_over() -> None:
    answers = Answers(AuthMissingError("No API key found", "p"), ConnectionRefusedError(111, "no"))
    with pytest.raises(FailoverError) as caught:
        await run(CHAIN, answers)
    assert [one.reason for one in caught.value.attempts] == ["auth", "timeout"]


async def test_an_empty_chain_says_what_to_do() -> None:
    with pytest.raises(GenesisError, match="genesis models set"):
        await run([], Answers())


class Key:
    """A stored profile as the order sees it."""

    def __init__(self, provider: str, kind: str = "api_key") -> None:
        self.provider = provider
        self.type = kind
        self.expires_ms: float | None = None


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, clock: Clock) -> Bench:
    stored = {
        "p:a": Key("p"),
        "p:b": Key("p"),
        "p:c": Key("p"),
        "kilocode:default": Key("kilocode"),
    }
    file = AuthStateFile(tmp_path / "auth-state.json")
    return Bench(file, lambda: stored, Auth(), clock=clock, exempt=frozenset({"kilocode"}))  # fmt: skip


async def test_a_rate_limit_tries_one_other_key_before_the_next_model(bench: Bench) -> None:
    answers = Answers(failed(429), failed(429))
    await run(CHAIN, answers, bench=bench)
    assert answers.asked == ["p/m@p:a", "p/m@p:b", "p2/m2"]


async def test_a_refused_key_lets_every_other_key_try(bench: Bench) -> None:
    answers = Answers(failed(401), failed(402, "no credits"))
    await run(CHAIN, answers, bench=bench)
    assert answers.asked == ["p/m@p:a", "p/m@p:b", "p/m@p:c"]


async def test_a_timeout_does_not_try_other_keys(bench: Bench) -> None:
    answers = Answers(failed(500))
    await run(CHAIN, answers, bench=bench)
    assert answers.asked == ["p/m@p:a", "p2/m2"]


async def test_a_resting_key_comes_last(bench: Bench) -> None:
    await run(CHAIN, Answers(failed(401)), bench=bench)
    answers = Answers()
    await run(CHAIN, answers, bench=bench)
    assert answers.asked[0] != "p/m@p:a"


async def bench_all(bench: Bench) -> None:
    for name in ("p:a", "p:b", "p:c"):
        bench.failed(name, "overloaded", "m")


async def test_a_provider_whose_keys_all_rest_is_probed_once_then_skipped(
    bench: Bench, clock: Clock
) -> None:
    await bench_all(bench)
    probe = Answers(failed(529))
    await run(CHAIN, probe, bench=bench)
    assert probe.asked == ["p/m@p:a", "p2/m2"]
    skipped = Answers(failed(500))
    with pytest.raises(FailoverError) as caught:
        await run(CHAIN, skipped, bench=bench)
    assert skipped.asked == ["p2/m2"]
    assert caught.value.attempts[0].error == (
        "Provider p is in cooldown (all profiles unavailable)"
    )
    assert caught.value.ready_in_s == pytest.approx(30)


async def test_a_sibling_of_a_resting_provider_is_tried_once(bench: Bench) -> None:
    await bench_all(bench)
    chain = [ref("p/m"), ref("p/m2"), ref("p/m3"), ref("q/x")]
    answers = Answers(failed(529), failed(529))
    await run(chain, answers, bench=bench)
    assert answers.asked == ["p/m@p:a", "p/m2@p:a", "q/x"]


async def test_refused_keys_skip_all_models_of_the_provider(bench: Bench) -> None:
    for name in ("p:a", "p:b", "p:c"):
        bench.failed(name, "auth", "m")
    with pytest.raises(FailoverError, match="Provider p has auth issue"):
        await run([ref("p/m"), ref("p/m2")], Answers(), bench=bench)


async def test_i19_and_j1_keys_of_kilocode_never_rest(bench: Bench, tmp_path: Path) -> None:
    chain = [ref("kilocode/kilo/auto"), ref("kilocode/anthropic/claude-sonnet-4")]
    for _ in range(3):
        answers = Answers(failed(429))
        await run(chain, answers, bench=bench)
        assert answers.asked == [
            "kilocode/kilo/auto@kilocode:default",
            "kilocode/anthropic/claude-sonnet-4@kilocode:default",
        ]
    assert b"cooldown" not in (tmp_path / "auth-state.json").read_bytes()


async def test_a_profile_that_was_named_is_the_only_one(bench: Bench) -> None:
    answers = Answers(failed(429))
    await run([ModelRef("p", "m", "p:b"), ref("q/x")], answers, bench=bench)
    assert answers.asked == ["p/m@p:b", "q/x"]


async def test_an_overload_may_wait_before_the_next_key(tmp_path: Path, clock: Clock) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    auth = Auth(cooldowns=Cooldowns(overloaded_backoff_ms=250))
    stored = {"p:a": Key("p"), "p:b": Key("p")}
    bench = Bench(
        AuthStateFile(tmp_path / "s.json"), lambda: stored, auth, clock=clock, exempt=frozenset()
    )
    assert await run([ref("p/m")], Answers(failed(529)), bench=bench, sleep=sleep) == "fine"
    assert waits == [0.25]
