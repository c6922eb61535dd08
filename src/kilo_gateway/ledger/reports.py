"""UsageRow: one line of a usage table, whoever counts it and whoever shows it."""

from typing import Literal

import msgspec

Grouping = Literal["day", "key", "model"]


class UsageRow(msgspec.Struct, frozen=True):
    """Usage of one group of entries; `day` (UTC, "2026-01-31"), `key_id` and `model` are None
    where not grouped by.

    `requests` counts calls, `errors` those of them of which no attempt ended well. Sums are None
    where no entry knew the number. `estimated` and `unpriced` count the entries whose usage is
    our estimate or whose cost is unknown.
    """

    day: str | None
    key_id: str | None
    model: str | None
    requests: int
    errors: int
    input_tokens: int | None
    output_tokens: int | None
    cache_read_tokens: int | None
    cache_write_tokens: int | None
    cost_nanodollars: int | None
    estimated: int
    unpriced: int = 0
