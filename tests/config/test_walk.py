"""Wrong types and unknown keys are all found; the rest is kept."""

from typing import Any

import pytest

from kilo_gateway.config.schema import ServerSettings, Settings
from kilo_gateway.config.walk import Walk

CASES: list[tuple[dict[str, Any], tuple[str | int, ...], str, str]] = [
    ({"server": {"prot": 1}}, ("server", "prot"), "no such setting", "port"),
    ({"servr": {}}, ("servr",), "no such setting", "server"),
    ({"port": 1}, ("port",), "no such setting", "server.port"),
    ({"prot": 1}, ("prot",), "no such setting", "server.port"),
    (
        {"server": {"max_attempts": 1}},
        ("server", "max_attempts"),
        "no such",
        "routing.max_attempts",
    ),
    ({"zzzz": 1}, ("zzzz",), "no such setting", ""),
    ({"server": 3}, ("server",), "a table, found the whole number 3", ""),
    ({"server": {"port": "80"}}, ("server", "port"), 'found the text "80"', ""),
    ({"server": {"port": True}}, ("server", "port"), "found the truth value true", ""),
    ({"server": {"port": 70_000}}, ("server", "port"), "from 0 to 65535, found the", ""),
    ({"server": {"drain_s": float("nan")}}, ("server", "drain_s"), "found the number nan", ""),
    ({"server": {"drain_s": float("inf")}}, ("server", "drain_s"), "found the number inf", ""),
    ({"server": {"cors_origins": "*"}}, ("server", "cors_origins"), "a list of texts", ""),
    ({"server": {"cors_origins": [1]}}, ("server", "cors_origins", 0), "expected text", ""),
    ({"telemetry": {"log_format": "JSN"}}, ("telemetry", "log_format"), "one of", "json"),
    ({"upstreams": {}}, ("upstreams",), "double brackets", ""),
    ({"upstreams": [{}]}, ("upstreams", 0), '"name" is missing', ""),
    ({"upstreams": [3]}, ("upstreams", 0), "a table, found the whole number", ""),
    ({"upstreams": [{"name": "A"}]}, ("upstreams", 0, "name"), "lower-case letters", ""),
    ({"models": {"m": {"context": 1}}}, ("models", "m", "context"), "no such", "context_length"),
    ({"models": {"m": 1}}, ("models", "m"), "expected a table", ""),
    ({"aliases": {"a": []}}, ("aliases", "a"), "text or a list of texts", ""),
    ({"aliases": {"a": ["b", 1]}}, ("aliases", "a", 1), "expected text", ""),
    ({"aliases": {"a": 1}}, ("aliases", "a"), "text or a list of texts", ""),
]


@pytest.mark.parametrize(("data", "path", "message", "suggestion"), CASES)
def test_what_is_wrong_is_found_where_it_is(
    data: dict[str, Any], path: tuple[str | int, ...], message: str, suggestion: str
) -> None:
    walk = Walk()
    walk.settings(data)
    (finding,) = walk.findings
    assert (finding.path, finding.suggestion) == (path, suggestion)
    assert message in finding.message


def test_all_that_is_wrong_is_found_in_one_walk() -> None:
    walk = Walk()
    for data, *_ in CASES[:1]:
        walk.settings({**data, "x": 1, "upstreams": [{}, {"name": "a", "weight": 0, "q": 1}]})
    assert len(walk.findings) == 5


def test_what_is_right_is_kept_and_what_is_wrong_has_its_default() -> None:
    settings = Walk().settings({"server": {"port": "x", "host": "h", "y": 1}, "routing": 3})
    assert settings == Settings(server=ServerSettings(host="h"))


def test_an_upstream_that_cannot_be_read_is_left_out_and_noted() -> None:
    walk = Walk()
    settings = walk.settings({"upstreams": [{"name": "a"}, {}, {"name": "b"}]})
    assert [upstream.name for upstream in settings.upstreams] == ["a", "b"]
    assert walk.dropped == {("upstreams", 1)}


@pytest.mark.parametrize(
    "data",
    [
        {"upstreams": [{"name": "a", "api_key": 123456}]},
        {"upstreams": [{"name": "a", "proxy": 123456}]},
        {"upstreams": [{"name": "a", "headers": {"x": 123456}}]},
        {"state": {"database": 123456}},
    ],
)
def test_a_credential_of_a_wrong_type_is_not_shown(data: dict[str, Any]) -> None:
    walk = Walk()
    walk.settings(data)
    (finding,) = walk.findings
    assert "123456" not in finding.message
