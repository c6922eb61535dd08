"""Large requests: what one costs beside a bare copy of its bytes, and whether it delays the streams of others.

    .venv/bin/python benchmarks/large.py [--rounds 3] [--json FILE] [--only gaps]

`make bench` runs it too. A body is 10 MB: eight pictures in base64, or a history of 2,000 messages. On the identity
path (chat > chat) and translated. CPU: same core, one connection. Gaps: the gateway on one core, load and mocks on the
other; one stream with an event every 10 ms from a mock of its own, alone and while one large request after another
comes in.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bodies
import machine
import report
from crossing import model_of, name_of
from measure import billed, command, loaded, say, told, wait_quiet
from targets import (
    HERE,
    Bench,
    Running,
    SkippedError,
    build,
    end_on_signals,
    start_direct,
    start_kilo,
)

SIZE = 10_000_000
_MESSAGES = 2000
WAYS = (("chat", "chat"), ("chat", "messages"), ("chat", "gemini"))
_CALLS = 20
_STREAM_MODEL = "mock-quiet-n1000-d10"
_STREAM_S = 6


def measure(bench: Bench, target: Running, rounds: int, only: str = "") -> dict[str, Any]:
    """{"cpu": {"bare copy": [...], "pictures, chat > chat": [...]}, "gaps": {"alone": [...], ...}}."""
    copier = _start_copier(bench)
    loads = _loads(bench.directory)
    found: dict[str, Any] = {}
    if only != "gaps":
        found["cpu"] = _cpu(bench, target, copier, loads, rounds)
    if only != "cpu" and len(machine.cores()) > 1:
        found["gaps"] = _gaps(bench, target, loads, rounds)
    for running in bench.running:
        machine.pin(running.pid, set(machine.cores()))
    bench.stop(copier)
    return found


def _start_copier(bench: Bench) -> Running:
    port = machine.free_port()
    program = [sys.executable, str(HERE / "copier.py"), str(port), str(bench.upstream)]
    return bench.start("copier", program, port)


def _loads(directory: Path) -> dict[str, list[str]]:
    """The load generator's arguments for each kind of large request."""
    kinds = {
        "pictures": bodies.pictures(SIZE),
        "2,000 messages": bodies.long_history(SIZE, _MESSAGES),
    }
    found = {}
    for kind, turns in kinds.items():
        for client, upstream in WAYS:
            model = model_of(upstream)
            name = f"{kind}, {name_of((client, upstream))}"
            body = directory / f"{kind.split()[-1]}-{client}-{upstream}.json"
            body.write_bytes(bodies.body(client, model, turns))
            found[name] = ["-c", "1", "-f", str(body), "-u", bodies.path(client, model)]
    return found


def _cpu(
    bench: Bench, target: Running, copier: Running, loads: dict[str, list[str]], rounds: int
) -> dict[str, Any]:
    core = machine.cores()[0]
    for running in bench.running:
        machine.pin(running.pid, {core})
    pictures = next(iter(loads.values()))
    cases = {"bare copy": (copier, pictures)}
    cases |= {name: (target, arguments) for name, arguments in loads.items()}
    for measured, arguments in cases.values():
        loaded(measured, [*arguments, "-n", "2"], core)
    wait_quiet(target)
    found: dict[str, Any] = {name: [] for name in cases}
    for turn in range(rounds):
        say(f"large requests, round {turn + 1}/{rounds}")
        for name, (measured, arguments) in list(cases.items())[:: 1 if turn % 2 == 0 else -1]:
            found[name].append(billed(measured, [*arguments, "-n", str(_CALLS)], core))
    return found


def _gaps(
    bench: Bench, target: Running, loads: dict[str, list[str]], rounds: int
) -> dict[str, Any]:
    near, far = machine.cores()[:2]
    for running in bench.running:
        machine.pin(running.pid, {near if running is target else far})
    cases: dict[str, list[str]] = {"alone": []} | loads
    found: dict[str, Any] = {name: [] for name in cases}
    for turn in range(rounds):
        for name in list(cases)[:: 1 if turn % 2 == 0 else -1]:
            say(f"gaps of a stream, round {turn + 1}/{rounds}: {name}")
            found[name].append(_beside(target, cases[name], far))
            wait_quiet(target)
    return found


def _beside(target: Running, large: list[str], core: int) -> dict[str, Any]:
    """A stream of some seconds while large requests follow each other; what the load generator tells of it."""
    stream = ["-c", "1", "-s", "-n", "1", "-m", _STREAM_MODEL]
    with machine.on_cores({core}):
        noise = large and _begin(target, [*large, "-t", str(_STREAM_S + 10)])
        watched = _begin(target, [*stream, "-t", str(_STREAM_S)])
        output, problems = watched.communicate()
    result = told(target, output, problems)
    if noise:
        noise.terminate()
        noise.wait()
    return result


def _begin(target: Running, arguments: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(target, arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def main() -> None:
    """Measure these alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds")
    parser.add_argument("--only", choices=("cpu", "gaps"), default="", help="one of the two")
    parser.add_argument("--json", type=Path, help="write all raw results here")
    options = parser.parse_args()
    end_on_signals()
    build()
    with tempfile.TemporaryDirectory(prefix="kilo-bench-") as directory:
        bench = Bench(Path(directory))
        try:
            start_direct(bench)
            found = measure(bench, start_kilo(bench), options.rounds, options.only)
        except SkippedError as error:
            raise SystemExit(str(error)) from None
        finally:
            bench.stop_all()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    report.large_tables(found)


if __name__ == "__main__":
    main()
