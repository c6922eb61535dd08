"""The same parts without a server, for `check`, `models` and `explain`."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from kilo_gateway.app.fleet import Fleet, list_models, open_upstream
from kilo_gateway.app.home import Home, read_lists
from kilo_gateway.app.plans import BuiltIn, Plans
from kilo_gateway.app.pricing import Prices
from kilo_gateway.app.world import build_snapshot
from kilo_gateway.catalog.catalog import Catalog
from kilo_gateway.catalog.snapshot import Snapshot
from kilo_gateway.config.compile import UpstreamPlan
from kilo_gateway.config.load import Loaded
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.fault import Fault
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Plan
from kilo_gateway.router.health import Health
from kilo_gateway.router.planner import Asked, Circumstances, plan
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.dialer import Dialer


class ProbeResult(msgspec.Struct, frozen=True):
    """What one upstream answered when asked for its models."""

    upstream: str
    ok: bool
    status: int | None
    models: int | None
    latency_ms: float | None
    message: str


class Offline:
    """A fleet without a server: configured and found upstreams with the models that they named, listed, or list now."""

    def __init__(self, loaded: Loaded, environ: Mapping[str, str], home: Path) -> None:
        self.clock = SystemClock()
        log = Log(lambda _lines: None, self.clock)
        files = Home(home)
        self.loaded = loaded
        self.dialer = Dialer(environ)
        self.plans = Plans(environ, BuiltIn(self.clock, log), finds_upstreams=loaded.path is None)
        self.plans.use(loaded)
        self.fleet = Fleet(self.dialer, self.clock, log, read_lists(files.models))
        self.prices = Prices(files.prices, log)

    def _built_in(self) -> Iterator[UpstreamPlan]:
        """What the gateway would run itself: all of it without a file (`up`), else what the settings switch on."""
        settings, is_up = self.loaded.settings, self.loaded.path is None
        wanted = {
            "local": settings.local_model.enabled
            or (is_up and settings.local_model.enabled is None),
            "sim": settings.simulator.enabled or (is_up and settings.simulator.enabled is None),
        }
        return (plan for plan in BuiltIn.planned() if wanted[plan.name])

    async def snapshot(self) -> Snapshot:
        """The catalog as of now: upstreams whose list is not known yet are asked for it."""
        await self.plans.probe_loopback()
        self.fleet.set([*self.plans.all(), *self._built_in()])
        unknown = [name for name, member in self.fleet.members.items() if member.listed is None]
        await asyncio.gather(self.fleet.refresh(unknown), self.prices.load())
        for member in self.fleet.members.values():
            await member.upstream.pool.close()
        return build_snapshot(self.fleet, self.loaded.settings, self.prices.table, self.clock)


async def offline_catalog(loaded: Loaded, environ: Mapping[str, str], home: Path) -> Catalog:
    """The models that a gateway with these settings would offer. Raises ValueError for unusable settings."""
    return (await Offline(loaded, environ, home).snapshot()).catalog


async def explain(
    loaded: Loaded,
    environ: Mapping[str, str],
    home: Path,
    asked: Asked,
    grant: Grant,
) -> Plan:
    """The plan of a call, as a gateway that has just started would make it. Raises Fault."""
    offline = Offline(loaded, environ, home)
    snapshot = await offline.snapshot()
    at = Circumstances(Health(), offline.clock.monotonic(), lambda: 0.5)
    return plan(asked, grant, snapshot, at)


async def probe(loaded: Loaded, environ: Mapping[str, str], home: Path) -> list[ProbeResult]:
    """Ask every upstream of the settings (and, without a file, of the environment) for its models."""
    offline = Offline(loaded, environ, home)
    plans = offline.plans.all()
    return list(await asyncio.gather(*(_probe(row, offline) for row in plans)))


async def _probe(row: UpstreamPlan, offline: Offline) -> ProbeResult:
    try:
        upstream = open_upstream(row, offline.dialer, offline.clock)
    except ValueError as error:
        return ProbeResult(row.name, False, None, None, None, str(error))
    started = offline.clock.monotonic()
    if "no_models_list" in row.profile.quirks:
        named = None if row.models is None else len(row.models)
        return ProbeResult(row.name, True, None, named, None, "has no list of models to ask for")
    try:
        listed = await list_models(upstream, offline.clock)
    except Fault as fault:
        return ProbeResult(row.name, False, fault.status, None, None, fault.message)
    finally:
        await upstream.pool.close()
    took_ms = (offline.clock.monotonic() - started) * 1000
    missing = sorted(set(row.models or ()) - {model.id for model in listed})
    message = f"does not list {', '.join(missing[:3])}" if missing else ""
    return ProbeResult(row.name, not missing, 200, len(listed), took_ms, message)
