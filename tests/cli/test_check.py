"""`check` tells all that is wrong, with places, and probes what is right."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from kilo_gateway.config.schema import schema_json

Run = Callable[..., Result]
Config = Callable[[str], Path]


def settings_for(upstream: Any, *, key: str = "env:KEY") -> str:
    """A configuration with that upstream alone."""
    return f'[[upstreams]]\nname = "mine"\nbase_url = "{upstream.url}"\napi_key = "{key}"\n'


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key of the upstream, in the environment."""
    monkeypatch.setenv("KEY", "sk-1")


def test_wrong_settings_are_told_with_file_line_and_suggestion(run: Run, config: Config) -> None:
    path = config("[server]\nprot = 1\n")
    result = run("check")
    assert result.exit_code == 2
    assert f'{path}:2: error: server.prot: there is no such setting (did you mean "port"?)' in (
        result.stderr
    )
    assert "1 error, 0 warnings" in result.stdout


def test_wrong_settings_as_json(run: Run, config: Config) -> None:
    config("[server]\nprot = 1\n")
    result = run("check", "--json")
    report = msgspec.json.decode(result.stdout)
    assert (result.exit_code, report["ok"]) == (2, False)
    assert report["problems"][0]["line"] == 2
    assert report["problems"][0]["suggestion"] == "port"


def test_an_upstream_that_answers_is_fine(run: Run, config: Config, upstream: Any) -> None:
    config(settings_for(upstream))
    result = run("check")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["mine", "ok", "200", "2"] in [row[:4] for row in rows]
    assert upstream.seen == [("/v1/models", "Bearer sk-1")]


def test_an_upstream_that_refuses_is_a_problem(run: Run, config: Config, upstream: Any) -> None:
    config(settings_for(upstream))
    upstream.status = 401
    result = run("check")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "sk-1" not in result.output


def test_an_upstream_that_is_not_there_is_a_problem(
    run: Run, config: Config, upstream: Any
) -> None:
    config(settings_for(upstream).replace("127.0.0.1", "127.0.0.2"))
    result = run("check", "--json")
    report = msgspec.json.decode(result.stdout)
    assert (result.exit_code, report["ok"]) == (1, False)
    assert report["upstreams"][0]["message"]


def test_probes_as_json(run: Run, config: Config, upstream: Any) -> None:
    path = config(settings_for(upstream))
    result = run("check", "--json")
    report = msgspec.json.decode(result.stdout)
    assert (result.exit_code, report["ok"], report["file"]) == (0, True, str(path))
    (probed,) = report["upstreams"]
    assert (probed["upstream"], probed["models"], probed["status"]) == ("mine", 2, 200)
    assert probed["latency_ms"] > 0


def test_nothing_is_probed_when_not_wanted(run: Run, config: Config, upstream: Any) -> None:
    config(settings_for(upstream))
    assert run("check", "--no-probe").exit_code == 0
    assert upstream.seen == []


def test_no_upstream_at_all_is_told(run: Run, config: Config) -> None:
    config("")
    assert "No upstream" in run("check").stdout


def test_warnings_alone_are_no_failure(run: Run, config: Config) -> None:
    config("[[upstreams]]\nname = 'openai'\n")
    result = run("check", "--no-probe")
    assert result.exit_code == 0
    assert "warning: upstreams[0].api_key" in result.stderr


def test_a_missing_file_is_wrong_usage(run: Run, tmp_path: Path) -> None:
    result = run("check", "--no-probe", "--config", str(tmp_path / "none.toml"))
    assert result.exit_code == 2
    assert "No such file" in result.stderr


def test_the_schema_is_printed_as_it_is_published(run: Run) -> None:
    assert run("check", "--schema").stdout.encode() == schema_json()
