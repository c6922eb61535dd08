"""What an ended attempt leaves behind: entry, health, metrics, log line."""

import itertools
from types import SimpleNamespace

import msgspec
import pytest

from kilo_gateway.core.call import Call, Hints
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.money import FREE, Price
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.ledger.journal import Journal
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.health import BreakerRule, Health
from kilo_gateway.telemetry.log import Log
from kilo_gateway.telemetry.metrics import Metrics
from tests.clocks import StillClock

USD = 10**9
PRICE = Price(input=2 * USD, output=10 * USD, source="config", since="2026-01-01")
GRANT = Grant("k1", "ann")
MAY_HAVE_COST = {
    Kind.UPSTREAM_DISCONNECT,
    Kind.UPSTREAM_TIMEOUT,
    Kind.UPSTREAM_GARBAGE,
    Kind.CLIENT_DISCONNECT,
    Kind.DRAINING,
}
OVER = [Kind.CLIENT_DISCONNECT, Kind.DRAINING]


@pytest.fixture
def rig(tmp_path):
    clock, lines = StillClock(1000.0), []
    numbers = itertools.count(1)
    journal = Journal(tmp_path, clock=clock)
    books = Books(
        journal=journal,
        health=Health(BreakerRule(failures=1)),
        metrics=Metrics(),
        log=Log(lines.append, clock, form="json"),
        clock=clock,
        new_id=lambda: f"{next(numbers):026d}",
    )
    yield SimpleNamespace(books=books, clock=clock, journal=journal, lines=lines)
    journal.shut()


def make_call(**changes):
    call = Call("req_1", "openai_chat", "chat", "small", {}, 400, True, 999.5, 999.5)
    return msgspec.structs.replace(call, **changes)


def run(
    rig,
    *,
    fault=None,
    told=None,
    price=PRICE,
    call=None,
    first_byte=1000.2,
    ended=1002.0,
    is_sent=True,
):
    """One attempt from its opening to its settlement; gives the entry as the ledger will read it."""
    call = call or make_call()
    deployment = Deployment("openai", "openai/gpt-5", "gpt-5", "openai_chat", price=price)
    rig.clock.now = 1000.0
    attempt = rig.books.open(call, GRANT, 1, deployment)
    attempt.is_sent = is_sent
    attempt.first_byte, attempt.fault, attempt.status = first_byte, fault, 200
    rig.clock.now = ended
    for name, value in (told or {}).items():
        setattr(attempt, name, value)
    rig.books.settle(call, attempt)
    [entry] = rig.journal.read_closed(10)
    rig.journal.acknowledge()
    return entry


def fault_of(kind, **facts):
    return Fault(kind, "public words", detail="private words", **facts)


def test_an_attempt_is_in_the_journal_before_anything_is_sent(rig):
    rig.books.open(make_call(), GRANT, 1, Deployment("a", "m", "m", "openai_chat"))
    assert (rig.journal.open_count, rig.journal.waiting) == (1, 0)


def test_an_answer_leaves_its_usage_cost_and_times(rig):
    usage = Usage(1000, 100, raw=b"{}")
    entry = run(rig, told={"usage": usage, "finish_reason": "stop", "upstream_request_id": "r1"})
    assert (entry.outcome, entry.status, entry.has_error) == ("ok", 200, False)
    assert (entry.usage, entry.cost_nanodollars) == (usage, 3_000_000)
    assert (entry.price_source, entry.price_since) == ("config", "2026-01-01")
    assert (entry.first_byte_ms, entry.duration_ms) == (200, 2000)
    assert (entry.finish_reason, entry.upstream_request_id) == ("stop", "r1")


def test_a_stream_tells_how_fast_the_model_speaks(rig):
    run(rig, told={"usage": Usage(10, 90), "streamed_tokens": 80})  # from 1000.2 to 1002.0
    assert rig.books.health.averages("openai/gpt-5").tokens_per_s == 50.0


def test_a_stream_that_told_no_usage_is_measured_by_what_came_through(rig):
    run(rig, told={"streamed_tokens": 36})
    assert rig.books.health.averages("openai/gpt-5").tokens_per_s == 20.0


def test_a_whole_answer_tells_no_speed(rig):
    run(rig, told={"usage": Usage(10, 90)})
    assert rig.books.health.averages("openai/gpt-5").tokens_per_s is None


def test_a_conversation_is_remembered_where_it_was_answered(rig):
    call = make_call(conversation="talk")
    run(rig, call=call, told={"usage": Usage(500, 9, cache_read_tokens=400)})
    [warm] = rig.books.affinity.warm("talk", 1002.0)
    assert (warm.deployment_id, warm.tokens, warm.at) == ("openai/gpt-5", 500, 1002.0)
    assert warm.was_read


def test_without_usage_its_size_is_guessed(rig):
    run(rig, call=make_call(conversation="talk"))  # of 400 bytes
    assert rig.books.affinity.warm("talk", 1002.0)[0].tokens == 100


def test_it_is_not_remembered_where_it_failed(rig):
    run(rig, call=make_call(conversation="talk"), fault=fault_of(Kind.UPSTREAM_ERROR))
    assert rig.books.affinity.warm("talk", 1002.0) == ()


@pytest.mark.parametrize("fault", [None, Kind.UPSTREAM_ERROR, *OVER])
def test_what_has_ended_is_no_longer_in_flight(rig, fault):
    run(rig, fault=fault and fault_of(fault))
    assert rig.books.health.in_flight("openai/gpt-5") == 0


def test_the_entry_knows_who_asked_what_and_why(rig):
    hints = Hints("cli", "task-1", "msg-1", "plan", "proj", 4.065003, "vim", "m1")
    opening = run(rig, call=make_call(hints=hints, model="kilo/auto")).opening
    about = opening.about
    assert (opening.call_id, about.key_id, about.owner) == ("req_1", "k1", "ann")
    assert (about.requested_model, about.model) == ("kilo/auto", "openai/gpt-5")
    assert (about.upstream, about.upstream_model) == ("openai", "gpt-5")
    assert (about.is_streamed, opening.estimated_input_tokens) == (True, 100)
    told = msgspec.structs.asdict(opening) | msgspec.structs.asdict(about)
    assert msgspec.structs.asdict(hints).items() <= told.items()


def test_attempts_of_one_kind_are_told_by_one_attribution_others_by_theirs(rig, monkeypatch):
    monkeypatch.setattr("kilo_gateway.relay.settle._KEPT", 2)
    asked = ["a", "a", "b", "c", "d", "a"]
    seen = [run(rig, call=make_call(model=model)).opening for model in asked]
    assert [opening.about.requested_model for opening in seen] == asked
    assert seen[0].attribution == seen[-1].attribution
    assert len(rig.books._attributions) <= 2


def test_an_answer_that_told_no_usage_has_an_unknown_cost(rig):
    entry = run(rig)
    assert entry.usage == UNKNOWN_USAGE
    assert entry.cost_nanodollars is None


def test_an_answer_that_costs_nothing_costs_zero(rig):
    assert run(rig, price=FREE, told={"usage": Usage(5, 5)}).cost_nanodollars == 0


def test_without_a_price_the_cost_is_what_the_upstream_said_or_unknown(rig):
    told = {"usage": Usage(5, 5, cost_nanodollars=77)}
    assert run(rig, price=None, told=told).cost_nanodollars == 77
    assert run(rig, price=None, told={"usage": Usage(5, 5)}).cost_nanodollars is None


@pytest.mark.parametrize("kind", list(Kind))
def test_a_fault_before_the_model_worked_costs_zero_and_another_is_estimated(rig, kind):
    may_have_cost = kind in MAY_HAVE_COST
    first_byte = 1000.2 if may_have_cost else None
    told = {"streamed_tokens": 40 if may_have_cost else None}
    entry = run(rig, fault=fault_of(kind), told=told, first_byte=first_byte)
    if may_have_cost:
        assert entry.usage == Usage(100, 40, source="estimated")
        assert entry.cost_nanodollars == 100 * 2000 + 40 * 10_000
    else:
        assert entry.usage == UNKNOWN_USAGE
        assert entry.cost_nanodollars == 0
    assert (entry.outcome, entry.has_error) == (kind.value, True)


def test_an_estimate_of_a_model_without_price_is_unknown_not_zero(rig):
    assert run(rig, fault=fault_of(Kind.CLIENT_DISCONNECT), price=None).cost_nanodollars is None


@pytest.mark.parametrize("kind", sorted(MAY_HAVE_COST))
def test_what_was_told_before_the_fault_is_not_estimated_anew(rig, kind):
    told = Usage(7, 3)
    entry = run(rig, fault=fault_of(kind), told={"usage": told, "streamed_tokens": 40})
    assert entry.usage == told


@pytest.mark.parametrize(
    ("finish_reason", "has_error"),
    # case L28
    [
        ("length", True),
        ("stop", False),
        ("tool_calls", False),
        ("content_filter", True),
        ("somethingNew", False),
        (None, False),
        ("error", True),
        ("refusal", True),
    ],
)
def test_an_answer_that_was_cut_or_refused_has_an_error(rig, finish_reason, has_error):
    assert (
        run(rig, told={"usage": Usage(1, 1), "finish_reason": finish_reason}).has_error is has_error
    )


def test_an_answer_keeps_its_deployment_healthy(rig):
    run(rig, told={"usage": Usage(1, 1)})
    assert rig.books.health.average_first_byte_s("openai/gpt-5") == pytest.approx(0.2)


def test_a_failure_of_the_upstream_opens_its_breaker_with_a_warning(rig):
    run(rig, fault=fault_of(Kind.UPSTREAM_ERROR))
    assert rig.books.health.state("openai/gpt-5", 1002.0) == "open"
    assert rig.books.metrics.breaker_openings["openai/gpt-5"] == 1
    rig.books.log.flush()
    assert '"event":"breaker opened"' in rig.lines[0]


@pytest.mark.parametrize("kind", OVER)
def test_a_client_that_leaves_tells_nothing_of_the_upstream(rig, kind):
    run(rig, fault=fault_of(kind))
    assert rig.books.health.state("openai/gpt-5", 1002.0) == "closed"
    assert rig.books.health.average_first_byte_s("openai/gpt-5") is None


def test_metrics_count_outcome_tokens_and_cost(rig):
    run(rig, told={"usage": Usage(1000, 100)})
    run(rig, fault=fault_of(Kind.UPSTREAM_TIMEOUT), price=None, first_byte=None)
    series = rig.books.metrics.series["chat", "openai/gpt-5", "openai"]
    assert series.outcomes == {"ok": 1, "timeout": 1}
    assert (series.cost_nanodollars, series.unpriced) == (3_000_000, 1)
    assert (sum(series.duration.counts), sum(series.first_byte.counts)) == (2, 1)
    assert series.duration.total == 4.0


def test_the_log_line_tells_the_facts_and_the_private_detail(rig):
    run(rig, fault=fault_of(Kind.UPSTREAM_TIMEOUT))
    rig.books.log.flush()
    line = msgspec.json.decode(rig.lines[0].splitlines()[-1])
    expected = {"level": "warning", "event": "attempt", "call": "req_1", "key": "k1"}
    assert expected.items() <= line.items()
    assert (line["outcome"], line["detail"]) == ("timeout", "private words")


def test_calls_are_not_logged_when_that_is_switched_off(rig):
    rig.books.logs_calls = False
    run(rig)
    rig.books.log.flush()
    assert rig.lines == []


def test_a_clock_that_stood_still_gives_no_negative_times(rig):
    entry = run(rig, first_byte=1000.0, ended=1000.0)
    assert (entry.first_byte_ms, entry.duration_ms) == (0, 0)


def test_what_never_left_costs_nothing(rig):
    fault = Fault(Kind.CLIENT_DISCONNECT, "left while it waited for a connection")
    entry = run(rig, fault=fault, first_byte=None, is_sent=False)
    assert (entry.cost_nanodollars, entry.usage.is_known) == (0, False)


def test_what_ends_is_written_up_a_moment_later_and_together(rig):
    asked = []
    rig.books.later = asked.append
    deployment = Deployment("openai", "openai/gpt-5", "gpt-5", "openai_chat", price=PRICE)
    for _ in range(3):
        rig.books.settle(make_call(), rig.books.open(make_call(), GRANT, 1, deployment))
    assert (rig.journal.open_count, len(asked)) == (3, 1)
    asked[0]()
    assert (rig.journal.open_count, rig.journal.waiting) == (0, 3)
    rig.books.settle(make_call(), rig.books.open(make_call(), GRANT, 1, deployment))
    assert len(asked) == 2


def test_health_is_told_at_once(rig):
    rig.books.later = lambda _work: None
    deployment = Deployment("openai", "openai/gpt-5", "gpt-5", "openai_chat", price=PRICE)
    attempt = rig.books.open(make_call(), GRANT, 1, deployment)
    attempt.fault = fault_of(Kind.UPSTREAM_ERROR)
    rig.books.settle(make_call(), attempt)
    assert rig.books.health.state("openai/gpt-5", 1000.0) == "open"


def test_an_attempt_that_cannot_be_written_up_does_not_keep_the_others(rig):
    deployment = Deployment("openai", "openai/gpt-5", "gpt-5", "openai_chat", price=PRICE)
    rig.books.later = lambda _work: None
    lost, kept = (rig.books.open(make_call(), GRANT, 1, deployment) for _ in range(2))
    for attempt in (lost, lost, kept):  # the second settlement of the first one is a mistake
        rig.books.settle(make_call(), attempt)
    rig.books.write_up()
    assert [entry.opening for entry in rig.journal.read_closed(10)] == [lost.opening, kept.opening]
    rig.books.log.flush()
    assert "attempt not written up" in "".join(rig.lines)
