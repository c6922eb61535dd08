"""What a translated call costs: every pair of dialects that matters beside the identity call of its client's dialect.

    .venv/bin/python benchmarks/crossing.py [--rounds 5] [--requests 2000] [--json FILE]

`make bench` runs it too. The client sends a turn of an agent (a system prompt, a tool, a call and its result in the
history); the answer is text and a tool call. Same core, 8 connections; every round runs all ways, every other one in
reverse order.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import bodies
import machine
import report
from measure import billed, loaded, say, wait_quiet
from targets import Bench, Running, SkippedError, build, end_on_signals, start_direct, start_kilo

# Client's dialect and upstream's; what is compared is the first of each client's.
WAYS = (
    ("chat", "chat"),
    ("chat", "messages"),
    ("chat", "gemini"),
    ("chat", "responses"),
    ("messages", "messages"),
    ("messages", "chat"),
    ("messages", "gemini"),
    ("gemini", "gemini"),
    ("gemini", "chat"),
    ("responses", "responses"),
    ("responses", "chat"),
    ("responses", "messages"),
)
_CONNECTIONS = "8"
_STREAM_SHARE = 0.08


def model_of(upstream: str) -> str:
    """The mock's model behind the upstream of that dialect (`conf/kilo.toml`); it answers with a tool call."""
    return "mock-k1" if upstream == "chat" else f"mock-{upstream}-k1"


def measure(bench: Bench, target: Running, rounds: int, requests: int) -> dict[str, Any]:
    """CPU of whole and streamed calls on every way: {"chat > gemini": {"whole": [...], "stream": [...]}}."""
    core = machine.cores()[0]
    for running in bench.running:
        machine.pin(running.pid, {core})
    loads = {way: _arguments(bench.directory, *way, requests) for way in WAYS}
    for kinds in loads.values():
        for arguments, count in kinds.values():
            loaded(target, [*arguments, "-n", str(max(10, count // 5))], core)
    wait_quiet(target)
    found: dict[str, Any] = {name_of(way): {"whole": [], "stream": []} for way in WAYS}
    for turn in range(rounds):
        say(f"translated calls, round {turn + 1}/{rounds}")
        for way in WAYS if turn % 2 == 0 else WAYS[::-1]:
            for kind, (arguments, count) in loads[way].items():
                result = billed(target, [*arguments, "-n", str(count)], core)
                found[name_of(way)][kind].append(result)
    for running in bench.running:
        machine.pin(running.pid, set(machine.cores()))
    return found


def name_of(way: tuple[str, str]) -> str:
    """How a way is called in reports."""
    return f"{way[0]} > {way[1]}"


def _arguments(
    directory: Path, client: str, upstream: str, requests: int
) -> dict[str, tuple[list[str], int]]:
    """The load generator's arguments for whole and streamed calls, and how many calls."""
    found = {}
    for kind, is_stream in (("whole", False), ("stream", True)):
        model = model_of(upstream)
        body = directory / f"{client}-{upstream}-{kind}.json"
        body.write_bytes(bodies.body(client, model, bodies.agent_turn(), is_stream=is_stream))
        arguments = ["-c", _CONNECTIONS, "-f", str(body)]
        arguments += ["-u", bodies.path(client, model, is_stream=is_stream)]
        count = max(16, round(requests * (_STREAM_SHARE if is_stream else 1)))
        found[kind] = ([*arguments, "-s"] if is_stream else arguments, count)
    return found


def main() -> None:
    """Measure these alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds")
    parser.add_argument("--requests", type=int, default=2000, help="whole calls of a round")
    parser.add_argument("--json", type=Path, help="write all raw results here")
    options = parser.parse_args()
    end_on_signals()
    build()
    with tempfile.TemporaryDirectory(prefix="kilo-bench-") as directory:
        bench = Bench(Path(directory))
        try:
            start_direct(bench)
            found = measure(bench, start_kilo(bench), options.rounds, options.requests)
        except SkippedError as error:
            raise SystemExit(str(error)) from None
        finally:
            bench.stop_all()
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")
    report.crossing_table(found)


if __name__ == "__main__":
    main()
