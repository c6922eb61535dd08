"""What one provider offers now."""

import pytest

from genesis.commands.model_discovery import discovered
from genesis.core.fault import GenesisError
from tests.genesis.commands.homes import CFG_MIN, NOWHERE, Home


def test_a_gateway_tells_its_models(home: Home, gateway: str) -> None:
    home.configure(CFG_MIN, gateway)
    found = discovered(home.open(), "kilocode", pytest.fail)
    assert [model.id for model in found["kilocode"]] == ["kilo/auto", "anthropic/claude-sonnet-4"]


def test_one_that_is_away_leaves_the_static_models_and_a_warning(home: Home) -> None:
    home.configure(CFG_MIN, NOWHERE)
    warnings: list[str] = []
    found = discovered(home.open(), "kilocode", warnings.append)
    assert [model.id for model in found["kilocode"]] == ["kilo/auto"]
    assert [text.startswith("Discovery failed: ") for text in warnings] == [True]


def test_one_that_is_switched_off_is_not_asked(home: Home) -> None:
    home.configure({"plugins": {"deny": ["kilocode"]}})
    with pytest.raises(GenesisError, match="switched off in the settings"):
        discovered(home.open(), "kilocode", pytest.fail)
