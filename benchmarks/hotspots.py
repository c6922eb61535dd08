"""Where the gateway's time goes under load: samples by py-spy, summed by function and by file.

    .venv/bin/python benchmarks/hotspots.py [--stream] [--seconds 8] [--py-spy PATH]

py-spy is no dependency: install it anywhere (`uv tool install py-spy`). It stops the process for each sample, so the
shares count, not the times.
"""

import argparse
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import machine
from targets import BUILD, Bench, SkippedError, build, end_on_signals, start_direct, start_kilo

_RATE = 500
_SHOWN = 30
_BACKGROUND_S = 2.0  # it opens its database and reads prices behind its first calls


def main() -> None:
    """Sample and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stream", action="store_true", help="fast streams instead of whole calls")
    parser.add_argument("--seconds", type=int, default=8, help="how long to sample")
    parser.add_argument("--py-spy", default="py-spy", help="the program")
    options = parser.parse_args()
    program = shutil.which(options.py_spy)
    if program is None:
        raise SystemExit("py-spy is not installed: `uv tool install py-spy`, or give its path")
    end_on_signals()
    build()
    with tempfile.TemporaryDirectory(prefix="kilo-bench-") as directory:
        bench = Bench(Path(directory))
        try:
            start_direct(bench)
            stacks = _sample(bench, program, options)
        except SkippedError as error:
            raise SystemExit(str(error)) from None
        finally:
            bench.stop_all()
    _show(stacks)


def _sample(bench: Bench, program: str, options: argparse.Namespace) -> list[tuple[list[str], int]]:
    target = start_kilo(bench)
    time.sleep(_BACKGROUND_S)
    cores = machine.cores()
    machine.pin(target.pid, {cores[0]})
    load = [str(BUILD / "load"), "-p", str(target.port), "-k", target.key]
    load += ["-w", "100", "-t", str(options.seconds + 2)]
    load += ["-c", "8", "-s"] if options.stream else ["-c", "32"]
    raw = bench.directory / "stacks"
    spy = [program, "record", "--gil", "--nonblocking", "--pid", str(target.pid)]
    spy += ["--rate", str(_RATE), "--duration", str(options.seconds)]
    spy += ["--format", "raw", "--output", str(raw)]
    with machine.on_cores({cores[-1]}):
        loading = subprocess.Popen(load, stdout=subprocess.PIPE)
        try:
            subprocess.run(spy, check=True, capture_output=True)
            print(loading.communicate()[0].decode().strip())
        finally:
            loading.terminate()
            loading.wait()
    lines = [line.rpartition(" ") for line in raw.read_text().splitlines()]
    return [(stack.split(";"), int(count)) for stack, _, count in lines]


def _show(stacks: list[tuple[list[str], int]]) -> None:
    own: Counter[str] = Counter()
    files: Counter[str] = Counter()
    below: Counter[str] = Counter()
    total = sum(count for _, count in stacks)
    for frames, count in stacks:
        names = [_short(frame) for frame in frames]
        own[names[-1]] += count
        files[names[-1].rpartition("(")[2].rstrip(")")] += count
        for name in set(names):
            below[name] += count
    print(f"{total} samples")
    for title, counts in (("own time", own), ("own time by file", files), ("with callees", below)):
        print(f"\n{title}")
        for name, count in counts.most_common(_SHOWN):
            print(f"{100 * count / total:6.1f} %  {name}")


def _short(frame: str) -> str:
    """`Run.go (kilo_gateway/relay/run.py:120)` without the line."""
    name, _, place = frame.rpartition(" (")
    return f"{name} ({place.rpartition(':')[0] or place.rstrip(')')})"


if __name__ == "__main__":
    main()
