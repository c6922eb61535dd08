"""The running gateway: start, background work, reload, drain. Every background task is made here."""

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from kilo_gateway import __version__
from kilo_gateway.app.accounts import Accounts
from kilo_gateway.app.background import Background
from kilo_gateway.app.fleet import Fleet
from kilo_gateway.app.home import Home, read_lists, write_whole
from kilo_gateway.app.ledger import LedgerKeeper
from kilo_gateway.app.plans import BuiltIn, Plans
from kilo_gateway.app.pricing import Prices
from kilo_gateway.app.reload import GatewayLog, InForce, waiting_for_restart
from kilo_gateway.app.server import Server, listen
from kilo_gateway.app.world import build_world, deployment_ids
from kilo_gateway.config.load import Loaded
from kilo_gateway.config.watch import Watch
from kilo_gateway.core.clock import Clock, SystemClock
from kilo_gateway.core.fault import Fault
from kilo_gateway.edge.app import EdgeApp
from kilo_gateway.edge.guard import Guard
from kilo_gateway.edge.service import Service, World
from kilo_gateway.keys.secret import Minted
from kilo_gateway.ledger.entry import EntryIds
from kilo_gateway.relay.relay import Relay
from kilo_gateway.relay.settle import Books
from kilo_gateway.router.health import Health
from kilo_gateway.telemetry.metrics import Metrics
from kilo_gateway.upstreams.dialer import Dialer
from kilo_gateway.upstreams.upstream import Upstream

DISCOVERY_S = 300.0
_STARTING_DISCOVERY_S = (2.0, 5.0, 15.0, 60.0)
_WATCH_S = 1.0
_LAG_S = 0.5
_FLUSH_S = 0.2
_WRITE_UP_S = 0.005
_SWEEP_S = 1.0
_TOKENS_S = 1.0
_LAST_WORDS_S = 2.0


class Start(msgspec.Struct, frozen=True):
    """How to start: settings as loaded and how to load them again, where the state is, and what is found by itself.

    `finds_upstreams`: those of the environment and on loopback are used (`up`). `mints_first_key`: the very first start
    makes a key. `database_url` names its driver; empty is the embedded one.
    """

    loaded: Loaded
    reload: Callable[[], Loaded]
    environ: Mapping[str, str]
    home: Home
    database_url: str
    finds_upstreams: bool
    mints_first_key: bool
    has_local_model: bool
    has_simulator: bool
    host: str
    port: int


class Ready(msgspec.Struct, frozen=True):
    """What the one who started the gateway may tell: where it listens, the first key, and what it has."""

    host: str
    port: int
    first_key: Minted | None
    upstreams: tuple[str, ...]
    local_model_problem: str


class Gateway:
    """One gateway process."""

    def __init__(self, start: Start, write_log: Callable[[str], object]) -> None:
        settings = start.loaded.settings
        self._start = start
        self._settings = settings
        self._clock: Clock = SystemClock()
        self.metrics = Metrics()
        self.log = GatewayLog(write_log, self._clock)
        self.log.use(settings.telemetry)
        self.accounts = Accounts(start.home, self._clock, self.log)
        self._ledger = LedgerKeeper(start.home, start.database_url, self._clock, self.log)
        self._prices = Prices(start.home.prices, self.log)
        self._health = Health()
        self._built_in = BuiltIn(self._clock, self.log)
        self._fleet = Fleet(
            Dialer(start.environ),
            self._clock,
            self.log,
            read_lists(start.home.models),
            gates={"local": self._built_in.wait_ready},
        )
        self._plans = Plans(start.environ, self._built_in, finds_upstreams=start.finds_upstreams)
        self._stop = asyncio.Event()
        self._reload = asyncio.Event()
        self._new_id = EntryIds(self._clock).next
        self._renewing = asyncio.Lock()
        self._service: Service | None = None
        self._in_force: InForce | None = None
        self._write_up: Callable[[], None] = lambda: None

    def stop(self) -> None:
        """Begin to drain, then end. Safe to call more than once; the second time ends at once."""
        if self._stop.is_set() and self._service is not None:
            self._cut_short()
        self._stop.set()

    async def run(self, on_ready: Callable[[Ready], None]) -> None:
        """Serve until stopped. Raises Fault or OSError when the start fails."""
        start, settings = self._start, self._settings
        journal = self._ledger.open_journal()
        with listen(start.host, start.port) as listener:
            # Not before the address is ours: a start that fails here must not swallow the key that it would print.
            first_key = self.accounts.start(mints_first_key=start.mints_first_key)
            await self._built_in.start(
                settings, local_model=start.has_local_model, simulator=start.has_simulator
            )
            self._plans.use(start.loaded)
            self._fleet.set(self._plans.all())
            books = Books(
                journal=journal,
                health=self._health,
                metrics=self.metrics,
                log=self.log,
                clock=self._clock,
                new_id=self._new_id,
                later=partial(asyncio.get_running_loop().call_later, _WRITE_UP_S),
            )
            self._write_up = books.write_up
            async with asyncio.TaskGroup() as tasks:
                dice = random.SystemRandom().random
                relay = Relay(books, dice, tasks)
                self._service = service = self._make_service(relay)
                self._gauges()
                guard = Guard(
                    EdgeApp(service),
                    self._clock.monotonic,
                    outbox=self._fleet.outbox,
                    new_id=self._new_id,
                )
                self._in_force = InForce(self.log, self._health, books, guard)
                self._in_force.use(settings)
                server = Server(guard, listener)
                await server.start()
                background = Background(tasks, self.log)
                self._start_background(background, relay, guard)
                host, port = listener.getsockname()[:2]
                on_ready(
                    Ready(
                        host,
                        port,
                        first_key,
                        tuple(self._fleet.members),
                        self._built_in.problem,
                    )
                )
                await self._stop.wait()
                await self._drain(relay)
                await server.stop()
                books.write_up()
                background.cancel()
                await self._end()

    def _make_service(self, relay: Relay) -> Service:
        return Service(
            world=self._build_world(),
            grants=self.accounts.grants,
            relay=relay,
            clock=self._clock,
            metrics=self.metrics,
            log=self.log,
            readiness=self._readiness,
            render_metrics=self._render_metrics,
            new_id=self._new_id,
            version=__version__,
        )

    def _gauges(self) -> None:
        self.metrics.gauges["kilo_gateway_upstream_connections"] = self._fleet.connections
        self.metrics.gauges["kilo_gateway_ledger"] = self._ledger.gauge

    def _render_metrics(self) -> bytes:
        # Late: the library is needed from the first scrape on, not to answer the first call.
        from kilo_gateway.telemetry.exposition import Exposition  # noqa: PLC0415

        self._write_up()
        return Exposition(self.metrics).render()

    def _readiness(self) -> tuple[bool, dict[str, str]]:
        """Ready with or without the database: rights come from the file, entries wait in the spool."""
        has_rights = self.accounts.is_from_store or len(self.accounts.grants) > 0
        parts = {
            "keys": "from the store" if self.accounts.is_from_store else "from the file",
            "ledger": self._ledger.state,
            "upstreams": str(len(self._fleet.members)),
            "local model": self._built_in.state,
        }
        return has_rights, parts

    def _start_background(self, background: Background, relay: Relay, guard: Guard) -> None:
        background.keep("log", self._every(_FLUSH_S, self.log.flush))
        background.keep("lag", self._watch_lag)
        background.keep("slow clients", self._every(_SWEEP_S, guard.sweep))
        background.keep(
            "keep-alive", lambda: relay.sweep(lambda: self._settings.server.comment_interval_s)
        )
        background.keep("ledger", lambda: self._ledger.run(self._prices.of_entry, self.accounts))
        background.keep("spool", self._ledger.keep_synced)
        background.keep("prices", self._load_prices)
        background.keep("discovery", self._discover)
        background.keep("tokens", self._renew_tokens)
        background.keep("local model", self._built_in.run)
        background.keep("settings", self._follow_settings)

    def _every(self, seconds: float, work: Callable[[], object]) -> Callable[[], Awaitable[None]]:
        async def loop() -> None:
            while True:
                await asyncio.sleep(seconds)
                work()

        return loop

    async def _renew_tokens(self) -> None:
        while True:
            await self._fleet.renew_tokens()
            await asyncio.sleep(_TOKENS_S)

    async def _watch_lag(self) -> None:
        monotonic = self._clock.monotonic
        while True:
            due = monotonic() + _LAG_S
            await asyncio.sleep(_LAG_S)
            self.metrics.loop_lag.observe(max(0.0, monotonic() - due))

    async def _load_prices(self) -> None:
        if await self._prices.load():
            await self._renew_world()

    async def _discover(self) -> None:
        """Find servers on loopback, ask all upstreams for their models; again while starting, then now and then."""
        pauses = iter(_STARTING_DISCOVERY_S)
        while True:
            changed = await self._plans.probe_loopback()
            if changed:
                self._retire(self._fleet.set(self._plans.all()))
            if await self._fleet.refresh() or changed:
                await self._renew_world()
                with suppress(OSError):
                    await asyncio.to_thread(
                        write_whole, self._start.home.models, self._fleet.cache()
                    )
            await asyncio.sleep(next(pauses, DISCOVERY_S))

    def _build_world(self) -> World:
        return build_world(
            self._fleet, self._settings, self._prices.table, self._clock, self._start.home
        )

    async def _renew_world(self) -> None:
        """Put fleet, settings and prices as they are now in force. Built in a thread: a large catalog takes a while."""
        service = self._service
        if service is not None:
            async with self._renewing:
                service.world = await asyncio.to_thread(self._build_world)
                self._health.forget(deployment_ids(service.world))

    async def _follow_settings(self) -> None:
        """Reload on SIGHUP or when the file has changed. A bad file leaves the old settings serving, and says so."""
        loop = asyncio.get_running_loop()
        # Outside a main thread there are no signals, and elsewhere than on POSIX no SIGHUP: the watch below remains.
        with suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(signal.SIGHUP, self._reload.set)
        path = self._start.loaded.path
        watch = Watch(path) if path is not None else None
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_S):
                    await self._reload.wait()
            if self._reload.is_set() or (watch is not None and watch.changed()):
                self._reload.clear()
                await self._take_settings(await asyncio.to_thread(self._start.reload))

    async def _take_settings(self, loaded: Loaded) -> None:
        before = self._plans.configured
        left: list[Upstream] = []
        try:
            problems = "; ".join(str(problem) for problem in loaded.errors[:5])
            if loaded.ok:
                self._plans.use(loaded)
                left = self._fleet.set(self._plans.all())
        except (Fault, ValueError) as error:
            self._plans.configured = before
            problems = str(error)
        if problems:
            self.log.write(
                "error",
                "settings not reloaded, the old ones stay",
                file=_shown(loaded.path),
                problem=problems,
            )
            return
        self._settings = loaded.settings
        if self._in_force is not None:
            self._in_force.use(loaded.settings)
        self._retire(left)
        await self._renew_world()
        waiting = waiting_for_restart(self._start.loaded.settings, loaded.settings)
        self.log.write(
            "warning" if waiting else "info",
            "settings reloaded",
            file=_shown(loaded.path),
            restart_to_apply=", ".join(waiting) or None,
        )

    def _retire(self, upstreams: list[Upstream]) -> None:
        for upstream in upstreams:
            upstream.pool.retire()

    async def _drain(self, relay: Relay) -> None:
        """New calls are sent elsewhere, running ones may finish; what is left at the end gets a proper error."""
        service = self._service
        if service is None:
            return
        service.is_draining = True
        limit_s = self._settings.server.drain_s
        if relay.in_progress:
            self.log.write("info", "draining", calls=relay.in_progress, limit_s=limit_s)
        if not await relay.wait_idle(limit_s):
            self._cut_short()
            await relay.wait_idle(_LAST_WORDS_S)

    def _cut_short(self) -> None:
        if self._service is not None:
            count = self._service.relay.cut_short()
            self.log.write("warning", "calls ended before their time", calls=count)

    async def _end(self) -> None:
        await self._built_in.stop()
        for member in self._fleet.members.values():
            await member.upstream.pool.close()
        self.log.flush()

    def close(self) -> None:
        """After `run`: give the spool back."""
        self._write_up()
        self._ledger.shut()
        self.log.flush()


def _shown(path: Path | None) -> str | None:
    return None if path is None else str(path)
