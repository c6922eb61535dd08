"""The AI SDK for JavaScript (`ai` with `@ai-sdk/openai-compatible` and vendors' providers), unchanged, against a running gateway.

Its packages are installed once into the virtual environment, as tests/journeys/node/package-lock.json pins them.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateways import Running, process, wait_for_model

SOURCES = Path(__file__).parent / "node"
INSTALL_S = 180
RUN_S = 60
CONFIG = "[simulator]\nenabled = true\n[routing]\nmax_attempts = 1\nbreaker_failures = 1000\n"


@pytest.fixture(scope="session")
def packages() -> Path:
    """A directory with the pinned packages; the tests are skipped where they cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not installed")
    lock = (SOURCES / "package-lock.json").read_bytes()
    home = Path(sys.prefix) / "node" / hashlib.sha256(lock).hexdigest()[:16]
    if not home.is_dir():
        _install(npm, home)
    for scenarios in ("chat.mjs", "dialects.mjs"):
        shutil.copy(SOURCES / scenarios, home)
    return home


def _install(npm: str, home: Path) -> None:
    """Install beside `home`, then take its name, so that what is there is always complete."""
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent) as temporary:
        place = Path(temporary) / "packages"
        place.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, place)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            done = subprocess.run(
                command, cwd=place, capture_output=True, text=True, timeout=INSTALL_S, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm ci took longer than {INSTALL_S} s")
        if done.returncode:
            pytest.skip(f"npm ci failed: {done.stderr.strip()[-300:]}")
        if not home.is_dir():
            place.rename(home)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with process(tmp_path_factory.mktemp("ai-sdk") / "home", CONFIG) as running:
        wait_for_model(running, "sim/echo")
        yield running


def play(packages: Path, gateway: Running, scenario: str) -> dict[str, Any]:
    """What one scenario of chat.mjs tells."""
    return run(packages, gateway, "chat.mjs", f"{gateway.url}/v1", scenario)


def run(packages: Path, gateway: Running, *arguments: str) -> dict[str, Any]:
    """What a program of Node's tells."""
    done = subprocess.run(
        ["node", *arguments],
        cwd=packages,
        env={"PATH": os.environ["PATH"], "KEY": gateway.key},
        capture_output=True,
        text=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_text_is_generated_with_its_usage(packages: Path, gateway: Running) -> None:
    told = play(packages, gateway, "generate")
    usage = {"input": 2, "output": 4}
    assert told == {"text": "You said: good morning", "finish": "stop", "usage": usage}


def test_text_is_streamed_with_its_usage(packages: Path, gateway: Running) -> None:
    told = play(packages, gateway, "stream")
    assert told["text"] == "You said: good morning"
    assert (told["finish"], told["usage"]) == ("stop", {"input": 2, "output": 4})
    assert told["kinds"].count("text-delta") > 1
    assert told["kinds"][-1] == "finish"


def test_reasoning_is_told_from_text(packages: Path, gateway: Running) -> None:
    told = play(packages, gateway, "reasoning")
    assert told["text"]
    assert told["reasoning"]
    assert told["reasoning"] != told["text"]


@pytest.mark.parametrize("scenario", ["tool", "streamTool"])
def test_a_tool_is_called_and_its_result_answered(
    packages: Path, gateway: Running, scenario: str
) -> None:
    told = play(packages, gateway, scenario)
    assert told["steps"] == ["tool-calls", "stop"]
    assert len(told["asked"]) == 1
    assert isinstance(told["asked"][0]["city"], str)
    assert told["text"]


def test_an_unknown_model_is_told_in_words(packages: Path, gateway: Running) -> None:
    told = play(packages, gateway, "unknownModel")
    assert (told["error"], told["status"]) == ("AI_APICallError", 404)
    assert "Did you mean sim/echo" in told["message"]
    assert told["isRetryable"] is False


def test_a_rate_limit_may_be_retried(packages: Path, gateway: Running) -> None:
    told = play(packages, gateway, "rateLimit")
    assert (told["status"], told["isRetryable"], told["retryAfter"]) == (429, True, "3")


def test_an_error_in_the_stream_comes_as_one(packages: Path, gateway: Running) -> None:
    kinds = play(packages, gateway, "errorInStream")["kinds"]
    assert "error" in kinds
    assert kinds.index("text-delta") < kinds.index("error")


PROVIDERS = ["openai", "openaiChat", "anthropic", "google", "openrouter"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("scenario", ["generate", "stream"])
def test_each_vendors_provider_is_answered(
    packages: Path, gateway: Running, provider: str, scenario: str
) -> None:
    told = run(packages, gateway, "dialects.mjs", gateway.url, provider, scenario)
    assert told["text"] == "You said: good morning", told
    assert told["finish"] == "stop"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_vendors_provider_runs_a_tool(packages: Path, gateway: Running, provider: str) -> None:
    told = run(packages, gateway, "dialects.mjs", gateway.url, provider, "tool")
    assert told["steps"] == ["tool-calls", "stop"], told
    assert len(told["asked"]) == 1


@pytest.mark.parametrize(
    "provider", [one for one in PROVIDERS if one not in {"openaiChat", "openrouter"}]
)
def test_each_vendors_provider_tells_reasoning(
    packages: Path, gateway: Running, provider: str
) -> None:
    told = run(packages, gateway, "dialects.mjs", gateway.url, provider, "reasoning")
    assert told["reasoning"], told
    assert told["text"]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_vendors_provider_knows_a_rate_limit(
    packages: Path, gateway: Running, provider: str
) -> None:
    told = run(packages, gateway, "dialects.mjs", gateway.url, provider, "rateLimit")
    assert told["status"] == 429, told
