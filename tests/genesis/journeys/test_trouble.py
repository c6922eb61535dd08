"""A gateway whose list of models is away, slow, broken or empty: the static catalog, the stated warning, a working default."""

import asyncio
import os
import socket
import subprocess
import sys

import msgspec
import pytest

from tests.genesis.servers import Answer, events, serving, text_chunk

GENESIS = [sys.executable, "-m", "genesis.main"]
SONNET = {"id": "anthropic/claude-sonnet-4", "pricing": {"prompt": "0.000003"}}
# What `GET models` answers, the warning, and the models that are listed besides the static one.
TROUBLES = {
    "slow": (Answer(is_silent=True), "Discovery failed: no answer within 5 s", []),
    "500": (Answer(500), "Failed to discover models: HTTP 500, using static catalog", []),
    "html": (Answer(200, b"<html>", "text/html"), "Discovery failed: ", []),
    "cut": (Answer(200, b'{"data":', is_cut=True), "Discovery failed: ", []),
    "empty": (Answer(200, b'{"data":[]}'), "No models found from gateway API, using static catalog", []),
    "malformed": (
        Answer(200, msgspec.json.encode({"data": [{"id": "broken/one"}, SONNET]})),
        'Skipping malformed model entry "broken/one": ',
        ["kilocode/anthropic/claude-sonnet-4"],
    ),
}  # fmt: skip


@pytest.fixture
def genesis(tmp_path):
    """Runs a command of somebody whose gateway is at that address."""
    (tmp_path / ".genesis").mkdir(mode=0o700)

    def run(base_url, *words):
        provider = {"kilocode": {"baseUrl": base_url, "models": []}}
        settings = msgspec.json.encode({"models": {"providers": provider}})
        (tmp_path / ".genesis" / "genesis.json").write_bytes(settings)
        environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "KILOCODE_API_KEY": "kk-1"}
        return subprocess.run(
            [*GENESIS, *words], env=environ, cwd=tmp_path, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_list_in_trouble_leaves_a_working_default(genesis, name):
    listing, warning, others = TROUBLES[name]

    def answer(asked):
        return listing if asked.method == "GET" else events(text_chunk("All is well.", "stop"))

    async with serving(answer) as server:
        plain = ["models", "list", "--provider", "kilocode", "--plain"]
        listed = await asyncio.to_thread(genesis, server.url, *plain)
        said = await asyncio.to_thread(genesis, server.url, "agent", "--message", "hi")
    assert (listed.returncode, listed.stdout.split()) == (0, ["kilocode/kilo/auto", *others])
    assert warning in listed.stderr
    assert (said.returncode, said.stdout) == (0, "All is well.\n")
    [asked] = [one for one in server.asked if one.method == "POST"]
    assert asked.json["model"] == "kilo/auto"


def test_a_gateway_that_is_away_is_said_to_be_and_its_default_is_listed(genesis):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/gateway/"
        listed = genesis(url, "models", "list", "--provider", "kilocode", "--plain")
        said = genesis(url, "agent", "--message", "hi")
    assert listed.stdout == "kilocode/kilo/auto\n"
    assert "Discovery failed: " in listed.stderr
    assert listed.stderr.rstrip().endswith("using static catalog")
    assert (said.returncode, said.stdout) == (1, "")
    assert "LLM request failed: connection refused by the provider endpoint." in said.stderr
