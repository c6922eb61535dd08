"""One load on one target, and the CPU that the target spent on it."""

import json
import subprocess
import sys
import time
from typing import Any

import machine
from targets import BUILD, Running

_QUIET_S = 0.25
_QUIET_SHARE = 0.03
_SETTLE_LIMIT_S = 8.0


def loaded(target: Running, arguments: list[str], core: int) -> dict[str, Any]:
    """Run the load generator against a target; what it tells."""
    with machine.on_cores({core}):
        done = subprocess.run(
            command(target, arguments), capture_output=True, text=True, check=False
        )
    return told(target, done.stdout, done.stderr)


def command(target: Running, arguments: list[str]) -> list[str]:
    """The load generator's command line."""
    return [str(BUILD / "load"), "-p", str(target.port), "-k", target.key or "-", *arguments]


def told(target: Running, output: str, problems: str) -> dict[str, Any]:
    """The line that the load generator printed."""
    try:
        result: dict[str, Any] = json.loads(output)
    except ValueError:
        raise SystemExit(f"the load generator failed on {target.name}: {problems}") from None
    if result["err"] or result["non200"]:
        say(f"  {result['err']} errors, {result['non200']} answers that are not 200")
    return result


def billed(target: Running, arguments: list[str], core: int) -> dict[str, Any]:
    """The same with `cpu_s`, `cpu_us_per_call` and, for streams, `cpu_us_per_event`.

    CPU is counted until the target is quiet again, so that the work a gateway does behind the answer (settling its
    ledger) is on its bill.
    """
    before = machine.cpu_s(target.pid)
    result = loaded(target, arguments, core)
    result["cpu_during_s"] = machine.cpu_s(target.pid) - before
    wait_quiet(target)
    result["cpu_s"] = machine.cpu_s(target.pid) - before
    result["cpu_us_per_call"] = result["cpu_s"] / max(1, result["n"]) * 1e6
    if "events" in result:
        result["cpu_us_per_event"] = result["cpu_s"] / max(1, result["events"]) * 1e6
        result["events_per_call"] = result["events"] / max(1, result["n"])
    return result


def wait_quiet(target: Running) -> None:
    """Until the target uses next to no CPU, or some seconds have passed."""
    limit = time.monotonic() + _SETTLE_LIMIT_S
    before = machine.cpu_s(target.pid)
    while time.monotonic() < limit:
        time.sleep(_QUIET_S)
        now = machine.cpu_s(target.pid)
        if now - before < _QUIET_S * _QUIET_SHARE:
            return
        before = now


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
