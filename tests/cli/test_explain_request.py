"""`explain --request` shows what a request would become."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Run = Callable[..., Result]
REQUEST = {
    "model": "claude-x",
    "usage": {},
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
}


@pytest.fixture(autouse=True)
def upstreams(config: Callable[[str], Path]) -> None:
    config(
        """
[[upstreams]]
name = "one"
base_url = "http://127.0.0.1:9/v1"
models = ["claude-x"]
[rules]
cache_breakpoints = false
"""
    )


def written(tmp_path: Path, request: Any) -> str:
    path = tmp_path / "request.json"
    path.write_text(json.dumps(request))
    return str(path)


def test_rules_and_body_are_shown(run: Run, tmp_path: Path) -> None:
    result = run("explain", "--request", written(tmp_path, REQUEST), "--json")
    assert result.exit_code == 0, result.output
    (shown,) = json.loads(result.stdout)
    assert shown["deployment"] == "one/claude-x"
    assert shown["rules"] == ["strange_members"]
    assert shown["body"]["messages"] == REQUEST["messages"]
    assert "usage" not in shown["body"]


def test_the_table_names_them_too(run: Run, tmp_path: Path) -> None:
    result = run("explain", "--request", written(tmp_path, REQUEST))
    assert "strange_members" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--request", "nowhere.json"], "cannot be read"),
        (["--dialect", "klingon", "--request", "nowhere.json"], "no dialect"),
        ([], "name a model"),
    ],
)
def test_what_cannot_be_explained_is_said(run: Run, arguments: list[str], problem: str) -> None:
    result = run("explain", *arguments)
    assert result.exit_code == 1
    assert problem in result.output


def test_a_request_that_is_none_says_why(run: Run, tmp_path: Path) -> None:
    result = run("explain", "--request", written(tmp_path, {"model": "claude-x"}))
    assert result.exit_code == 1
    assert "messages" in result.output
