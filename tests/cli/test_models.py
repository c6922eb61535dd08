"""`models` lists what all upstreams offer, narrowed as asked."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

Run = Callable[..., Result]

FACTS = """
[models."maker/alpha"]
context_length = 400_000
input_price = 1.25
output_price = 10
capabilities = ["tools", "vision"]
[models."maker/beta"]
input_price = 0
output_price = 0
capabilities = ["tools"]
"""


@pytest.fixture(autouse=True)
def upstreams(config: Callable[[str], Path], upstream: Any) -> Path:
    """Two upstreams: one is asked for its models, those of the other are named."""
    return config(
        f"""
[[upstreams]]
name = "big"
base_url = "{upstream.url}"
prefix = "maker"
[[upstreams]]
name = "small"
base_url = "{upstream.url}"
prefix = "maker"
models = ["alpha", "[odd]name"]
{FACTS}"""
    )


def ids(run: Run, *options: str) -> set[str]:
    result = run("models", "--json", *options)
    assert result.exit_code == 0, result.output
    return {row["id"] for row in msgspec.json.decode(result.stdout)}


def test_the_table_shows_limits_and_prices(run: Run) -> None:
    result = run("models")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [
        "maker/alpha",
        "big,",
        "small",
        "400,000",
        "-",
        "1.25",
        "10",
        "tools,",
        "vision",
    ] in rows
    assert any(row[:1] == ["maker/[odd]name"] and "unknown" in row for row in rows)
    assert "models: 3, upstreams: 2" in result.stderr


def test_json_has_exact_prices_and_null_where_unknown(run: Run) -> None:
    rows = {row["id"]: row for row in msgspec.json.decode(run("models", "--json").stdout)}
    alpha, odd = rows["maker/alpha"], rows["maker/[odd]name"]
    assert (alpha["input_usd"], alpha["output_usd"], alpha["context"]) == ("1.25", "10", 400_000)
    assert alpha["upstreams"] == ["big", "small"]
    assert (odd["input_usd"], odd["context"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), {"maker/alpha", "maker/beta", "maker/[odd]name"}),
        (("--upstream", "small"), {"maker/alpha", "maker/[odd]name"}),
        (("--provider", "big"), {"maker/alpha", "maker/beta"}),
        (("--search", "BET"), {"maker/beta"}),
        (("--capability", "tools"), {"maker/alpha", "maker/beta"}),
        (("--capability", "tools", "--capability", "Vision"), {"maker/alpha"}),
        (("--free",), {"maker/beta"}),
        (("--free", "--upstream", "small"), set()),
    ],
)
def test_options_narrow_the_list(run: Run, options: tuple[str, ...], expected: set[str]) -> None:
    assert ids(run, *options) == expected


def test_no_fitting_model_is_a_problem_that_says_so(run: Run) -> None:
    result = run("models", "--search", "gamma")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "None of the 3 models" in result.stderr


def test_no_models_at_all_points_to_check(run: Run, config: Callable[[str], Path]) -> None:
    config("")
    result = run("models")
    assert result.exit_code == 1
    assert "kilo-gateway check" in result.stderr
