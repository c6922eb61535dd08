"""Every file of both programs has its own test file at the mirrored path. The list of exemptions may only shrink."""

from tests.architecture.trees import ROOT, sources

UNTESTED = {
    "dialects/dialect.py",
    "relay/attempt.py",
    "relay/reply.py",
    "store/migrations/env.py",
    "store/migrations/versions/0001_first.py",
}


def mirror_of(name):
    """kilo_gateway/edge/routes.py -> tests/edge/test_routes.py, genesis/app.py -> tests/genesis/test_app.py"""
    room, _, file = name.removeprefix("kilo_gateway/").rpartition("/")
    return ROOT / "tests" / room / f"test_{file}"


def test_every_file_has_its_test_file():
    missing = {
        name.removeprefix("kilo_gateway/")
        for name, path in sources().items()
        if path.name not in {"__init__.py", "__main__.py"} and not mirror_of(name).is_file()
    }
    assert missing == UNTESTED, "write a test file for what is new; strike what has one now"
