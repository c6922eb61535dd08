"""Fleet and settings -> the World that calls see."""

from pathlib import Path

from kilo_gateway.app.fleet import Fleet
from kilo_gateway.app.home import Home
from kilo_gateway.app.world import build_world, deployment_ids
from kilo_gateway.catalog.price_table import no_prices
from kilo_gateway.config.compile import configured_plans
from kilo_gateway.config.load import load
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.edge.service import World
from kilo_gateway.telemetry.log import Log
from kilo_gateway.upstreams.dialer import Dialer
from tests.talk import upstream

CONFIG = """
[server]
max_body_bytes = 2048
cors_origins = ["https://app.example"]
max_reply_bytes = 4096
[routing]
max_attempts = 7
retry_after_max_s = 3.0
[aliases]
best = ["m", "n"]
[auto]
preference = ["n"]
[models.m]
input_price = 1.5
"""


def _world(tmp_path: Path, config: str) -> World:
    path = tmp_path / "config.toml"
    path.write_text(config)
    loaded = load(path, {})
    clock = SystemClock()
    fleet = Fleet(Dialer({}), clock, Log([].append, clock), {})
    fleet.set(configured_plans(loaded.settings, {}, loaded.base))
    return build_world(fleet, loaded.settings, no_prices(), clock, Home(tmp_path))


def test_settings_become_limits_terms_and_names(tmp_path: Path) -> None:
    config = CONFIG + upstream("a", 1, models=["m", "n"]) + upstream("b", 2)
    world = _world(tmp_path, config)
    assert world.limits.max_body_bytes == 2048
    assert world.limits.cors_origins == ("https://app.example",)
    terms = world.view.terms
    assert (terms.max_attempts, terms.retry_after_max_s, terms.max_reply_bytes) == (7, 3.0, 4096)
    assert {row.upstream for row in world.snapshot.candidates("m")} == {"a", "b"}
    assert [row.model for row in world.snapshot.candidates("best")][-1] == "n"
    assert world.snapshot.auto_candidates()[0][0].model == "n"
    [price] = {row.price for row in world.snapshot.candidates("m")}
    assert price is not None
    assert price.input == 1_500_000_000
    assert world.view.names is world.snapshot
    assert set(world.view.upstreams) == {"a", "b"}


def test_policies_and_names_of_upstreams_follow_the_settings(tmp_path: Path) -> None:
    config = '[routing]\npolicy = "weighted"\n[models.n]\npolicy = "cheapest"\n'
    config += upstream("a", 1, models=["m", "n"]) + upstream("router", 2, vendor="openrouter")
    world = _world(tmp_path, config)
    policies = {one.model: one.policy for name in "mn" for one in world.snapshot.candidates(name)}
    assert policies == {"m": "weighted", "n": "cheapest"}
    # Servers on loopback are ours even if none runs: what is meant for them goes to no router.
    names = ("a", "router", "openrouter", "ollama", "alibaba")
    assert [world.snapshot.is_ours(name) for name in names] == [True, True, True, True, False]
    sites = {one.upstream: one.site for one in world.snapshot.candidates("m")}
    assert (sites["a"].is_router, sites["router"].is_router) == (False, True)


def test_every_deployment_has_its_identity(tmp_path: Path) -> None:
    world = _world(tmp_path, upstream("a", 1, models=["m", "n"]) + upstream("b", 2))
    assert deployment_ids(world) == {"a/m", "a/n", "b/m"}


def test_nothing_configured_is_a_world_without_models(tmp_path: Path) -> None:
    world = _world(tmp_path, "")
    assert deployment_ids(world) == frozenset()
    assert world.snapshot.candidates("m") == ()
