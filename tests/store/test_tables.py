"""The tables have the indexes that the reports need."""

import sqlite3

import pytest


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("opened_day >= '2026-01-01'", "entries_by_day"),
        ("key_id = 'k' AND opened_day >= '2026-01-01'", "entries_by_key"),
        ("model = 'm' AND opened_day >= '2026-01-01'", "entries_by_model"),
    ],
)
async def test_reports_do_not_read_the_whole_ledger(store, tmp_path, condition, index):
    connection = sqlite3.connect(tmp_path / "gateway.db")
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM entries WHERE {condition}")
    assert index in plan.fetchone()[3]
    connection.close()
