"""exec: a shell command in the workspace. Its whole process group ends with it, at its time limit, and on cancellation."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta
from typing_extensions import override

from genesis.core.text import one_line, stripped
from genesis.tools.closed import close_to_others
from genesis.tools.tool import Prepared, Tool, ToolContext, ToolResult
from genesis.tools.workspace import ToolError

HEAD = 15_000
TAIL = 15_000
LONGEST_S = 3_600.0
# What is still in the pipe when the shell has ended is read for so long.
_LAST_WORDS_S = 1.0
_TERM_S = 2.0


class Exec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its arguments."""

    command: Annotated[str, Meta(description="The command, for a POSIX shell.", min_length=1)]
    timeout_seconds: Annotated[
        float, Meta(description="How long it may run; 0 is the limit of the settings.", ge=0)
    ] = 0

    def summary(self) -> str:
        """`exec: command` on one line."""
        return f"exec: {one_line(self.command)}"

    def prepare(self, context: ToolContext) -> Prepared:
        """Nothing to find out: the detail is the command."""
        if "\0" in self.command or not self.command.strip():
            raise ToolError("The command is empty or has a NUL character in it.")
        asked = self.timeout_seconds
        timeout_s = min(asked, LONGEST_S) if asked else context.exec_timeout_s
        return Prepared(partial(run_command, self.command, context, timeout_s), self.command)


EXEC = Tool(
    name="exec",
    description=(
        "Run a shell command in the workspace and get its output (both streams, the middle left out when long) and exit "
        "code. It has no input and no terminal; what it leaves running ends with it."
    ),
    effect="runs",
    call=Exec,
)


class Output:
    """The beginning and the end of an output that may be endless."""

    def __init__(self, head: int = HEAD, tail: int = TAIL) -> None:
        self._head_size, self._tail_size = head, tail
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._kept = 0
        self._left_out = 0

    def add(self, chunk: bytes) -> None:
        """More of it."""
        room = self._head_size - len(self._head)
        self._head += chunk[:room]
        rest = chunk[room:]
        if rest:
            self._tail.append(rest)
            self._kept += len(rest)
        while self._tail and self._kept - len(self._tail[0]) >= self._tail_size:
            dropped = len(self._tail.popleft())
            self._kept -= dropped
            self._left_out += dropped

    def text(self) -> str:
        """It as text, with a line where something was left out."""
        tail = b"".join(self._tail)
        left_out = self._left_out + max(0, len(tail) - self._tail_size)
        tail = tail[-self._tail_size :]
        middle = f"\n… ({left_out:,} bytes left out)\n" if left_out else ""
        if not middle:
            return stripped((bytes(self._head) + tail).decode("utf-8", "replace"))
        ends = (stripped(part.decode("utf-8", "replace")) for part in (self._head, tail))
        return middle.join(ends)


class _Pipe(asyncio.Protocol):
    """The reading end of a command's output. `closed` is set when the last writer is gone."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self.closed = asyncio.Event()

    @override
    def data_received(self, data: bytes) -> None:
        self._output.add(data)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()


async def run_command(command: str, context: ToolContext, timeout_s: float) -> ToolResult:
    """Run it to its end, or to its time limit."""
    output = Output()
    pipe = _Pipe(output)
    process, transport = await _start(command, context, pipe)
    is_late = False
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
            await _closed(pipe)
    except TimeoutError:
        is_late = True
    finally:
        # Closed also if what the command has started elsewhere still holds the other end.
        try:
            await asyncio.shield(_end_group(process))
        finally:
            transport.close()
    return _result(output.text(), process.returncode, timeout_s if is_late else None)


async def _start(
    command: str, context: ToolContext, pipe: _Pipe
) -> tuple[asyncio.subprocess.Process, asyncio.BaseTransport]:
    """The shell, and the pipe that its output comes through."""
    close_to_others()
    reading, writing = os.pipe()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: pipe, os.fdopen(reading, "rb", 0))
    try:
        process = await asyncio.create_subprocess_exec(
            _shell(),
            "-c",
            command,
            cwd=context.workspace.root,
            env=dict(context.environ),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    except OSError as error:
        transport.close()
        raise ToolError(f"The command could not be started: {error.strerror}.") from error
    finally:
        os.close(writing)
    return process, transport


async def _closed(pipe: _Pipe) -> None:
    """Wait a little for what is still in the pipe."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(pipe.closed.wait(), _LAST_WORDS_S)


async def _end_group(process: asyncio.subprocess.Process) -> None:
    """End the shell and whatever it has started: politely, then not."""
    _signal_group(process.pid, signal.SIGTERM)
    if process.returncode is None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TERM_S):
                await process.wait()
    _signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def _signal_group(group: int, number: signal.Signals) -> None:
    # Nobody is left in it, or (on some systems) only those who have ended.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _shell() -> str:
    return "/bin/bash" if Path("/bin/bash").exists() else "/bin/sh"


def _result(text: str, code: int | None, late_after_s: float | None) -> ToolResult:
    body = text.rstrip("\n") or "(no output)"
    if late_after_s is not None:
        end = f"(stopped: it ran longer than {late_after_s:g} s)"
        return ToolResult.of(f"{body}\n{end}", is_error=True)
    if code == 0:
        return ToolResult.of(body)
    how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
    return ToolResult.of(f"{body}\n({how})", is_error=True)
