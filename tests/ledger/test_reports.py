"""Usage rows are plain values."""

import msgspec

from kilo_gateway.ledger.reports import UsageRow


def test_a_usage_row_can_be_written_as_json():
    row = UsageRow("2026-01-31", None, "m", 3, 1, 10, None, None, None, 1500, 1)
    assert msgspec.json.decode(msgspec.json.encode(row), type=UsageRow) == row
