"""Every file of the gateway has its own test file at the mirrored path. The list of exemptions may only shrink."""

from tests.architecture.trees import ROOT, sources

UNTESTED = {
    "app/accounts.py",
    "app/background.py",
    "app/fleet.py",
    "app/gateway.py",
    "app/home.py",
    "app/ledger.py",
    "app/offline.py",
    "app/plans.py",
    "app/pricing.py",
    "app/server.py",
    "app/world.py",
    "cli/main.py",
    "cli/serve.py",
    "cli/serving.py",
    "cli/up.py",
    "config/compile.py",
    "dialects/dialect.py",
    "edge/app.py",
    "edge/generate.py",
    "edge/listener.py",
    "edge/listing.py",
    "edge/reply.py",
    "edge/service.py",
    "relay/attempt.py",
    "relay/relay.py",
    "relay/reply.py",
    "relay/run.py",
    "relay/view.py",
    "store/migrations/env.py",
    "store/migrations/versions/0001_first.py",
    "upstreams/upstream.py",
}


def mirror_of(name):
    """kilo_gateway/edge/routes.py -> tests/edge/test_routes.py"""
    room, _, file = name.removeprefix("kilo_gateway/").rpartition("/")
    return ROOT / "tests" / room / f"test_{file}"


def test_every_file_has_its_test_file():
    missing = {
        name.removeprefix("kilo_gateway/")
        for name, path in sources().items()
        if name.startswith("kilo_gateway/")
        and path.name not in {"__init__.py", "__main__.py"}
        and not mirror_of(name).is_file()
    }
    assert missing == UNTESTED, "write a test file for what is new; strike what has one now"
