"""The tables have the indexes that the reports need."""

import sqlite3

import pytest


@pytest.mark.parametrize(
    "condition",
    [
        "opened_day >= '2026-01-01'",
        "key_id = 'k' AND opened_day >= '2026-01-01'",
        "model = 'm' AND opened_day >= '2026-01-01'",
    ],
)
async def test_reports_of_a_period_do_not_read_the_whole_ledger(store, tmp_path, condition):
    connection = sqlite3.connect(tmp_path / "gateway.db")
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM entries WHERE {condition}")
    assert "entries_by_day" in plan.fetchone()[3]
    connection.close()
