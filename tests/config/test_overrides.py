"""The environment sets single values, and its mistakes are told by the variable's name."""

import pytest

from kilo_gateway.config.overrides import overrides, variables_known


@pytest.mark.parametrize(
    ("variable", "text", "path", "value"),
    [
        ("KILO_GATEWAY__SERVER__PORT", "4100", ("server", "port"), 4100),
        ("KILO_GATEWAY__SERVER__DRAIN_S", " 1.5", ("server", "drain_s"), 1.5),
        ("KILO_GATEWAY__SERVER__COST_IN_BODY", "false", ("server", "cost_in_body"), False),
        ("KILO_GATEWAY__LOCAL_MODEL__ENABLED", "true", ("local_model", "enabled"), True),
        ("KILO_GATEWAY__SERVER__HOST", "4100", ("server", "host"), "4100"),
        ("KILO_GATEWAY__TELEMETRY__LOG_FORMAT", "json", ("telemetry", "log_format"), "json"),
        ("KILO_GATEWAY__SERVER__PORT", "many", ("server", "port"), "many"),
        ("KILO_GATEWAY_HOME", "/x", ("state", "home"), "/x"),
    ],
)
def test_a_variable_sets_the_value_of_its_kind(
    variable: str, text: str, path: tuple[str, str], value: object
) -> None:
    layer = overrides({variable: text})
    assert layer.values == {path: value}
    assert type(layer.values[path]) is type(value)
    assert layer.variables == {path: variable}


def test_the_longer_name_of_the_home_wins() -> None:
    layer = overrides({"KILO_GATEWAY_HOME": "/a", "KILO_GATEWAY__STATE__HOME": "/b"})
    assert layer.values == {("state", "home"): "/b"}


def test_an_unknown_variable_is_wrong_with_a_suggestion() -> None:
    layer = overrides({"KILO_GATEWAY__SERVR__PORT": "1"})
    assert layer.wrong["KILO_GATEWAY__SERVR__PORT"].suggestion == "KILO_GATEWAY__SERVER__PORT"


@pytest.mark.parametrize(
    "variable",
    [
        "KILO_GATEWAY__SERVER__CORS_ORIGINS",
        "KILO_GATEWAY__UPSTREAMS__NAME",
        "KILO_GATEWAY__ALIASES__FAST",
    ],
)
def test_lists_and_tables_are_told_to_belong_into_the_file(variable: str) -> None:
    assert "set it in the file" in overrides({variable: "x"}).wrong[variable].message


def test_other_variables_are_left_alone() -> None:
    kubernetes = {"KILO_GATEWAY_PORT": "tcp://10.0.0.1:4000", "KILO_GATEWAY_SERVICE_HOST": "x"}
    layer = overrides({**kubernetes, "PATH": "/bin"})
    assert not layer.values
    assert not layer.wrong


def test_values_are_laid_over_those_of_the_file_without_changing_it() -> None:
    data = {"server": {"port": 1, "host": "h"}}
    layer = overrides({"KILO_GATEWAY__SERVER__PORT": "2", "KILO_GATEWAY__STATE__HOME": "/x"})
    assert layer.laid_over(data) == {"server": {"port": 2, "host": "h"}, "state": {"home": "/x"}}
    assert data == {"server": {"port": 1, "host": "h"}}


def test_every_single_value_of_a_section_has_a_variable() -> None:
    known = variables_known()
    assert known["KILO_GATEWAY__ROUTING__MAX_ATTEMPTS"] == ("routing", "max_attempts")
    assert "KILO_GATEWAY__SERVER__CORS_ORIGINS" not in known
