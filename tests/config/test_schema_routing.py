"""The settings of routing name the policies that there are."""

from typing import get_args

import pytest

from kilo_gateway.config.schema_routing import PolicyName, RoutingSettings
from kilo_gateway.router.policies import POLICIES


@pytest.mark.parametrize("name", get_args(PolicyName))
def test_every_policy_that_may_be_set_exists(name: str) -> None:
    assert name in POLICIES


def test_what_is_left_out_is_as_it_always_was() -> None:
    assert RoutingSettings().policy == "priority"
