"""`make bench`: our gateway against nothing, nginx and LiteLLM, in one run, in interleaved rounds.

See README.md for what is measured and how. Tables go to standard output, progress to standard error.
"""

import argparse
import datetime
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import crossing
import large
import machine
import report
from measure import billed, loaded, say, wait_quiet
from targets import (
    START,
    Bench,
    Running,
    SkippedError,
    build,
    end_on_signals,
    metered,
    start_kilo_up,
    versions,
)

_SLOWER = {"litellm": 40}  # it gets that many times fewer requests
_HELD_STREAMS = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load. `share`: its requests as a part of --requests; `mode`: same core or two cores."""

    name: str
    mode: str
    arguments: tuple[str, ...]
    share: float
    is_stream: bool = False
    is_fixed: bool = False


CASES = (
    Case("call c=1", "same core", ("-c", "1"), 0.25),
    Case("call c=32", "same core", ("-c", "32"), 1.0),
    Case("call 100 kB c=16", "same core", ("-c", "16", "-b", "100000"), 0.125),
    Case("sse fast c=8", "same core", ("-c", "8", "-s"), 0.05, is_stream=True),
    Case("latency c=1", "two cores", ("-c", "1"), 0.25),
    Case("latency c=32", "two cores", ("-c", "32"), 1.0),
    Case("sse 10 ms c=10", "two cores", ("-c", "10", "-s", "-m", "mock-d10"), 20, True, True),
)


def main() -> None:
    """Parse, run, report."""
    options = _options()
    end_on_signals()
    build()
    machine.raise_file_limit()
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine.description(),
        "rounds": options.rounds,
        "requests": options.requests,
        "skipped": {},
    }
    with tempfile.TemporaryDirectory(prefix="kilo-bench-") as directory:
        bench = Bench(Path(directory))
        try:
            _measure(bench, options, results)
        except KeyboardInterrupt:
            say("interrupted: stopping what was started")
            raise SystemExit(130) from None
        except SkippedError as error:
            say(f"ended early: {error}")
        finally:
            bench.stop_all()
    results["load_average_after"] = machine.description()["load_average"]
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    report.show(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--targets", default="direct,nginx,kilo,kilo-log,litellm", help="which, separated by commas"
    )
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds of every case")
    parser.add_argument("--requests", type=int, default=10_000, help="requests of the c=32 case")
    parser.add_argument("--only", default="", help="only cases whose name begins with this")
    parser.add_argument("--quick", action="store_true", help="2 rounds of 2,000 requests")
    parser.add_argument("--json", type=Path, help="write all raw results here")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.requests = 2, 2000
    names = [name for name in options.targets.split(",") if name]
    unknown = set(names) - set(START)
    if unknown:
        parser.error(f"unknown target: {', '.join(sorted(unknown))} (there are {', '.join(START)})")
    # The mock is started in any case: everything else talks to it.
    options.targets = ["direct", *(name for name in names if name != "direct")]
    return options


def _measure(bench: Bench, options: argparse.Namespace, results: dict[str, Any]) -> None:
    targets = _start(bench, options.targets, results)
    results["versions"] = versions([target.name for target in targets])
    if not options.only:
        results["cold_starts"] = _cold_starts(bench, targets, 2 if options.quick else 5)
        results["memory"] = {target.name: _idle_memory(target) for target in targets}
    results["cases"] = _rounds(targets, options)
    ours = next((target for target in targets if target.name == "kilo"), None)
    if ours is not None and "translated calls".startswith(options.only):
        rounds, requests = options.rounds, options.requests // 5
        results["crossing"] = crossing.measure(bench, ours, rounds, requests)
    if ours is not None and "large requests".startswith(options.only):
        results["large"] = large.measure(bench, ours, 1 if options.quick else options.rounds)
    if options.only:
        return
    for target in targets:
        if target.name != "direct":
            results["memory"][target.name] |= _held_streams(target)
        if target.name == "kilo":
            wait_quiet(target)
            results["metered"] = json.loads(metered(target) or "null")


def _start(bench: Bench, names: list[str], results: dict[str, Any]) -> list[Running]:
    targets = []
    for name in names:
        say(f"start {name}")
        try:
            targets.append(START[name](bench))
        except SkippedError as error:
            results["skipped"][name] = str(error)
            say(f"skipped {name}: {error}")
    return targets


def _cold_starts(
    bench: Bench, targets: list[Running], times: int
) -> dict[str, list[dict[str, float]]]:
    """Spawn to the first answered call, in seconds; each start in a process of its own, beside the running ones."""
    found: dict[str, list[dict[str, float]]] = {}
    for target in targets:
        found[target.name] = [target.cold_start]
        for turn in range(times - 1):
            say(f"cold start {target.name} {turn + 2}/{times}")
            if target.name == "direct":
                continue
            again = _again(bench, target)
            found[target.name].append(again)
    if any(target.name == "kilo" for target in targets):
        for kind in ("up, first start", "up, later start"):
            found[f"kilo {kind}"] = []
        for turn in range(times):
            say(f"cold start kilo up {turn + 1}/{times}")
            home = bench.directory / f"up-home-{turn}"
            first = start_kilo_up(bench, home)
            found["kilo up, first start"].append(first.cold_start)
            bench.stop(first)
            later = _restart_up(bench, first)
            found["kilo up, later start"].append(later.cold_start)
            bench.stop(later)
    return found


def _again(bench: Bench, target: Running) -> dict[str, float]:
    """Stop a target and start it with the same command; gives its cold start and leaves it running."""
    position = bench.running.index(target)
    target.stop()
    command = [str(part) for part in target.process.args]
    fresh = bench.start(
        target.name,
        command,
        target.port,
        key=target.key,
        environ=target.environ,
        model=target.model,
    )
    bench.running.remove(fresh)
    bench.running[position] = target
    target.process = fresh.process
    return fresh.cold_start


def _restart_up(bench: Bench, first: Running) -> Running:
    command = [str(part) for part in first.process.args]
    return bench.start(
        first.name,
        command,
        first.port,
        key=first.key,
        environ=first.environ,
        model=first.model,
    )


def _rounds(targets: list[Running], options: argparse.Namespace) -> dict[str, Any]:
    usable = machine.cores()
    cases = [
        case
        for case in CASES
        if case.name.startswith(options.only) and (case.mode == "same core" or len(usable) > 1)
    ]
    found: dict[str, Any] = {case.name: {} for case in cases}
    for case in cases:
        near, far = usable[0], usable[0] if case.mode == "same core" else usable[1]
        _pin_all(targets, near, far)
        for turn, ordered in _interleaved(targets, options.rounds):
            for target in ordered:
                if target.name == "direct" and case.mode == "same core":
                    continue
                say(f"{case.mode}, {case.name}, round {turn + 1}/{options.rounds}: {target.name}")
                result = _load(target, case, options.requests, far)
                found[case.name].setdefault(target.name, []).append(result)
    return found


def _pin_all(targets: list[Running], near: int, far: int) -> None:
    """The mock goes with the load, everything else on the core that is measured."""
    for target in targets:
        machine.pin(target.pid, {far if target.name == "direct" else near})


def _interleaved(targets: list[Running], rounds: int) -> Iterator[tuple[int, list[Running]]]:
    for turn in range(rounds):
        yield turn, targets if turn % 2 == 0 else targets[::-1]


def _load(target: Running, case: Case, requests: int, core: int) -> dict[str, Any]:
    """One run of the load generator, after a warm-up."""
    wanted = case.share if case.is_fixed else case.share * requests
    count = max(20, round(wanted / (1 if case.is_fixed else _SLOWER.get(target.name, 1))))
    warm_up = max(10, count // 10)
    if not case.is_fixed:
        _run_load(target, case, warm_up, core)
        wait_quiet(target)
    return billed(target, _arguments(target, case, count), core)


def _run_load(target: Running, case: Case, count: int, core: int) -> dict[str, Any]:
    return loaded(target, _arguments(target, case, count), core)


def _arguments(target: Running, case: Case, count: int) -> list[str]:
    return [*case.arguments, "-n", str(count), "-w", "0", "-l", target.name]


def _idle_memory(target: Running) -> dict[str, float]:
    wait_quiet(target)
    rss, pss = machine.memory_mb(target.pid)
    return {"idle_rss_mb": rss, "idle_pss_mb": pss}


def _held_streams(target: Running) -> dict[str, float]:
    """Memory with 1,000 streams open, an event every ten seconds each."""
    say(f"memory with {_HELD_STREAMS} open streams: {target.name}")
    everywhere = set(machine.cores())
    machine.pin(target.pid, everywhere)
    seconds = "25" if target.name in _SLOWER else "6"
    arguments = ["-H", "-s", "-m", "mock-n100-d10000", "-c", str(_HELD_STREAMS), "-t", seconds]
    arguments += ["-W", "500", "-P", str(target.pid)]
    result = loaded(target, arguments, max(everywhere))
    if result["events"] < _HELD_STREAMS:
        say(f"  only {result['events']} events for {_HELD_STREAMS} streams")
    held = {"held_rss_mb": result["rss_mb"], "held_pss_mb": result["pss_mb"]}
    return held | {"held_events": float(result["events"])}


if __name__ == "__main__":
    main()
