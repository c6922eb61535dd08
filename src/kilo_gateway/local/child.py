"""Child: one run of a program of ours. It reads its settings on stdin, says `ready` and ends when stdin does."""

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence

MAX_LINE_BYTES = 500
READ_BYTES = 65_536
READY = b"ready"

Log = Callable[[str], None]


class Child:
    """A started process. Its output is read at all times, cut into lines and given to the log."""

    def __init__(self, process: Process, log: Log) -> None:
        self._process = process
        self._log = log
        self._ready = asyncio.Event()
        loop = asyncio.get_running_loop()
        streams = (process.stdout, process.stderr)
        self._drains = [loop.create_task(self._drain(stream)) for stream in streams if stream]

    @classmethod
    async def start(
        cls, command: Sequence[str], settings: bytes, environ: Mapping[str, str], log: Log
    ) -> "Child":
        """Start the program and send its settings, one line; OSError if that cannot be done.

        It gets a session of its own: a Ctrl-C in the terminal is for the gateway, which ends it in good order.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            env=dict(environ),
            start_new_session=True,
        )
        child = cls(process, log)
        if process.stdin is not None:
            process.stdin.write(settings + b"\n")
        return child

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether it has said so and still runs."""
        return self._ready.is_set() and self._process.returncode is None

    async def ready(self) -> None:
        """Return when it says that it is ready; never, if it does not."""
        await self._ready.wait()

    async def ended(self) -> int:
        """Return its exit status when it ends; negative if a signal ended it."""
        return await self._process.wait()

    async def stop(self, grace_s: float = 2.0) -> int:
        """End it: by closing its stdin, by force if that takes too long. Returns the exit status."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
        status = await self._process.wait()
        # What it started itself may hold the pipes open: wait no longer than that for last words.
        await asyncio.wait(self._drains, timeout=grace_s)
        for drain in self._drains:
            drain.cancel()
        await asyncio.gather(*self._drains, return_exceptions=True)
        return status

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        """Lines to the log, each cut to what is reasonable; the line `ready` sets the flag."""
        rest = b""
        while data := await stream.read(READ_BYTES):
            *lines, rest = (rest + data).split(b"\n")
            rest = rest[:MAX_LINE_BYTES]
            for line in lines:
                self._take(line)
        self._take(rest)

    def _take(self, line: bytes) -> None:
        text = line[:MAX_LINE_BYTES].decode("utf-8", "replace").strip()
        if text:
            self._log(text)
        if line.startswith(READY):
            self._ready.set()


_INHERITED = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "LD_LIBRARY_PATH",
        "DYLD_LIBRARY_PATH",
        "PYTHONPATH",
        "PYTHONHOME",
        "VIRTUAL_ENV",
        "SYSTEMROOT",
    }
)


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child needs of our environment; it holds vendors' keys, which are none of a child's business."""
    return {name: text for name, text in environ.items() if name in _INHERITED}
