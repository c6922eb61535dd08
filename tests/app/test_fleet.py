"""Upstreams as they are now: opened, asked for their models, kept over a reload."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from kilo_gateway.app.fleet import Fleet
from kilo_gateway.app.home import CachedList
from kilo_gateway.catalog.source import Listed
from kilo_gateway.config.compile import UpstreamPlan, configured_plans
from kilo_gateway.config.schema import Settings, UpstreamSettings
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.dialer import Dialer
from tests.scripted import ReadRequest, Repeat, Send, serve
from tests.talk import free_port, replying, whole

MODELS = {"object": "list", "data": [{"id": "small"}, {"id": "large"}]}


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def make(lines: list[str]):
    def make_fleet(cached: dict[str, CachedList] | None = None) -> Fleet:
        clock = SystemClock()
        return Fleet(Dialer({}), clock, Log(lines.append, clock), cached or {})

    return make_fleet


def plans(*rows: dict[str, object]) -> Sequence[UpstreamPlan]:
    upstreams = tuple(UpstreamSettings(**row) for row in rows)
    return configured_plans(Settings(upstreams=upstreams), {}, Path())


def row(name: str, port: int, **more: object) -> dict[str, object]:
    return {"name": name, "base_url": f"http://127.0.0.1:{port}/v1"} | more


async def _close(fleet: Fleet) -> None:
    for member in fleet.members.values():
        await member.upstream.pool.close()


async def test_models_are_asked_for_and_a_second_time_changes_nothing(make) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(plans(row("a", server.port)))
        assert await fleet.refresh()
        assert not await fleet.refresh()
        listed = fleet.members["a"].listed
        assert server.requests[0].line == b"GET /v1/models HTTP/1.1"
        await _close(fleet)
    assert [model.id for model in listed] == ["small", "large"]


async def test_named_models_are_not_asked_for(make) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(plans(row("a", server.port, models=("mine",))))
        assert not await fleet.refresh()
        assert not server.requests
        source = fleet.members["a"].source()
        await _close(fleet)
    assert [model.id for model in source.listed] == ["mine"]


async def test_an_upstream_that_is_away_keeps_its_last_list_and_is_told_once(
    make, lines: list[str]
) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(plans(row("a", server.port)))
        await fleet.refresh()
    for _ in range(3):
        assert not await fleet.refresh()
    assert len(fleet.members["a"].listed) == 2
    await _close(fleet)
    fleet._log.flush()
    told = "".join(lines)
    assert told.count("models not listed") == 1
    assert "the last 2" in told


async def test_one_that_is_away_does_not_hold_up_the_others(make) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(plans(row("gone", free_port()), row("a", server.port)))
        assert await fleet.refresh()
        assert fleet.members["gone"].listed is None
        assert fleet.members["a"].listed
        await _close(fleet)


async def test_only_the_named_ones_are_asked(make) -> None:
    async with replying(whole(MODELS)) as one, replying(whole(MODELS)) as other:
        fleet = make()
        fleet.set(plans(row("a", one.port), row("b", other.port)))
        await fleet.refresh(["b"])
        assert (len(one.requests), len(other.requests)) == (0, 1)
        await _close(fleet)


async def test_an_unchanged_upstream_stays_and_a_changed_one_is_replaced(make) -> None:
    async with serve([Repeat([ReadRequest(), Send(whole(MODELS))])]) as server:
        fleet = make()
        fleet.set(plans(row("a", server.port), row("b", server.port), row("c", server.port)))
        await fleet.refresh()
        before = dict(fleet.upstreams)
        left = fleet.set(plans(row("a", server.port), row("b", server.port, weight=2)))
        assert fleet.upstreams["a"] is before["a"]
        assert fleet.upstreams["b"] is not before["b"]
        assert left == [before["b"], before["c"]]
        assert fleet.members["b"].listed == fleet.members["a"].listed  # known of the same server
        for upstream in left:
            await upstream.pool.close()
        await _close(fleet)


async def test_calls_keep_the_table_that_they_started_with(make) -> None:
    fleet = make()
    fleet.set(plans(row("a", 1)))
    table = fleet.upstreams
    fleet.set(plans(row("b", 2)))
    assert list(table) == ["a"]
    assert list(fleet.upstreams) == ["b"]


async def test_of_two_plans_of_one_name_the_first_holds(make) -> None:
    fleet = make()
    fleet.set([*plans(row("a", 1)), *plans(row("a", 2))])
    assert fleet.members["a"].plan.target.port == 1


async def test_a_cached_list_is_used_for_the_same_server_only(make) -> None:
    listed = (Listed(id="kept"),)
    fleet = make({"a": CachedList("http://127.0.0.1:1/v1", listed)})
    fleet.set(plans(row("a", 1)))
    assert fleet.members["a"].listed == listed
    fleet.set(plans(row("a", 2)))
    assert fleet.members["a"].listed is None


async def test_the_cache_holds_what_was_listed(make) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(
            plans(row("a", server.port), row("b", server.port, models=("x",)), row("gone", 1))
        )
        await fleet.refresh()
        cached = msgspec.msgpack.decode(fleet.cache(), type=dict[str, CachedList])
        await _close(fleet)
    assert cached.keys() == {"a"}
    assert cached["a"].origin == f"http://127.0.0.1:{server.port}/v1"


async def test_connections_are_counted_for_the_metrics(make) -> None:
    async with replying(whole(MODELS)) as server:
        fleet = make()
        fleet.set(plans(row("a", server.port)))
        await fleet.refresh()
        assert fleet.connections() == {"a open": 1, "a idle": 1, "a waiting": 0}
        await _close(fleet)


async def test_an_upstream_that_cannot_be_used_is_left_out_and_told_once(lines: list[str]) -> None:
    clock = SystemClock()
    environ = {"HTTPS_PROXY": "socks5://user:hidden@127.0.0.1:1080"}
    log = Log(lines.append, clock)
    fleet = Fleet(Dialer(environ), clock, log, {})
    rows = plans(row("a", 9), {"name": "far", "base_url": "https://far.example/v1"}, row("b", 9))
    for _ in range(2):
        fleet.set(rows)
    assert list(fleet.members) == list(fleet.upstreams) == ["a", "b"]
    await _close(fleet)
    log.flush()
    told = "".join(lines)
    assert told.count("upstream left out") == 1
    assert "far" in told
    assert "socks5://" in told
    assert "hidden" not in told
