"""Every dialect has its way to and from the hub form, and says what it carries of every feature."""

import pytest

from kilo_gateway.dialects.features import Feature
from kilo_gateway.dialects.hub import Hub, Target
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.translate import hub_of


@pytest.mark.parametrize("name", DIALECTS)
def test_every_feature_has_its_place_in_the_table(name: str) -> None:
    hub: Hub = hub_of(name)
    assert set(hub.carries) == set(Feature)
    assert set(hub.carries_for(Target("m"))) == set(Feature)
    assert hub.title


@pytest.mark.parametrize("name", DIALECTS)
def test_readers_and_writers_are_fresh_ones(name: str) -> None:
    hub = hub_of(name)
    assert hub.reader("chat") is not hub.reader("chat")
