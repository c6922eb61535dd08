"""The running gateway: start, background work, and the end."""

import asyncio
import socket
from pathlib import Path

import pytest

from kilo_gateway.app.gateway import Gateway, Ready, Start
from kilo_gateway.app.home import Home
from kilo_gateway.config.load import load
from kilo_gateway.core.fault import Fault
from kilo_gateway.keys.secret import is_well_formed
from tests.gateways import in_loop
from tests.talk import Client, ask, chat, healthy, replying, upstream, whole


def _start(home: Path, *, port: int = 0, mints: bool = True) -> Start:
    loaded = load(None, {}, home=home)
    return Start(
        loaded=loaded,
        reload=lambda: loaded,
        environ={},
        home=Home(home),
        database_url=f"sqlite+aiosqlite:///{home / 'gateway.db'}",
        finds_upstreams=False,
        mints_first_key=mints,
        has_local_model=False,
        has_simulator=True,
        host="127.0.0.1",
        port=port,
    )


async def test_it_is_ready_with_a_key_a_port_and_its_upstreams(tmp_path: Path) -> None:
    said: list[Ready] = []
    gateway = Gateway(_start(tmp_path), lambda _lines: None)

    def on_ready(ready: Ready) -> None:
        said.append(ready)
        gateway.stop()

    await asyncio.wait_for(gateway.run(on_ready), 20)
    gateway.close()
    [ready] = said
    assert ready.first_key is not None
    assert is_well_formed(ready.first_key.key)
    assert (ready.host, ready.upstreams, ready.local_model_problem) == ("127.0.0.1", ("sim",), "")
    assert ready.port > 0


async def test_a_start_that_fails_gives_everything_back(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        failing = Gateway(_start(tmp_path, port=port), lambda _lines: None)
        with pytest.raises(OSError, match="in use"):
            await failing.run(lambda _ready: None)
        failing.close()
    again = Gateway(_start(tmp_path, port=port), lambda _lines: None)
    await asyncio.wait_for(again.run(lambda _ready: again.stop()), 20)
    again.close()


async def test_a_second_one_on_the_same_home_is_refused(tmp_path: Path) -> None:
    async with in_loop(tmp_path):
        second = Gateway(_start(tmp_path), lambda _lines: None)
        with pytest.raises(Fault, match="Another gateway"):
            await second.run(lambda _ready: None)
        second.close()


async def test_readiness_names_its_parts(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        async with asyncio.timeout(10):
            while (parts := (await client.get("/health/ready")).json()["parts"])[
                "ledger"
            ] != "stored":
                await asyncio.sleep(0.02)
    assert parts == {
        "keys": "from the store",
        "ledger": "stored",
        "upstreams": "1",
        "local model": "off",
    }


async def test_models_are_discovered_in_the_background_and_kept_for_the_next_start(
    tmp_path: Path,
) -> None:
    models = whole({"object": "list", "data": [{"id": "found"}]})
    async with replying(models) as server:
        config = upstream("a", server).replace('models = ["m"]\n', "")
        async with in_loop(tmp_path, config) as gateway, Client(gateway) as client:
            async with asyncio.timeout(10):
                while (await client.get("/v1/models/a/found")).status != 200:
                    await asyncio.sleep(0.02)
                while not Home(tmp_path).models.exists():
                    await asyncio.sleep(0.02)
    async with in_loop(tmp_path, config) as gateway, Client(gateway) as client:
        assert (await client.get("/v1/models/a/found")).status == 200


async def test_metrics_tell_of_calls_upstreams_and_the_ledger(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_loop(tmp_path, upstream("a", server)) as gateway,
    ):
        await ask(gateway, chat())
        await ask(gateway, chat("nothing"))
        async with Client(gateway) as client:
            answer = await client.get("/metrics")
    text = answer.body.decode()
    assert answer.headers["content-type"].startswith("text/plain")
    for part in (
        'outcome="ok"',
        'model="m"',
        "model_not_found",
        "kilo_gateway_upstream_connections",
        "kilo_gateway_ledger",
    ):
        assert part in text


async def test_metrics_can_be_switched_off(tmp_path: Path) -> None:
    config = "[telemetry]\nmetrics = false\n"
    async with in_loop(tmp_path, config) as gateway, Client(gateway) as client:
        assert (await client.get("/metrics")).status == 404


async def test_the_call_log_can_be_switched_off_and_be_json(tmp_path: Path) -> None:
    telemetry = '[telemetry]\nlog_format = "json"\ncall_log = {}\n'
    for wanted in ("true", "false"):
        async with (
            healthy() as server,
            in_loop(tmp_path, telemetry.format(wanted) + upstream("a", server)) as gateway,
        ):
            await ask(gateway, chat(), call="call-1")
        told = "".join(gateway.log)
        assert ("call-1" in told) is (wanted == "true")
        assert all(line.startswith("{") for line in told.splitlines())


async def test_it_can_be_stopped_twice_and_at_once(tmp_path: Path) -> None:
    gateway = Gateway(_start(tmp_path), lambda _lines: None)

    def stop_twice(_ready: Ready) -> None:
        gateway.stop()
        gateway.stop()

    await asyncio.wait_for(gateway.run(stop_twice), 20)
    gateway.close()
