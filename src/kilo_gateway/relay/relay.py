"""The story of a call: plan it, run it, and be there while it runs.

A call comes with the Snapshot of the moment it arrived and keeps it to its end. The relay knows every run in progress:
it sends keep-alive comments where a stream is silent, and at the end of a drain it ends what is left.
"""

import asyncio
from collections.abc import Callable

from kilo_gateway.core.call import Call
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.relay.planning import planned
from kilo_gateway.relay.reply import Reply
from kilo_gateway.relay.run import Run
from kilo_gateway.relay.settle import Books
from kilo_gateway.relay.view import View
from kilo_gateway.router.planner import sole

_SWEEP_S = 1.0


class Relay:
    """Runs calls. One per process."""

    def __init__(self, books: Books, dice: Callable[[], float], tasks: asyncio.TaskGroup) -> None:
        self._books = books
        self._dice = dice
        self._tasks = tasks
        self._runs: set[Run] = set()
        self._is_idle = asyncio.Event()
        self._inside = 0
        books.metrics.in_progress = self._counts

    @property
    def running(self) -> int:
        """Calls in progress."""
        return len(self._runs)

    def begin(self, call: Call, grant: Grant, reply: Reply, view: View) -> Run:
        """Plan a call: its run, to be awaited. Raises Fault if there is no way to answer it."""
        books = self._books
        candidates = None
        if not call.models and call.wishes is None:
            candidates = sole(
                call.model,
                call.operation,
                grant,
                view.names,
                books.health,
                call.arrived,
                call.dialect,
            )
        if candidates is None:
            call, candidates = planned(call, grant, view.names, books, self._dice)
        run = Run(call, grant, candidates, reply, view, books, call.arrived)
        self._runs.add(run)
        return run

    @property
    def in_progress(self) -> int:
        """Calls in progress, those whose body is still arriving included."""
        return self._inside

    def let_in(self) -> None:
        """A call begins: it is in progress while its body is still on its way. `let_out` must follow."""
        self._inside += 1

    def let_out(self, run: Run | None) -> None:
        """A call has ended, with its run if it came so far."""
        if run is not None:
            self._runs.discard(run)
        self._inside -= 1
        if not self._inside:
            self._is_idle.set()

    def _counts(self) -> tuple[int, int]:
        return len(self._runs), sum(run.call.stream for run in self._runs)

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait until no call is in progress; False if some still are after that time."""
        self._is_idle.clear()
        if not self._inside:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._is_idle.wait()
        except TimeoutError:
            return False
        return True

    async def sweep(self, comment_interval_s: Callable[[], float]) -> None:
        """Send keep-alive comments where they are due, for ever."""
        clock = self._books.clock
        while True:
            await asyncio.sleep(_SWEEP_S)
            interval = comment_interval_s()
            if interval <= 0:
                continue
            now = clock.monotonic()
            for run in list(self._runs):
                since = run.is_silent_since
                if since is not None and now - since >= interval:
                    self._tasks.create_task(self._keep_alive(run))

    async def _keep_alive(self, run: Run) -> None:
        try:
            await run.keep_alive()
        except Exception as error:  # noqa: BLE001 - in the gateway's task group, where one failure would end it all
            self._books.log.write("debug", "keep-alive not sent", detail=str(error))

    def cut_short(self) -> int:
        """The time to drain is over: end every call with a proper error. Gives how many there were."""
        runs = list(self._runs)
        for run in runs:
            run.drained = Fault(
                Kind.DRAINING,
                "The gateway is being restarted: send the request again.",
                retry_after=1.0,
            )
            run.reply.cut()
        return len(runs)
