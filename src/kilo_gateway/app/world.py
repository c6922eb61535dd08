"""Fleet and settings -> the World that calls see. Built whole, then put in force by one assignment."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from kilo_gateway.app.fleet import Fleet
from kilo_gateway.app.home import Home, read_salt
from kilo_gateway.catalog.build import Knowledge, build
from kilo_gateway.catalog.facts import load_facts
from kilo_gateway.catalog.price_table import PriceFinder, PriceTable
from kilo_gateway.catalog.snapshot import Snapshot, make_snapshot
from kilo_gateway.config.compile import aliases, overrides, terms
from kilo_gateway.config.schema import Settings
from kilo_gateway.core.clock import Clock
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.dialects.rules.table import in_force
from kilo_gateway.edge.service import EdgeLimits, World
from kilo_gateway.relay.mending import Mending
from kilo_gateway.relay.view import View
from kilo_gateway.upstreams.profiles import profiles

# As long as the public gateway's own limit; longer where an upstream is given more time.
PATIENCE_S = 600.0


def build_snapshot(fleet: Fleet, settings: Settings, prices: PriceTable, clock: Clock) -> Snapshot:
    """The catalog and what goes with it, as of now."""
    now = clock.wall()
    knowledge = Knowledge(
        facts=load_facts(),
        price_of=PriceFinder(prices, datetime.fromtimestamp(now, UTC).date()),
        overrides=overrides(settings),
        policy=settings.routing.policy,
    )
    sources = [member.source() for member in fleet.members.values()]
    return make_snapshot(
        build(sources, aliases(settings), knowledge),
        settings.auto.preference,
        made_at=now,
        own_names=_own_names(fleet),
    )


def _own_names(fleet: Fleet) -> frozenset[str]:
    """Names of our upstreams, and of servers on loopback even if none runs: no router is ever asked in their place."""
    on_loopback = (name for name, row in profiles().items() if row.loopback_port is not None)
    sites = (member.plan.site.names for member in fleet.members.values())
    return frozenset(on_loopback).union(*sites)


def build_world(
    fleet: Fleet, settings: Settings, prices: PriceTable, clock: Clock, home: Home
) -> World:
    """Everything that a call sees, as of now. Raises OSError if hashes are wanted and their salt cannot be kept."""
    rules = in_force(msgspec.structs.asdict(settings.rules))
    salt = read_salt(home.salt) if settings.rules.hashed_users else b""
    snapshot = build_snapshot(fleet, settings, prices, clock)
    return World(
        snapshot=snapshot,
        view=View(
            names=snapshot,
            upstreams=fleet.upstreams,
            terms=terms(settings),
            mending=Mending(rules, salt),
        ),
        limits=EdgeLimits(
            max_body_bytes=settings.server.max_body_bytes,
            cors_origins=settings.server.cors_origins,
            shows_metrics=settings.telemetry.metrics,
            patience_s=max([PATIENCE_S, *(one.first_byte_s for one in fleet.upstreams.values())]),
        ),
    )


def deployment_ids(world: World) -> frozenset[str]:
    """Identities of all deployments, to forget the health of those that are gone."""
    models: Iterable[tuple[Deployment, ...]] = (
        model.deployments for model in world.snapshot.catalog.models.values()
    )
    return frozenset(deployment.id for group in models for deployment in group)
