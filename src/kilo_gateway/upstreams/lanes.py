"""Lanes: who waits for a connection. Lanes take turns; inside a lane the first come is the first served."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from kilo_gateway.upstreams.connection import Connection


@final
class Waiter:
    """One call that waits. `future` gets a free connection, or None: leave to open one. `deadline` is monotonic."""

    __slots__ = ("deadline", "future", "lane")

    def __init__(
        self, future: "asyncio.Future[Connection | None]", lane: str, deadline: float
    ) -> None:
        self.future = future
        self.lane = lane
        self.deadline = deadline


@final
class Lanes:
    """Queue of waiters, fair over lanes: a lane with a thousand waiters delays another lane's first by one turn.

    Every operation is O(1), so that a flood of calls that come and leave costs nothing but its own work.
    """

    __slots__ = ("_lanes", "count")

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, OrderedDict[Waiter, None]] = OrderedDict()
        self.count = 0

    def push(self, waiter: Waiter) -> None:
        """Put a waiter at the end of its lane; a new lane goes to the end of the round."""
        self._lanes.setdefault(waiter.lane, OrderedDict())[waiter] = None
        self.count += 1

    def pop(self) -> Waiter | None:
        """Take the waiter whose turn it is; its lane goes to the end of the round."""
        if not self._lanes:
            return None
        name = next(iter(self._lanes))
        lane = self._lanes[name]
        waiter, _ = lane.popitem(last=False)
        self.count -= 1
        if lane:
            self._lanes.move_to_end(name)
        else:
            del self._lanes[name]
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Let a waiter leave; nothing happens if it is not here any more."""
        lane = self._lanes.get(waiter.lane)
        if lane is None or waiter not in lane:
            return
        del lane[waiter]
        self.count -= 1
        if not lane:
            del self._lanes[waiter.lane]

    def __iter__(self) -> Iterator[Waiter]:
        for lane in self._lanes.values():
            yield from lane
