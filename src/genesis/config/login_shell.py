"""Runs the login shell and takes what it prints: at most so much, at most so long, and its children end with it."""

import os
import selectors
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress

LARGEST_BYTES = 2 * 1024 * 1024


def run_login_shell(
    shell: str, environ: Mapping[str, str], timeout_s: float, clock: Callable[[], float]
) -> bytes:
    """What `SHELL -l -c "env -0"` prints. Raises OSError (TimeoutError is one)."""
    child = subprocess.Popen(  # noqa: S603 - the shell is one that the system lists, the command is ours
        [shell, "-l", "-c", "env -0"],
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=os.sep,
        start_new_session=True,
    )
    with child:
        try:
            printed = _read(child, clock() + timeout_s, clock)
        except TimeoutError:
            raise TimeoutError(f"{shell} took longer than {timeout_s:g} s") from None
        finally:
            # A profile may have left a background process that keeps the pipe open.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
    return printed


def _read(child: "subprocess.Popen[bytes]", deadline: float, clock: Callable[[], float]) -> bytes:
    output = child.stdout
    if output is None:  # pragma: no cover - it was asked for
        raise OSError("the shell has no output")
    printed = bytearray()
    with selectors.DefaultSelector() as ready:
        ready.register(output, selectors.EVENT_READ)
        while len(printed) <= LARGEST_BYTES:
            if not ready.select(max(0.0, deadline - clock())):
                raise TimeoutError
            piece = os.read(output.fileno(), 65536)
            if not piece:
                return _finished(child, bytes(printed), deadline - clock())
            printed += piece
    raise OSError(f"the shell printed more than {LARGEST_BYTES} bytes")


def _finished(child: "subprocess.Popen[bytes]", printed: bytes, rest_s: float) -> bytes:
    try:
        code = child.wait(max(0.0, rest_s))
    except subprocess.TimeoutExpired:
        raise TimeoutError from None
    if code:
        raise OSError(f"the shell ended with code {code}")
    return printed
