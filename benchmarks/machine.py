"""What the benchmarks need of the machine: CPU and memory of process trees, cores, ports, versions. Linux only."""

import os
import platform
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_CLOCK_OF_PROCESS = 2  # CPUCLOCK_SCHED: user and system time of all threads, in nanoseconds


def tree(root: int) -> list[int]:
    """The process and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def cpu_s(root: int) -> float:
    """User and system time that a process tree has used, in seconds."""
    used = 0.0
    for pid in tree(root):
        try:
            used += _clock(pid)
        except OSError:
            continue
    return used


def _clock(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | _CLOCK_OF_PROCESS)


def memory_mb(root: int) -> tuple[float, float]:
    """RSS and PSS of a process tree, in MiB."""
    sums = {"Rss": 0, "Pss": 0}
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _, rest = line.partition(":")
            if name in sums:
                sums[name] += int(rest.split()[0])
    return sums["Rss"] / 1024, sums["Pss"] / 1024


def pin(root: int, cores: set[int]) -> None:
    """Keep a process tree, with all threads that it has, on these cores; later threads inherit it."""
    for pid in tree(root):
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(task.name), cores)
        except OSError:
            continue


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Programs started inside run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cores() -> list[int]:
    """The cores that this process may use."""
    return sorted(os.sched_getaffinity(0))


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def raise_file_limit() -> int:
    """As many open files as are allowed; gives how many."""
    import resource  # noqa: PLC0415 - not on every platform

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def description() -> dict[str, object]:
    """The machine and the software on it, for the head of a report."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "usable_cores": len(cores()),
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "kernel": f"{platform.system()} {platform.release()}",
        "python": sys.version.split()[0],
    }


def first_line(command: list[str]) -> str:
    """The first line that a program prints, such as its version; "" if it cannot be run."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if lines else ""


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
