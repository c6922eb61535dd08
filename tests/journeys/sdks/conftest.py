"""The gateway that all clients of this folder talk to."""

from collections.abc import Iterator

import pytest

from tests.gateways import Running, process, wait_for_model
from tests.journeys.sdks.rig import CONFIG


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway process of its own."""
    with process(tmp_path_factory.mktemp("sdks") / "home", CONFIG) as running:
        wait_for_model(running, "sim/echo")
        yield running
