"""Settings and keys that change while the gateway serves."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.gateways import Running, in_loop, process
from tests.scripted import ReadRequest, Send, UntilGone, Wait, serve
from tests.talk import (
    DONE,
    END,
    Answer,
    Client,
    ask,
    chat,
    delta,
    healthy,
    in_thread,
    replying,
    stream_head,
    upstream,
    whole,
)

SOON_S = 5.0


def rewrite(gateway: Running, config: str) -> None:
    """Replace the configuration file as editors do."""
    path = gateway.home / "config.toml"
    new = path.with_suffix(".edited")
    new.write_text(config)
    new.chmod(0o600)
    new.replace(path)


async def until(gateway: Running, model: str, wanted: Callable[[Answer], bool]) -> Answer:
    """Ask until the answer is as wanted."""
    async with asyncio.timeout(SOON_S):
        while True:
            answer = await ask(gateway, chat(model))
            if wanted(answer):
                return answer
            await asyncio.sleep(0.02)


async def until_logged(gateway: Running, text: str) -> str:
    async with asyncio.timeout(SOON_S):
        while True:
            found = [line for line in gateway.log if text in line]
            if found:
                return found[0]
            await asyncio.sleep(0.02)


async def test_a_changed_file_brings_a_new_upstream_and_a_new_alias(tmp_path: Path) -> None:
    async with (
        healthy() as first,
        healthy() as second,
        in_loop(tmp_path, upstream("a", first)) as gateway,
    ):
        assert (await ask(gateway, chat("new"))).status == 404
        added = upstream("a", first) + upstream("b", second, models=["new"])
        rewrite(gateway, added + '[aliases]\nbest = "new"\n')
        answer = await until(gateway, "best", lambda answer: answer.status == 200)
        assert answer.headers["x-kilo-upstream"] == "b"
        assert (await ask(gateway, chat("new"))).status == 200
        assert "settings reloaded" in await until_logged(gateway, "settings reloaded")


async def test_sighup_reloads_and_a_removed_upstream_is_gone(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_thread(process(tmp_path, upstream("a", server))) as gateway,
    ):
        assert (await ask(gateway, chat())).status == 200
        rewrite(gateway, upstream("a", server, models=["other"]))
        assert gateway.process is not None
        gateway.process.send_signal(signal.SIGHUP)
        await until(gateway, "other", lambda answer: answer.status == 200)
        assert (await ask(gateway, chat("m"))).status == 404


async def test_a_bad_file_leaves_the_old_settings_serving_and_says_why(tmp_path: Path) -> None:
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        rewrite(gateway, upstream("a", server) + "\n[routing]\nmax_attempts = 99\n")
        line = await until_logged(gateway, "settings not reloaded")
        assert f"{tmp_path}/config.toml" in line
        assert "max_attempts" in line
        number = next(
            number
            for number, text in enumerate((tmp_path / "config.toml").read_text().split("\n"), 1)
            if "max_attempts" in text
        )
        assert f":{number}" in line
        assert (await ask(gateway, chat())).status == 200
        rewrite(gateway, "this is [not TOML")
        async with asyncio.timeout(SOON_S):
            while sum("settings not reloaded" in line for line in gateway.log) < 2:
                await asyncio.sleep(0.02)
        assert (await ask(gateway, chat())).status == 200
        rewrite(gateway, upstream("a", server, models=["m", "good again"]))
        await until(gateway, "good again", lambda answer: answer.status == 200)


async def test_an_unchanged_upstream_keeps_its_connections(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        healthy() as second,
        in_loop(tmp_path, upstream("a", server)) as gateway,
    ):
        assert (await ask(gateway, chat())).status == 200
        rewrite(gateway, upstream("a", server) + upstream("b", second, models=["new"]))
        await until(gateway, "new", lambda answer: answer.status == 200)
        assert (await ask(gateway, chat("m"))).status == 200
        assert server.accepted == 1


async def test_a_stream_outlives_the_removal_of_its_upstream(tmp_path: Path) -> None:
    finish = asyncio.Event()
    begun, rest = stream_head() + delta("Hello"), delta("", "stop") + END
    async with (
        serve([ReadRequest(), Send(begun), Wait(finish), Send(rest), UntilGone()]) as server,
        healthy() as second,
        in_loop(tmp_path, upstream("a", server)) as gateway,
        Client(gateway) as client,
    ):
        await client.post(chat(stream=True))
        await client.head()
        got = await client.piece()
        rewrite(gateway, upstream("b", second, models=["new"]))
        await until(gateway, "new", lambda answer: answer.status == 200)
        assert (await ask(gateway, chat("m"))).status == 404
        finish.set()
        async for more in client.pieces():
            got += more
        assert got.endswith(DONE)
        await asyncio.wait_for(server.gone[0].wait(), SOON_S)


async def test_limits_for_what_clients_send_change_with_the_file(tmp_path: Path) -> None:
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        body, headers = chat(more="x" * 2000), {"x-more": "x" * 2000}
        assert (await ask(gateway, body)).status == 200
        assert (await ask(gateway, chat(), headers=headers)).status == 200
        limits = "[server]\nmax_body_bytes = 1024\nmax_header_bytes = 1024\n"
        rewrite(gateway, limits + upstream("a", server))
        await until_logged(gateway, "settings reloaded")
        assert (await ask(gateway, body)).status == 413
        assert (await ask(gateway, chat(), headers=headers)).status == 431


async def test_the_log_and_the_breaker_change_with_the_file(tmp_path: Path) -> None:
    before = (
        '[telemetry]\nlog_level = "error"\ncall_log = false\n'
        "[routing]\nmax_attempts = 1\nbreaker_failures = 1000\n"
    )
    after = '[telemetry]\nlog_format = "json"\n[routing]\nmax_attempts = 1\nbreaker_failures = 1\n'
    async with (
        replying(whole({"error": {"message": "no"}}, 500)) as server,
        in_loop(tmp_path, before + upstream("a", server)) as gateway,
    ):
        assert (await ask(gateway, chat(), call="before")).status >= 500
        rewrite(gateway, after + upstream("a", server))
        assert '"event":"settings reloaded"' in await until_logged(gateway, "settings reloaded")
        assert (await ask(gateway, chat(), call="after")).status >= 500
        await until_logged(gateway, "breaker opened")
        log = "".join(gateway.log)
    assert "before" not in log
    assert '"call":"after"' in log


async def test_what_only_a_restart_can_change_is_told_at_each_reload(tmp_path: Path) -> None:
    async with healthy() as server, in_loop(tmp_path, upstream("a", server)) as gateway:
        rewrite(gateway, "[server]\nport = 4001\nkeep_alive_s = 5\n" + upstream("a", server))
        line = await until_logged(gateway, "settings reloaded")
        assert "restart_to_apply=server.port\n" in line
        assert (await ask(gateway, chat())).status == 200
        gateway.log.clear()
        rewrite(gateway, upstream("a", server))
        assert "restart_to_apply" not in await until_logged(gateway, "settings reloaded")


async def test_a_changed_key_is_used_for_the_next_call(tmp_path: Path) -> None:
    async with (
        healthy() as server,
        in_loop(tmp_path, upstream("a", server, api_key="old-key")) as gateway,
    ):
        await ask(gateway, chat())
        assert b"authorization: Bearer old-key" in server.requests[-1].head
        rewrite(gateway, upstream("a", server, api_key="new-key"))

        async def until_new() -> None:
            while b"authorization: Bearer new-key" not in server.requests[-1].head:
                assert (await ask(gateway, chat())).status == 200
                await asyncio.sleep(0.02)

        await asyncio.wait_for(until_new(), SOON_S)


async def _cli(gateway: Running, *arguments: str) -> str:
    """Run a command of the gateway's command line against its home."""
    environ = {"PATH": os.environ.get("PATH", ""), "KILO_GATEWAY_HOME": str(gateway.home)}
    ran = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "kilo_gateway", *arguments],
        env=environ | {"HOME": str(gateway.home)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr


async def test_a_key_made_while_the_server_runs_is_good_within_a_second_and_a_revoked_one_is_not(
    tmp_path: Path,
) -> None:
    async with (
        healthy() as server,
        in_thread(process(tmp_path, upstream("a", server))) as gateway,
    ):
        told = await _cli(gateway, "keys", "create", "laptop")
        key = next(word for word in told.split() if word.startswith("kg_live_"))
        headers = {"authorization": f"Bearer {key}"}

        async def until_status(status: int) -> None:
            async with asyncio.timeout(1.0):
                while (await ask(gateway, chat(), headers=headers)).status != status:
                    await asyncio.sleep(0.02)

        await until_status(200)
        await _cli(gateway, "keys", "revoke", "laptop")
        await until_status(401)
        assert (await ask(gateway, chat())).status == 200
