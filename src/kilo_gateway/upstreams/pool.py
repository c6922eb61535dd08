"""Pool: all connections of one upstream, with a cap, reuse, fair waiting and one timer for all deadlines.

The rules:
- A slot is the right to have a connection; there are `max_connections`. A connection that ends gives its slot to the
  call whose turn it is, else back. A connection that becomes free goes to that call too, so nobody overtakes.
- The connection used last is used next; those unused for `idle_s` (or what the server told) are closed.
- Everybody who waits has a deadline. One timer, running only while somebody waits, ends the waits that are over, so a
  deadline is met up to `sweep_s` late.
"""

import asyncio
from collections.abc import Iterable
from math import inf
from typing import cast, final

import msgspec

from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.upstreams.connection import Connection
from kilo_gateway.upstreams.dialer import Dialer
from kilo_gateway.upstreams.lanes import Lanes, Waiter
from kilo_gateway.upstreams.outbox import Outbox
from kilo_gateway.upstreams.target import Target

# How soon a call that found the pool full may try again: about one short reply.
_RETRY_AFTER_S = 1.0


class Timeouts(msgspec.Struct, frozen=True):
    """In seconds: to open a connection, to the head of a reply, and between two pieces of its body."""

    connect_s: float = 10.0
    first_byte_s: float = 600.0
    silence_s: float = 120.0


@final
class Pool:
    """Connections of one target. Use it from one event loop only.

    Requests to an http target behind a proxy are written differently: `request_target_prefix` goes before the path
    in the request line ("" or "http://host"), `request_headers` (whole lines) into the head.
    """

    def __init__(  # noqa: PLR0913 - settings of one upstream, all by keyword
        self,
        target: Target,
        *,
        dialer: Dialer,
        clock: Clock,
        timeouts: Timeouts = Timeouts(),  # noqa: B008 - a frozen value
        max_connections: int = 512,
        max_waiting: int = 10_000,
        idle_s: float = 60.0,
        sweep_s: float = 0.25,
        outbox: Outbox | None = None,
    ) -> None:
        self._outbox = outbox or Outbox()
        self.target = target
        self.timeouts = timeouts
        self.monotonic = clock.monotonic
        self._dialer = dialer
        self._max_connections = max_connections
        self._max_waiting = max_waiting
        self._idle_s = idle_s
        self._sweep_s = sweep_s
        self._slots_taken = 0
        self._connections: set[Connection] = set()
        self._transports = 0
        self._idle: list[Connection] = []
        self._lanes = Lanes()
        self._timer: asyncio.TimerHandle | None = None
        self.is_watching = False
        self._is_retired = False
        self._is_closed = False
        self._all_gone: asyncio.Event | None = None
        proxy = dialer.proxy_of(target)  # asked for https too: an unusable one is found out now
        if target.scheme == "https":
            proxy = None
        self.request_target_prefix = target.origin.encode() if proxy else b""
        credential = proxy.authorization.reveal() if proxy else ""
        self.request_headers = (
            f"Proxy-Authorization: {credential}\r\n".encode() if credential else b""
        )

    @property
    def open_count(self) -> int:
        """Connections that are open or being opened."""
        return self._slots_taken

    @property
    def idle_count(self) -> int:
        """Open connections that no exchange uses."""
        return len(self._idle)

    @property
    def waiting_count(self) -> int:
        """Calls that wait because the cap is reached."""
        return self._lanes.count

    def take(self) -> Connection | None:
        """The idle connection that was used last, or None."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            connection.is_idle = False
            transport = connection.transport
            is_open = transport is not None and not transport.is_closing()
            if is_open and connection.expires > self.monotonic():
                return connection
            self.drop(connection)
        return None

    async def acquire(self, lane: str, deadline: float) -> Connection:
        """A connection to write on at once: an idle one, a new one, or the next that is free when it is our turn.

        Raises Fault: OVERLOADED if too many wait or the deadline passes in the queue, UPSTREAM_CONNECT, DRAINING.
        """
        while not self._is_closed:
            connection = self.take()
            if connection is not None:
                return connection
            if self._slots_taken < self._max_connections:
                self._slots_taken += 1
                return await self._open(deadline)
            connection = await self._queue(lane, deadline)
            if connection is None:
                return await self._open(deadline)
            if connection.is_usable():
                return connection
            self.drop(connection)  # it ended between its release and our turn
        raise self._closed_fault()

    def release(self, connection: Connection) -> None:
        """Take back a connection whose exchange has ended: keep it if it may be used again, else abort it."""
        if self._is_retired or not connection.is_reusable():
            self.drop(connection)
            return
        reply = connection.reply
        announced = reply.headers.get(b"keep-alive")
        allowance_s = self._idle_s if announced is None else self._allowance_s(announced)
        if allowance_s <= 0:
            self.drop(connection)
            return
        connection.expires = self.monotonic() + allowance_s
        if reply.chunks:  # a body that nobody wanted
            connection.take()
        if self._lanes.count:
            waiter = self._next_waiter()
            if waiter is not None:
                waiter.future.set_result(connection)
                return
        connection.is_idle = True
        self._idle.append(connection)
        if self._timer is None:
            self._arm(allowance_s)

    def drop(self, connection: Connection) -> None:
        """Abort a connection and give its slot on."""
        connection.abort()
        self.lost(connection)

    def retire(self) -> None:
        """Close idle connections now and the others when their exchange ends; calls may still be sent."""
        self._is_retired = True
        for connection in tuple(self._idle):
            self.drop(connection)

    async def close(self) -> None:
        """Abort everything, fail those who wait, and return when every transport is closed."""
        self._is_retired = self._is_closed = True
        while (waiter := self._next_waiter()) is not None:
            waiter.future.set_exception(self._closed_fault())
        for connection in tuple(self._connections):
            self.drop(connection)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self.is_watching = False
        if self._transports:
            self._all_gone = asyncio.Event()
            await self._all_gone.wait()

    def _closed_fault(self) -> Fault:
        return Fault(
            Kind.DRAINING, "The gateway is shutting down; send the call again in a moment."
        )

    def _allowance_s(self, announced: bytes) -> float:
        """How long the connection may be idle: ours, or a second less than what the server announced."""
        for part in announced.split(b","):
            name, _, value = part.strip().partition(b"=")
            if name.lower() == b"timeout" and value.isdigit() and len(value) < 10:
                return min(self._idle_s, int(value) - 1.0)
        return self._idle_s

    async def _open(self, deadline: float) -> Connection:
        """Open a connection in a slot that is already ours; the slot is given on if that fails."""
        connection = Connection(self, asyncio.get_running_loop(), self._outbox)
        self._connections.add(connection)
        limit_s = min(self.timeouts.connect_s, deadline - self.monotonic())
        is_open = False
        try:
            async with asyncio.timeout(limit_s):
                # A Connection is a protocol by its methods; asyncio and uvloop ask for no more.
                await self._dialer.dial(self.target, cast("asyncio.Protocol", connection))
            is_open = True
        except TimeoutError:
            raise self._connect_fault(f"no connection within {limit_s:.3f} s") from None
        finally:
            if not is_open:
                self.drop(connection)
        return self._checked(connection)

    def _checked(self, connection: Connection) -> Connection:
        if self._is_closed:
            self.drop(connection)
            raise self._closed_fault()
        if not connection.is_usable():
            self.drop(connection)
            raise self._connect_fault("closed as soon as it was open")
        return connection

    def _connect_fault(self, detail: str) -> Fault:
        return Fault(
            Kind.UPSTREAM_CONNECT,
            f"Cannot connect to upstream {self.target.name}; check that it is running and its base URL is right.",
            detail=detail,
        )

    async def _queue(self, lane: str, deadline: float) -> Connection | None:
        """Wait for our turn: a free connection, or None for a slot that is now ours."""
        if self._lanes.count >= self._max_waiting:
            raise self._overloaded(f"{self._max_waiting} calls wait already")
        future: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
        waiter = Waiter(future, lane, deadline)
        self._lanes.push(waiter)
        self.watch()
        try:
            return await future
        except asyncio.CancelledError:
            self._lanes.remove(waiter)
            if future.done() and not future.cancelled() and future.exception() is None:
                self._give_on(future.result())
            raise

    def _give_on(self, granted: Connection | None) -> None:
        """What was granted to a call that left at the same moment goes to the next."""
        if granted is None:
            self._free_slot()
        else:
            self.release(granted)

    def _overloaded(self, detail: str) -> Fault:
        return Fault(
            Kind.OVERLOADED,
            f"All connections to upstream {self.target.name} are in use; try again in a moment.",
            detail=f"cap {self._max_connections}; {detail}",
            retry_after=_RETRY_AFTER_S,
        )

    def _free_slot(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._slots_taken -= 1
        else:
            waiter.future.set_result(None)

    def _next_waiter(self) -> Waiter | None:
        """The waiter whose turn it is, without those who were cancelled and had no time yet to leave."""
        while (waiter := self._lanes.pop()) is not None:
            if not waiter.future.done():
                return waiter
        return None

    # Called by connections.

    def lost(self, connection: Connection) -> None:
        """A connection cannot be used any more: forget it and give its slot on. Saying it twice is harmless."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        if connection.is_idle:
            connection.is_idle = False
            self._idle.remove(connection)
        self._free_slot()

    def made(self) -> None:
        """A transport is open."""
        self._transports += 1

    def gone(self) -> None:
        """A transport is closed; `close` waits for the last."""
        self._transports -= 1
        if self._transports == 0 and self._all_gone is not None:
            self._all_gone.set()

    def watch(self) -> None:
        """Somebody waits with a deadline: see that the timer runs."""
        if not self.is_watching:
            self.is_watching = True
            self._arm(self._sweep_s)

    # The timer.

    def _arm(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = self.monotonic()
        self.is_watching = self._end_waits(now)
        self._end_queueing(now)
        self._close_expired(now)
        if self.is_watching or self._lanes.count:
            self.is_watching = True
            self._arm(self._sweep_s)
        elif self._idle:
            first = min(connection.expires for connection in self._idle)
            self._arm(max(first - now, self._sweep_s))

    def _end_waits(self, now: float) -> bool:
        """End the waits on connections that are over; whether others go on."""
        goes_on = False
        for connection in self._connections:
            if connection.deadline <= now:
                connection.expire()
            elif connection.deadline != inf:
                goes_on = True
        return goes_on

    def _end_queueing(self, now: float) -> None:
        late: Iterable[Waiter] = [waiter for waiter in self._lanes if waiter.deadline <= now]
        for waiter in late:
            self._lanes.remove(waiter)
            if not waiter.future.done():
                waiter.future.set_exception(
                    self._overloaded("none became free before the deadline")
                )

    def _close_expired(self, now: float) -> None:
        for connection in tuple(self._idle):
            if connection.expires <= now or not connection.is_usable():
                self.drop(connection)
