"""Rows between the room and the tables: a key as stored, an entry laid flat."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
from msgspec.structs import astuple

from kilo_gateway.core.grant import Grant
from kilo_gateway.ledger.entry import Entry

_DAY_S = 86400


class KeyRow(msgspec.Struct, frozen=True):
    """A key as it is stored; the key itself is not.

    `digest` is the SHA-256 of the key in hex, `prefix` its first 12 characters (to recognise it
    by), `models` globs (empty: every model). Times are seconds since the epoch, None for never.
    """

    id: str
    name: str
    digest: str
    prefix: str
    owner: str
    models: tuple[str, ...]
    created_at: float
    expires_at: float | None = None
    revoked_at: float | None = None
    last_used_at: float | None = None

    @property
    def grant(self) -> Grant:
        """What the key may do."""
        return Grant(self.id, self.owner, self.name, self.models, self.expires_at)


def key_values(key: KeyRow) -> dict[str, object]:
    """A key as values of the columns."""
    values = msgspec.structs.asdict(key)
    values["models"] = msgspec.json.encode(key.models).decode()
    return values


def key_row(values: Sequence[object]) -> KeyRow:
    """A key from the columns, in the order of the table."""
    row = dict(zip(KeyRow.__struct_fields__, values, strict=True))
    row["models"] = msgspec.json.decode(str(row["models"]), type=tuple[str, ...])
    return msgspec.convert(row, KeyRow)


def day_of(at: float) -> str:
    """The UTC day of a time in seconds since the epoch: "2026-01-31"."""
    return _day(at // _DAY_S)


@lru_cache(16)
def _day(number: float) -> str:
    return datetime.fromtimestamp(number * _DAY_S, UTC).date().isoformat()


def attempt_values(entry: Entry) -> tuple[object, ...]:
    """What is an entry's own, as values of the first columns of the table."""
    opening, usage = entry.opening, entry.usage
    return (
        opening.id,
        opening.call_id,
        opening.attempt,
        opening.opened_at,
        opening.estimated_input_tokens,
        opening.session,
        opening.message,
        _day(opening.opened_at // _DAY_S),
        entry.closed_at,
        entry.outcome,
        entry.status,
        usage.input_tokens,
        usage.output_tokens,
        usage.cache_read_tokens,
        usage.cache_write_tokens,
        usage.reasoning_tokens,
        usage.audio_input_tokens,
        usage.audio_output_tokens,
        usage.cost_nanodollars,
        usage.source,
        usage.raw,
        entry.cost_nanodollars,
        entry.price_source,
        entry.price_since,
        entry.first_byte_ms,
        entry.duration_ms,
        entry.upstream_request_id,
        entry.finish_reason,
        entry.has_error,
    )


def about_values(entry: Entry) -> tuple[object, ...]:
    """What it has in common with others, as values of the last columns: the fields of an attribution."""
    return astuple(entry.opening.about)


def entry_values(entry: Entry) -> tuple[object, ...]:
    """An entry as values of the columns, in the order of the table."""
    return attempt_values(entry) + about_values(entry)
