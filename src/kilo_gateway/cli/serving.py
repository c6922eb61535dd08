"""What `up` and `serve` share: signals, the event loop, and the end of the process."""

import asyncio
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable

import typer

from kilo_gateway.app.gateway import Gateway, Ready, Start
from kilo_gateway.core.fault import Fault

# glibc's names for what `mallopt` sets, and values. A body of 10 MB is held several times on its way; mapped and unmapped
# each time, its pages cost a third of such a call. At most 64 MiB stay with the process after large requests.
_MALLOC_TRIM_THRESHOLD, _TRIM_BYTES = -1, 64 * 1024 * 1024
_MALLOC_MMAP_THRESHOLD, _MMAP_BYTES = -3, 32 * 1024 * 1024


def run_gateway(start: Start, on_ready: Callable[[Ready], None]) -> None:
    """Run a gateway until a signal ends it. Ends the process with code 1 and one sentence when the start fails."""
    _prefer_heap()
    try:
        _loop_runner()(_run(start, on_ready))
    except* Fault as group:
        for fault in group.exceptions:
            typer.echo(f"kilo-gateway: {fault}", err=True)
        raise typer.Exit(1) from None
    except* OSError as group:
        for error in group.exceptions:
            typer.echo(f"kilo-gateway: {_why_not(error, start)}", err=True)
        raise typer.Exit(1) from None


async def _run(start: Start, on_ready: Callable[[Ready], None]) -> None:
    gateway = Gateway(start, _write_log)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, gateway.stop)
    gc.freeze()  # what start-up made lives as long as the process: the collector need not look at it again
    gc.set_threshold(20_000, 20, 50)
    try:
        await gateway.run(on_ready)
    finally:
        gateway.close()


def _loop_runner() -> Callable[..., object]:
    try:
        # Late, and only where it exists: plain asyncio serves as well, at some cost.
        import uvloop  # noqa: PLC0415
    except ImportError:
        return asyncio.run
    return uvloop.run


def _write_log(lines: str) -> None:
    sys.stderr.write(lines)
    sys.stderr.flush()


def _why_not(error: BaseException, start: Start) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            f"port {start.port} on {start.host} is taken by another program (perhaps another gateway): "
            "choose another one (server.port in the settings, or `up --port`)"
        )
    if number == errno.EADDRNOTAVAIL:
        return (
            f"this machine has no address {start.host} to listen on: use 127.0.0.1, 0.0.0.0 or one of its own "
            "(server.host in the settings, or `up --host`)"
        )
    return str(error)


def _prefer_heap() -> None:
    """Keep buffers on the heap: uvloop's TLS reads allocate 256 KiB each, bodies more, which glibc would map and unmap."""
    if os.name != "posix" or sys.platform == "darwin":
        return
    import ctypes  # noqa: PLC0415 - only here

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MALLOC_MMAP_THRESHOLD, _MMAP_BYTES)
        mallopt(_MALLOC_TRIM_THRESHOLD, _TRIM_BYTES)
