"""When another attempt is made, when none, and when an upstream is left alone."""

import asyncio
from pathlib import Path
from time import monotonic

from tests.gateways import in_loop
from tests.scripted import Close, ReadRequest, Repeat, Send, Set, UntilGone, Wait, serve
from tests.talk import Client, ask, chat, outcomes, replying, upstream, whole

ERROR = {"error": {"message": "account acct-4711 is broken", "type": "server_error"}}
LIMITED = {"error": {"message": "slow down", "type": "rate_limit_error", "code": 429}}


async def test_a_retry_after_within_the_limit_is_waited_for(tmp_path: Path) -> None:
    limited = whole(LIMITED, 429, {"retry-after-ms": "200"})
    script = [ReadRequest(), Send(limited), ReadRequest(), Send(whole()), UntilGone()]
    async with (
        serve(script) as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
    ):
        began = monotonic()
        answer = await ask(gateway, chat(), call="call-1")
        assert monotonic() - began >= 0.2
    assert answer.status == 200
    assert answer.headers["x-kilo-attempts"] == "2"
    assert outcomes(tmp_path, "call-1") == [("a", "rate_limit_exceeded"), ("a", "ok")]


async def test_a_retry_after_beyond_the_limit_is_told_to_the_client(tmp_path: Path) -> None:
    script = [ReadRequest(), Send(whole(LIMITED, 429, {"retry-after": "30"})), UntilGone()]
    async with serve(script) as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        began = monotonic()
        answer = await ask(gateway, chat())
        assert monotonic() - began < 5
        assert len(server.requests) == 1
    assert (answer.status, answer.headers["retry-after"]) == (429, "30")
    assert answer.headers["retry-after-ms"] == "30000"


async def test_one_that_asked_to_be_left_alone_is_asked_after_the_others(tmp_path: Path) -> None:
    limited = whole(LIMITED, 429, {"retry-after": "30"})
    async with (
        replying(limited) as first,
        replying(whole()) as second,
        in_loop(tmp_path, upstream("a", first, 1) + upstream("b", second, 2)) as gateway,
    ):
        attempts = [(await ask(gateway, chat())).headers["x-kilo-attempts"] for _ in range(3)]
        assert attempts == ["2", "1", "1"]
        assert len(first.requests) == 1


async def test_a_limit_without_retry_after_is_tried_again_after_a_moment(tmp_path: Path) -> None:
    script = [
        ReadRequest(),
        Send(whole(LIMITED, 429)),
        ReadRequest(),
        Send(whole()),
        UntilGone(),
    ]
    async with serve(script) as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        answer = await ask(gateway, chat())
    assert (answer.status, answer.headers["x-kilo-attempts"]) == (200, "2")


async def test_attempts_end_at_their_limit(tmp_path: Path) -> None:
    limits = "[routing]\nmax_attempts = 2\n"
    async with (
        replying(whole(ERROR, 500)) as server,
        in_loop(tmp_path, limits + upstream("a", server)) as gateway,
    ):
        answer = await ask(gateway, chat(), call="call-1")
        assert len(server.requests) == 2
    assert answer.status == 502
    assert outcomes(tmp_path, "call-1") == [("a", "upstream_error")] * 2


async def test_a_rejected_request_is_not_tried_elsewhere(tmp_path: Path) -> None:
    rejection = {"error": {"message": "temperature must be below 2", "param": "temperature"}}
    async with (
        replying(whole(rejection, 400)) as first,
        replying(whole()) as second,
        in_loop(tmp_path, upstream("a", first, 1) + upstream("b", second, 2)) as gateway,
    ):
        answer = await ask(gateway, chat())
        assert not second.requests
    assert answer.status == 400
    assert answer.json()["error"]["message"] == "temperature must be below 2"


async def test_the_breaker_opens_and_a_probe_closes_it_again(tmp_path: Path) -> None:
    breaker = "[routing]\nmax_attempts = 1\nbreaker_failures = 3\nbreaker_open_s = 0.3\n"
    failing = [ReadRequest(), Send(whole(ERROR, 500, {"connection": "close"})), Close()]
    healthy = [Repeat([ReadRequest(), Send(whole())])]
    async with (
        serve(failing, failing, failing, healthy) as server,
        in_loop(tmp_path, breaker + upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        statuses = [(await client.ask(chat())).status for _ in range(3)]
        turned_away = await client.ask(chat())
        assert len(server.requests) == 3
        assert statuses == [502, 502, 502]
        assert turned_away.status == 503
        assert turned_away.headers["retry-after"] == "1"
        async with asyncio.timeout(5):
            while (await client.ask(chat())).status != 200:
                await asyncio.sleep(0.01)
        assert (await client.ask(chat())).status == 200
        assert len(server.requests) == 5
        log = "".join(gateway.log)
    assert log.count("breaker opened") == 1


async def test_half_open_lets_one_call_through_at_a_time(tmp_path: Path) -> None:
    breaker = "[routing]\nmax_attempts = 1\nbreaker_failures = 1\nbreaker_open_s = 0.2\n"
    probing, release = asyncio.Event(), asyncio.Event()
    failing = [ReadRequest(), Send(whole(ERROR, 500, {"connection": "close"})), Close()]
    probed = [ReadRequest(), Set(probing), Wait(release), Send(whole()), UntilGone()]
    async with (
        serve(failing, probed) as server,
        in_loop(tmp_path, breaker + upstream("a", server)) as gateway,
    ):
        await ask(gateway, chat())

        async def until_answered() -> None:
            while (await ask(gateway, chat())).status != 200:
                await asyncio.sleep(0.01)

        probe = asyncio.ensure_future(until_answered())
        await asyncio.wait_for(probing.wait(), 5)
        assert (await ask(gateway, chat())).status == 503
        release.set()
        await asyncio.wait_for(probe, 5)
        assert len(server.requests) == 2
