"""What no single type can tell is checked: vendors, URLs, dialects, aliases, credentials."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kilo_gateway.config.checks import Surroundings, check, vendor_of
from kilo_gateway.config.problem import Finding
from kilo_gateway.config.schema import Settings, UpstreamSettings


def findings(
    tmp_path: Path, data: dict[str, Any], *, environ: dict[str, str] | None = None
) -> list[Finding]:
    settings = msgspec.convert(data, Settings)
    return check(settings, Surroundings(environ=environ or {}, base=tmp_path))


def upstream(**fields: Any) -> dict[str, Any]:
    return {"upstreams": [{"name": "mine", "base_url": "https://h.example/v1", **fields}]}


CASES: list[tuple[dict[str, Any], str, str, str]] = [
    (upstream(vendor="opnai"), "vendor", 'no vendor "opnai"', "openai"),
    (upstream(vendor="sim"), "vendor", "built in", ""),
    (upstream(name="local"), "name", "built in", ""),
    (upstream(base_url=""), "base_url", "base_url is missing", ""),
    (upstream(base_url="ftp://h"), "base_url", "must start with http", ""),
    (upstream(base_url="https://u:pw@h/v1"), "base_url", "password", ""),
    (
        upstream(vendor="bedrock", base_url="", models=["m"], api_key="k"),
        "base_url",
        "AWS_REGION",
        "",
    ),
    (upstream(vendor="bedrock", api_key="k"), "models", "name them here", ""),
    (upstream(ca_file="none.pem"), "ca_file", "there is no file", ""),
    (upstream(api_key="env:NOPE"), "api_key", "NOPE is not set", ""),
    (upstream(api_key="$NOPE"), "api_key", "notation", "env:NOPE"),
    (upstream(proxy="env:NOPE"), "proxy", "NOPE is not set", ""),
    (upstream(proxy="ftp://p:1"), "proxy", "", ""),
    (upstream(headers={"a b": "c"}), "headers", "not the name", ""),
    (upstream(headers={"Host": "c"}), "headers", "gateway sets", ""),
    (upstream(headers={"x": "env:NOPE"}), "headers", "NOPE is not set", ""),
    (upstream(headers={"x": "a\r\nb: c"}), "headers", "line break", ""),
    (upstream(vendor="azure", api_key="k"), "models", "name them here", ""),
]


@pytest.mark.parametrize(("data", "key", "message", "suggestion"), CASES)
def test_a_wrong_upstream_is_told(
    tmp_path: Path, data: dict[str, Any], key: str, message: str, suggestion: str
) -> None:
    (finding,) = findings(tmp_path, data)
    assert finding.path[:3] == ("upstreams", 0, key)
    assert (finding.severity, finding.suggestion) == ("error", suggestion)
    assert message in finding.message


@pytest.mark.parametrize(
    "data",
    [
        upstream(),
        upstream(api_key="env:SET", headers={"x-title": "y"}, proxy="http://p:3128"),
        upstream(proxy=""),
        upstream(dialect="openai_chat", vendor="custom"),
        upstream(enabled=False, dialect="gemini", api_key="env:NOPE", base_url=""),
        {"upstreams": [{"name": "openai"}], "aliases": {"fast": "openai/gpt-5"}},
        {"upstreams": [{"name": "work", "vendor": "openai"}]},
        {"upstreams": [{"name": "ollama"}]},
        {},
    ],
)
def test_right_settings_have_no_findings(tmp_path: Path, data: dict[str, Any]) -> None:
    assert findings(tmp_path, data, environ={"SET": "x", "OPENAI_API_KEY": "y"}) == []


def test_a_missing_key_of_a_vendor_is_a_warning_that_names_the_variable(tmp_path: Path) -> None:
    (finding,) = findings(tmp_path, {"upstreams": [{"name": "openai"}]})
    assert finding.severity == "warning"
    assert "OPENAI_API_KEY" in finding.message


def test_a_vendors_variable_does_not_stand_in_for_a_key_at_another_address(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-1"}
    (finding,) = findings(tmp_path, upstream(vendor="openai"), environ=environ)
    assert finding.severity == "warning"
    assert "not sent to a base_url of your own" in finding.message


def test_two_upstreams_of_one_name_are_told_at_the_second(tmp_path: Path) -> None:
    twice = [{"name": "a", "base_url": "http://h"}] * 2
    (finding,) = findings(tmp_path, {"upstreams": twice})
    assert finding.path == ("upstreams", 1, "name")


def test_places_stay_right_when_an_upstream_was_left_out(tmp_path: Path) -> None:
    settings = msgspec.convert(upstream(base_url=""), Settings)
    around = Surroundings(environ={}, base=tmp_path)
    dropped = {("upstreams", 0), ("upstreams", 1), ("auto", "preference", 0)}
    (finding,) = check(settings, around, dropped=dropped)
    assert finding.path == ("upstreams", 2, "base_url")


@pytest.mark.parametrize(
    ("aliases", "circles"),
    [
        ({"a": "a"}, {"a": "a > a"}),
        ({"a": "b", "b": ["x", "a"]}, {"a": "a > b > a", "b": "b > a > b"}),
        ({"a": "b", "b": "c", "c": "b"}, {"b": "b > c > b", "c": "c > b > c"}),
        ({"a": ["b", "c"], "b": "d", "c": "d"}, {}),
    ],
)
def test_aliases_must_not_go_in_circles(
    tmp_path: Path, aliases: dict[str, Any], circles: dict[str, str]
) -> None:
    found = findings(tmp_path, {"aliases": aliases})
    assert {item.path[1]: item.message.partition(": ")[2] for item in found} == circles


@pytest.mark.parametrize(("mode", "warnings"), [(0o644, 1), (0o600, 0), (0o640, 0)])
def test_a_key_in_a_file_that_everybody_may_read_is_a_warning(
    tmp_path: Path, mode: int, warnings: int
) -> None:
    path = tmp_path / "c.toml"
    path.touch()
    path.chmod(mode)
    settings = msgspec.convert(upstream(api_key="sk-1"), Settings)
    found = check(settings, Surroundings(environ={}, base=tmp_path, file=path))
    assert [item.severity for item in found] == ["warning"] * warnings
    assert "sk-1" not in str(found)


def test_a_reference_in_a_file_that_everybody_may_read_is_fine(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.touch(0o644)
    settings = msgspec.convert(upstream(api_key="env:K"), Settings)
    assert check(settings, Surroundings(environ={"K": "x"}, base=tmp_path, file=path)) == []


@pytest.mark.parametrize(
    ("name", "vendor", "row"),
    [("openai", "", "openai"), ("x", "", "custom"), ("x", "groq", "groq"), ("x", "none", None)],
)
def test_the_vendor_is_the_named_one_or_the_one_of_the_same_name(
    name: str, vendor: str, row: str | None
) -> None:
    profile = vendor_of(UpstreamSettings(name=name, vendor=vendor))
    assert (profile.name if profile else None) == row
