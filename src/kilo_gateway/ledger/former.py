"""Records that a former version left in the spool, as they are now: an opening told its attribution field by field."""

import msgspec

from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, Opening, sealed


class _Opening(msgspec.Struct, array_like=True, gc=False):
    id: str
    call_id: str
    attempt: int
    key_id: str
    owner: str
    requested_model: str
    model: str
    upstream: str
    upstream_model: str
    dialect: str
    operation: str
    is_streamed: bool
    opened_at: float
    estimated_input_tokens: int
    feature: str | None = None
    session: str | None = None
    mode: str | None = None
    project: str | None = None
    client_version: float | None = None
    message: str | None = None
    editor: str | None = None
    machine: str | None = None


class _Entry(msgspec.Struct, array_like=True, gc=False):
    opening: _Opening
    closed_at: float
    outcome: str
    status: int | None
    usage: Usage
    cost_nanodollars: int | None
    price_source: str
    price_since: str
    first_byte_ms: int | None
    duration_ms: int
    upstream_request_id: str | None
    finish_reason: str | None
    has_error: bool


def former_opening(payload: bytes) -> Opening:
    """An opening of the first form. msgspec.DecodeError if it is none."""
    return _present(_openings.decode(payload))


def former_entry(payload: bytes) -> Entry:
    """An entry of the first form. msgspec.DecodeError if it is none."""
    entry = _entries.decode(payload)
    _, *rest = msgspec.structs.astuple(entry)
    return Entry(_present(entry.opening), *rest)


def _present(told: _Opening) -> Opening:
    about = {name: getattr(told, name) for name in Attribution.__struct_fields__}
    own = {name: getattr(told, name) for name in Opening.__struct_fields__ if name != "attribution"}
    return Opening(**own, attribution=sealed(Attribution(**about)))


_openings = msgspec.msgpack.Decoder(_Opening)
_entries = msgspec.msgpack.Decoder(_Entry)
