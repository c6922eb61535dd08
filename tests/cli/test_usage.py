"""`usage` adds up what is in the ledger, and never shows unknown as zero."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import Result

from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed
from kilo_gateway.store.rows import KeyRow
from kilo_gateway.store.store import Store

Run = Callable[..., Result]
DAY = 86_400.0


def entry(number: int, **changes: Any) -> Entry:
    """One attempt of a call of its own, an hour ago unless told otherwise."""
    opened_at = changes.pop("opened_at", SystemClock().wall() - 3600)
    about = Attribution(
        key_id=changes.pop("key_id", "key_1"),
        owner="admin",
        requested_model="m",
        model=changes.pop("model", "openai/gpt"),
        upstream="openai",
        upstream_model="gpt",
        dialect="openai_chat",
        operation="chat",
        is_streamed=False,
    )
    call_id = changes.pop("call_id", f"call-{number}")
    opening = Opening(f"entry-{number}", call_id, 1, opened_at, 5, None, None, sealed(about))
    fields: dict[str, Any] = {
        "opening": opening,
        "closed_at": opened_at + 1,
        "outcome": "ok",
        "status": 200,
        "usage": Usage(input_tokens=1000, output_tokens=20),
        "cost_nanodollars": 1500,
        "price_source": "config",
        "price_since": "",
        "first_byte_ms": 1,
        "duration_ms": 1,
        "upstream_request_id": None,
        "finish_reason": "stop",
        "has_error": False,
    }
    return Entry(**(fields | changes))


@pytest.fixture
def ledger(home: Path) -> Callable[..., None]:
    """Puts entries into the database of the home, beside one key."""

    async def put(entries: list[Entry]) -> None:
        store = Store.open(f"sqlite+aiosqlite:///{home / 'gateway.db'}")
        await store.migrate()
        key = KeyRow("key_1", "laptop", "00" * 32, "kg_live_0000", "admin", (), 1.0)
        await store.add_key(key)
        await store.put(entries)
        await store.close()

    def fill(*entries: Entry) -> None:
        home.mkdir(mode=0o700)
        asyncio.run(put(list(entries)))

    return fill


def table(result: Result) -> list[list[str]]:
    assert result.exit_code == 0, result.output
    return [line.split() for line in result.stdout.splitlines() if line.strip()]


def test_usage_by_day_and_model_has_totals(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1), entry(2), entry(3, model="x/y", has_error=True))
    rows = table(run("usage"))
    assert [row[1:7] for row in rows if row[1:2] in (["openai/gpt"], ["x/y"])] == [
        ["openai/gpt", "2", "0", "2,000", "40", "-"],
        ["x/y", "1", "1", "1,000", "20", "-"],
    ]
    assert rows[-1] == ["total", "3", "1", "3,000", "60", "-", "0.0000045"]


def test_an_unknown_cost_is_not_zero(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1, cost_nanodollars=None))
    row = table(run("usage", "--by", "model"))[-1]
    assert row[-5:] == ["1", "without", "a", "known", "cost"]
    assert row[-6] == "unknown"


def test_a_partly_unknown_cost_is_a_lower_bound(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1), entry(2, cost_nanodollars=None))
    assert "at least 0.0000015" in run("usage", "--by", "model").stdout


def test_estimates_are_marked(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1, usage=Usage(input_tokens=5, source="estimated")))
    assert "1 estimated" in run("usage").stdout


def test_keys_are_shown_by_name(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1), entry(2, key_id="key_gone"))
    rows = table(run("usage", "--by", "key"))
    assert {row[0] for row in rows} >= {"laptop", "key_gone"}


def test_json_has_exact_costs_rows_and_total(run: Run, ledger: Callable[..., None]) -> None:
    ledger(entry(1), entry(2, key_id="key_gone", cost_nanodollars=None))
    answer = msgspec.json.decode(run("usage", "--by", "key", "--json").stdout)
    assert [(row["key_id"], row.get("key_name"), row["cost_usd"]) for row in answer["rows"]] == [
        ("key_1", "laptop", "0.0000015"),
        ("key_gone", None, None),
    ]
    assert (answer["total"]["requests"], answer["total"]["unpriced"]) == (2, 1)


def test_a_call_tried_at_two_models_counts_once_in_the_total(
    run: Run, ledger: Callable[..., None]
) -> None:
    ledger(entry(1, call_id="c", has_error=True), entry(2, call_id="c", model="x/y"))
    total = msgspec.json.decode(run("usage", "--json").stdout)["total"]
    assert (total["requests"], total["errors"]) == (1, 0)


def test_only_the_asked_time_key_and_model_count(run: Run, ledger: Callable[..., None]) -> None:
    old = SystemClock().wall() - 20 * DAY
    ledger(entry(1), entry(2, model="x/y"), entry(3, key_id="key_2"), entry(4, opened_at=old))

    def requests(*options: str) -> int:
        answer = msgspec.json.decode(run("usage", "--json", *options).stdout)
        return int(answer["total"]["requests"])

    assert requests() == 3
    assert requests("--since", "30d") == 4
    assert requests("--since", "30d", "--until", "7d") == 1
    assert requests("--key", "laptop") == 2
    assert requests("--key", "key_2") == 1
    assert requests("--model", "x/y") == 1


def test_nothing_used_says_so(run: Run) -> None:
    result = run("usage")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "Nothing was used since 7d" in result.stderr
    answer = msgspec.json.decode(run("usage", "--json").stdout)
    assert (answer["rows"], answer["total"]["requests"]) == ([], 0)


@pytest.mark.parametrize("options", [("--since", "soon"), ("--until", "x"), ("--by", "colour")])
def test_wrong_options_are_refused(run: Run, options: tuple[str, ...]) -> None:
    assert run("usage", *options).exit_code == 2
