"""How model ids are read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.local.scenario import Scenario, parse_scenario


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("echo", Scenario()),
        ("sim/echo", Scenario()),
        ("SIM/Echo", Scenario()),
        ("lorem", Scenario(voice="lorem")),
        ("echo-slow", Scenario(first_ms=500, delay_ms=50)),
        ("slow-first-2s", Scenario(first_ms=2_000, delay_ms=50)),
        ("first-2s-slow", Scenario(first_ms=2_000, delay_ms=50)),
        ("delay=1.5s", Scenario(delay_ms=1_500)),
        ("tokens-200-delay-10ms", Scenario(tokens=200, delay_ms=10)),
        ("tokens=50", Scenario(tokens=50)),
        ("status-503", Scenario(breach="status")),
        ("status=429,retry-after=3", Scenario(breach="status", status=429, retry_after_s=3)),
        ("status-429-retry-3", Scenario(breach="status", status=429, retry_after_s=3)),
        ("stall", Scenario(breach="stall")),
        ("stall-after-5", Scenario(breach="stall", after=5)),
        ("cut-after-5", Scenario(breach="cut", after=5)),
        ("close-after-1", Scenario(breach="close", after=1)),
        ("malformed", Scenario(breach="malformed", after=2)),
        ("garbage", Scenario(breach="garbage")),
        ("overflow", Scenario(breach="overflow")),
        ("error-in-200", Scenario(breach="error-in-200")),
        ("error-in-stream-after-4", Scenario(breach="error-in-stream", after=4)),
        ("tool", Scenario(calls_tool=True)),
        ("filter", Scenario(is_filtered=True)),
        ("no-usage", Scenario(reports_usage=False)),
        ("reasoning", Scenario(reasoning_tokens=16)),
        ("reasoning-5-tokens-9", Scenario(reasoning_tokens=5, tokens=9)),
        ("fail-n=2", Scenario(breach="status", failing_calls=2)),
        ("fail-2-cut", Scenario(breach="cut", failing_calls=2)),
        ("lorem+tokens:3+delay:1ms", Scenario(voice="lorem", tokens=3, delay_ms=1)),
    ],
)
def test_words_make_a_scenario(text: str, expected: Scenario) -> None:
    assert parse_scenario(text) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "found no word"),
        ("sim/", "found no word"),
        ("gpt-4", "does not know the word 'gpt'"),
        ("tokens", "misses what belongs to 'tokens'"),
        ("tokens-many", "whole number"),
        ("tokens-100001", "from 0 to 100000"),
        ("tokens-٣", "whole number"),
        ("status-200", "from 400 to 599"),
        ("delay-10", "duration such as 10ms"),
        ("delay-1.5ms", "duration such as 10ms"),
        ("first-601s", "waits 600s at most"),
        ("cut-stall", "one way only"),
        ("error-in-mind", "error-in-200 and error-in-stream"),
        ("no-sense", "no-usage"),
        ("cut-retry-3", "together with 'status'"),
        ("echo-" * 101, "500 characters"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_grammar(text: str, reason: str) -> None:
    with pytest.raises(Fault, match=reason) as caught:
        parse_scenario(text)
    assert caught.value.kind is Kind.INVALID_REQUEST
    assert "tokens-N" in caught.value.message


def test_without_breach_keeps_the_rest() -> None:
    scenario = parse_scenario("fail-2-tokens-7-status-500")
    assert scenario.without_breach().tokens == 7
    assert scenario.without_breach().breach is None


_COUNTS = st.integers(0, 1_000)
_BREACHES = st.one_of(
    st.just({}),
    st.sampled_from(["overflow", "garbage", "error-in-200"]).map(lambda word: {"breach": word}),
    st.fixed_dictionaries(
        {
            "breach": st.sampled_from(["error-in-stream", "malformed", "stall", "cut", "close"]),
            "after": _COUNTS,
            "failing_calls": st.none() | _COUNTS,
        }
    ),
    st.fixed_dictionaries(
        {
            "breach": st.just("status"),
            "status": st.integers(400, 599),
            "retry_after_s": st.none() | _COUNTS,
            "failing_calls": st.none() | _COUNTS,
        }
    ),
)
_SCENARIOS = st.builds(
    lambda breach, plain: Scenario(**breach, **plain),
    _BREACHES,
    st.fixed_dictionaries(
        {
            "voice": st.sampled_from(["echo", "lorem"]),
            "tokens": st.none() | _COUNTS,
            "reasoning_tokens": _COUNTS,
            "calls_tool": st.booleans(),
            "is_filtered": st.booleans(),
            "reports_usage": st.booleans(),
            "first_ms": st.integers(0, 600_000),
            "delay_ms": st.integers(0, 600_000),
        }
    ),
)


@given(_SCENARIOS)
def test_a_spelled_scenario_is_read_back(scenario: Scenario) -> None:
    assert parse_scenario(scenario.spelled()) == scenario


def _kind(text: str) -> Kind | None:
    try:
        parse_scenario(text)
    except Fault as fault:
        return fault.kind
    return None


@given(st.text(alphabet="echotkns-=:1230.m sau", max_size=40) | st.text(max_size=40))
def test_any_text_is_a_scenario_or_the_callers_fault(text: str) -> None:
    assert _kind(text) in {None, Kind.INVALID_REQUEST}
