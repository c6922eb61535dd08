"""What survives: `kill -9`, a database that is away, a second gateway on the same home."""

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.gateways import in_loop, process, wait_for_entries
from tests.scripted import ReadRequest, Send, Stall, serve
from tests.talk import Client, ask, chat, delta, healthy, in_thread, stream_head, upstream

DONE_CALLS, OPEN_CALLS = 12, 3


async def test_after_kill_9_every_attempt_is_in_the_ledger_once(tmp_path: Path) -> None:
    hanging = [ReadRequest(), Send(stream_head() + delta("Hello")), Stall()]
    async with contextlib.AsyncExitStack() as stack:
        good = await stack.enter_async_context(healthy())
        bad = await stack.enter_async_context(serve(hanging))
        config = upstream("good", good) + upstream("bad", bad, models=["hang"])
        gateway = await stack.enter_async_context(in_thread(process(tmp_path, config)))
        done = [f"done-{number}" for number in range(DONE_CALLS)]
        for call in done:
            assert (await ask(gateway, chat(), call=call)).status == 200
        streams = [f"open-{number}" for number in range(OPEN_CALLS)]
        for call in streams:
            client = await stack.enter_async_context(Client(gateway))
            await client.post(chat("hang", stream=True), call=call)
            await client.head()
            await client.piece()
        assert (await ask(gateway, chat(), call="the-last")).status == 200
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(gateway.process.wait, 10)
        again = await stack.enter_async_context(
            in_thread(process(tmp_path, config, key=gateway.key))
        )
        assert (await ask(again, chat(), call="afterwards")).status == 200
        calls = [*done, *streams, "the-last", "afterwards"]
        found = await asyncio.to_thread(wait_for_entries, tmp_path, calls)
        assert "recovered from a crash" in "".join(again.log)
    assert found.keys() == set(calls)
    assert {call: len(rows) for call, rows in found.items()} == dict.fromkeys(calls, 1)
    for call in calls:
        row = found[call][0]
        if call in streams:
            assert (row["outcome"], row["usage_source"]) == ("crashed", "estimated")
            assert row["input_tokens"] == row["estimated_input_tokens"] > 0
            assert row["output_tokens"] is None
        elif call != "the-last":  # the client has its answer a moment before it is settled
            assert (row["outcome"], row["usage_source"]) == ("ok", "reported")


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold the write lock of an SQLite database."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


async def test_calls_go_on_while_the_database_is_locked_and_entries_arrive_later(
    tmp_path: Path,
) -> None:
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        await ask(gateway, chat(), call="before")
        await asyncio.to_thread(wait_for_entries, tmp_path, ["before"])
        calls = [f"during-{number}" for number in range(20)]
        with locked(tmp_path / "gateway.db"):
            for call in calls:
                assert (await ask(gateway, chat(), call=call)).status == 200
            async with Client(gateway) as client:
                assert (await client.get("/health/ready")).status == 200
            assert not set(calls) & gateway.entries().keys()
        found = await asyncio.to_thread(wait_for_entries, tmp_path, calls, 20.0)
    assert all(len(found[call]) == 1 for call in calls)


async def test_a_start_without_the_database_serves_and_stores_when_it_comes(tmp_path: Path) -> None:
    in_the_way = tmp_path / "gateway.db"
    in_the_way.mkdir()
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        assert (await ask(gateway, chat(), call="early")).status == 200
        async with Client(gateway) as client:
            async with asyncio.timeout(5):
                while True:
                    ready = await client.get("/health/ready")
                    if "unavailable" in ready.json()["parts"]["ledger"]:
                        break
                    await asyncio.sleep(0.02)
            assert ready.status == 200
        unknown = {"authorization": "Bearer kg_live_" + "0" * 49}
        assert (await ask(gateway, chat(), headers=unknown)).status in {401, 503}
        in_the_way.rmdir()
        found = await asyncio.to_thread(wait_for_entries, tmp_path, ["early"], 15.0)
        assert len(found["early"]) == 1
        assert (await ask(gateway, chat())).status == 200


def _refused(arguments: list[str], environ: dict[str, str]) -> str:
    """What a command says when it ends with code 1."""
    ran = subprocess.run(
        [sys.executable, "-m", "kilo_gateway", *arguments],
        env={"PATH": os.environ.get("PATH", "")} | environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 1, ran
    assert "Traceback" not in ran.stderr
    return ran.stderr


def test_a_second_gateway_on_the_same_home_is_refused(tmp_path: Path) -> None:
    with process(tmp_path) as gateway:
        environ = {"KILO_GATEWAY_HOME": str(tmp_path), "HOME": str(tmp_path)}
        said = _refused(["up", "--port", "0", "--no-local-model"], environ)
        assert gateway.process is not None
        assert gateway.process.poll() is None
    assert "Another gateway" in said
    assert "KILO_GATEWAY_HOME" in said
    assert len(said.strip().splitlines()) == 1


def test_a_taken_port_is_told_with_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        environ = {"KILO_GATEWAY_HOME": str(tmp_path / "home"), "HOME": str(tmp_path)}
        said = _refused(["up", "--port", port, "--no-local-model"], environ)
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "--port" in said
    assert len(said.strip().splitlines()) == 1
