"""For all rooms: nothing of this machine's own gateway, vendor keys or proxies gets into a test; one PostgreSQL."""

import os
from collections.abc import Iterator

import pytest

from kilo_gateway.upstreams.profiles import profiles
from tests.postgres import Postgres, server

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """Take out of the environment what `kilo-gateway up` or an SDK would use."""
    taken = {name for profile in profiles().values() for name in profile.env}
    taken |= {"OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"}
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            is_ours = name.startswith("KILO_GATEWAY")
            if is_ours or name in taken or name.lower() in _PROXIES:
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL for all tests; each makes a database of its own."""
    with server() as postgres:
        yield postgres
