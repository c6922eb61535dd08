"""Rows between the room and the tables: a key as stored, an entry laid flat."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

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


class Form(msgspec.Struct, frozen=True):
    """As which values a driver takes what is unknown, false and true, and bytes."""

    unknown: object = None
    truth: tuple[object, object] = (False, True)
    blob: Callable[[bytes], object] = bytes


PLAIN = Form()


def entry_values(entry: Entry, form: Form = PLAIN) -> tuple[object, ...]:
    """An entry as values of the columns, in the order of the table.

    Each is looked at here, where it is known whether it can be unknown: going over a row again costs more than making it.
    """
    opening, usage = entry.opening, entry.usage
    unknown, truth = form.unknown, form.truth
    return (
        opening.id,
        opening.call_id,
        opening.attempt,
        opening.key_id,
        opening.owner,
        opening.requested_model,
        opening.model,
        opening.upstream,
        opening.upstream_model,
        opening.dialect,
        opening.operation,
        truth[opening.is_streamed],
        opening.opened_at,
        opening.estimated_input_tokens,
        unknown if opening.feature is None else opening.feature,
        unknown if opening.session is None else opening.session,
        unknown if opening.mode is None else opening.mode,
        unknown if opening.project is None else opening.project,
        unknown if opening.client_version is None else opening.client_version,
        unknown if opening.message is None else opening.message,
        unknown if opening.editor is None else opening.editor,
        unknown if opening.machine is None else opening.machine,
        day_of(opening.opened_at),
        entry.closed_at,
        entry.outcome,
        unknown if entry.status is None else entry.status,
        unknown if usage.input_tokens is None else usage.input_tokens,
        unknown if usage.output_tokens is None else usage.output_tokens,
        unknown if usage.cache_read_tokens is None else usage.cache_read_tokens,
        unknown if usage.cache_write_tokens is None else usage.cache_write_tokens,
        unknown if usage.reasoning_tokens is None else usage.reasoning_tokens,
        unknown if usage.audio_input_tokens is None else usage.audio_input_tokens,
        unknown if usage.audio_output_tokens is None else usage.audio_output_tokens,
        unknown if usage.cost_nanodollars is None else usage.cost_nanodollars,
        usage.source,
        form.blob(usage.raw),
        unknown if entry.cost_nanodollars is None else entry.cost_nanodollars,
        entry.price_source,
        entry.price_since,
        unknown if entry.first_byte_ms is None else entry.first_byte_ms,
        entry.duration_ms,
        unknown if entry.upstream_request_id is None else entry.upstream_request_id,
        unknown if entry.finish_reason is None else entry.finish_reason,
        truth[entry.has_error],
    )
