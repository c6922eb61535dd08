"""`explain` shows the order of trying with its reasons, and what is not tried and why."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def upstreams(config: Callable[[str], Path]) -> None:
    """Upstreams whose models are named, so that nobody need be asked."""
    text = ""
    for name, more in (("one", ""), ("two", ""), ("three", "priority = 5")):
        text += f"""
[[upstreams]]
name = "{name}"
base_url = "http://127.0.0.1:9/v1"
prefix = "maker"
models = ["m"{', "n", "my-embed"' if name == "one" else ""}]
{more}
"""
    config(
        text
        + """
[[upstreams]]
name = "chats-only"
vendor = "groq"
base_url = "http://127.0.0.1:9/v1"
models = ["talk"]
prefix = "chatter"
[models."maker/m"]
context_length = 8192
input_price = 0.15
output_price = 0.6
[aliases]
fast = ["maker/m", "maker/n"]
"""
    )


def plan(run: Run, *arguments: str) -> dict[str, Any]:
    result = run("explain", *arguments, "--json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = msgspec.json.decode(result.stdout)
    return answer


def test_candidates_come_in_order_with_reasons(run: Run) -> None:
    candidates = plan(run, "fast")["candidates"]
    assert [(item["model"], item["priority"]) for item in candidates[:3]] == [
        ("maker/m", 0),
        ("maker/m", 0),
        ("maker/m", 5),
    ]
    reasons = [item["reason"] for item in candidates]
    assert reasons[0] == "tried first"
    assert "chosen by weight" in reasons[1]
    assert reasons[2:] == ["priority 5 comes after 0", "if maker/m cannot answer"]


def test_the_table_shows_limits_prices_and_the_policy(run: Run) -> None:
    result = run("explain", "fast")
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [
        "3",
        "three/m",
        "maker/m",
        "5",
        "1",
        "8,192",
        "0.15",
        "0.6",
        "priority",
        "5",
        "comes",
        "after",
        "0",
    ] in rows
    assert "lower priority number first" in result.stdout


def test_wishes_rule_out_and_order_and_each_rejection_has_its_code(run: Run) -> None:
    wishes = '{"ignore": ["one"], "order": ["three"]}'
    shown = plan(run, "maker/m", "--provider", wishes)
    assert [item["upstream"] for item in shown["candidates"]] == ["three", "two"]
    assert [(item["deployment_id"], item["code"]) for item in shown["rejected"]] == [
        ("one/m", "ignored")
    ]
    assert "wishes" in shown["candidates"][1]["reason"]
    assert "ignored" in run("explain", "maker/m", "--provider", wishes).stdout


def test_wishes_that_nobody_fulfils_are_a_problem_in_words(run: Run) -> None:
    result = run("explain", "maker/m", "--provider", '{"zdr": true}')
    assert result.exit_code == 1
    assert "provider.zdr" in result.stderr


@pytest.mark.parametrize("wrong", ['{"sort": "x"}', "{", "[]"])
def test_wishes_that_are_none_are_a_problem_in_words(run: Run, wrong: str) -> None:
    result = run("explain", "maker/m", "--provider", wrong)
    assert result.exit_code == 1
    assert result.stderr


def test_another_order_is_told(run: Run) -> None:
    shown = plan(run, "maker/m", "--provider", '{"sort": "price"}')
    assert shown["policy"] == "price"
    assert shown["candidates"][1]["reason"].endswith("by the policy price")


def test_rejected_ones_have_codes_and_sentences(run: Run) -> None:
    result = run("explain", "chatter/talk", "--operation", "embeddings")
    assert result.exit_code == 1
    assert "does not serve embeddings" in result.stderr


def test_the_operation_counts(run: Run) -> None:
    (candidate,) = plan(run, "maker/my-embed", "--operation", "embeddings")["candidates"]
    assert candidate["deployment"] == "one/my-embed"
    assert run("explain", "fast", "--operation", "dance").exit_code == 2


def test_an_unknown_model_is_a_problem_in_words(run: Run) -> None:
    result = run("explain", "maker/mm")
    assert result.exit_code == 1
    assert "There is no model 'maker/mm' here." in result.stderr


def test_a_key_narrows_the_plan_to_its_rights(run: Run) -> None:
    run("keys", "create", "narrow", "--models", "maker/n")
    narrowed = plan(run, "fast", "--key", "narrow")
    assert [item["deployment"] for item in narrowed["candidates"]] == ["one/n"]
    assert {item["code"] for item in narrowed["rejected"]} == {"not_allowed"}
    assert "Not tried:" in run("explain", "fast", "--key", "narrow").stdout


def test_a_key_that_opens_nothing_is_a_problem(run: Run) -> None:
    run("keys", "create", "shut", "--models", "none/*")
    result = run("explain", "fast", "--key", "shut")
    assert result.exit_code == 1
    assert "may not use" in result.stderr


@pytest.mark.parametrize("which", ["nobody", "gone"])
def test_a_key_that_is_not_in_force_is_a_problem(run: Run, which: str) -> None:
    run("keys", "create", "gone")
    run("keys", "revoke", "gone")
    result = run("explain", "fast", "--key", which)
    assert result.exit_code == 1
    assert f'no key "{which}" in force' in result.stderr
