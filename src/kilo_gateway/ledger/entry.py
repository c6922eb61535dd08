"""Opening and Entry: the record of one attempt, before it starts and after it has ended.

Both are stored in the spool as arrays, so a new field is appended at the end and has a default.
"""

import secrets
from collections.abc import Callable
from functools import lru_cache

import msgspec

from kilo_gateway.core.clock import Clock
from kilo_gateway.core.usage import Usage

TEXT_LIMIT = 500
RAW_LIMIT_BYTES = 4096
# More tokens in one reply are a lie of the upstream; such a count is unknown. It also keeps sums
# within 64 bits.
COUNT_LIMIT = 10**12
MONEY_LIMIT_NANODOLLARS = 10**18

CRASHED = "crashed"

_KEPT = 1024  # attributions; each call of a client looks up the one of the call before

_COUNTS = (
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "audio_input_tokens",
    "audio_output_tokens",
    "cache_write_1h_tokens",
)


class Attribution(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Who asked for what, where it was asked, and with which client: the same in many attempts.

    So it is made, written as bytes and read from them once for all of them: see `sealed` and `attribution_in`.
    """

    key_id: str
    owner: str
    requested_model: str
    model: str
    upstream: str
    upstream_model: str
    dialect: str
    operation: str
    is_streamed: bool
    feature: str | None = None
    mode: str | None = None
    project: str | None = None
    client_version: float | None = None
    editor: str | None = None
    machine: str | None = None


class Opening(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is known before an attempt starts; written first, so that no attempt is ever
    unaccounted for.

    `id` is the entry's id, `opened_at` seconds since the epoch, `estimated_input_tokens` our own
    estimate, used if the process dies before the upstream reports. `attribution` is one as `sealed` gives it.
    """

    id: str
    call_id: str
    attempt: int
    opened_at: float
    estimated_input_tokens: int
    session: str | None
    message: str | None
    attribution: bytes

    @property
    def about(self) -> Attribution:
        """Who asked for what. msgspec.DecodeError if a version that we do not know wrote it."""
        return attribution_in(self.attribution)


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The record of one attempt that has ended.

    `outcome` is "ok", the value of a fault's kind, "client_disconnect" or "crashed"; `status` the
    upstream's HTTP status, None if there was none. `cost_nanodollars` is None while unknown: the
    settler prices such entries. `price_source` and `price_since` say which price was used.
    """

    opening: Opening
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


def crashed(opening: Opening, now: float) -> Entry:
    """The entry of an attempt whose process died; `now` in seconds since the epoch.

    The input is our estimate; what came out is unknown.
    """
    return Entry(
        opening=opening,
        closed_at=now,
        outcome=CRASHED,
        status=None,
        usage=Usage(input_tokens=opening.estimated_input_tokens, source="estimated"),
        cost_nanodollars=None,
        price_source="",
        price_since="",
        first_byte_ms=None,
        duration_ms=max(0, round((now - opening.opened_at) * 1000)),
        upstream_request_id=None,
        finish_reason=None,
        has_error=True,
    )


def sealed(attribution: Attribution) -> bytes:
    """An attribution as an opening holds it, every text cut to 500 characters that any database can store."""
    changes = _mended_texts(attribution, _ATTRIBUTION_TEXTS)
    return _seal(msgspec.structs.replace(attribution, **changes) if changes else attribution)


@lru_cache(maxsize=_KEPT)
def attribution_in(seal: bytes) -> Attribution:
    """What `sealed` made bytes of. msgspec.DecodeError if it did not."""
    return _unseal(seal)


def bounded_opening(opening: Opening) -> Opening:
    """The same opening with every text cut to 500 characters that any database can store."""
    changes = _mended_texts(opening, _OPENING_TEXTS)
    return msgspec.structs.replace(opening, **changes) if changes else opening


def bounded_usage(usage: Usage) -> Usage:
    """The same usage with impossible counts made unknown and `raw` cut to 4 KiB."""
    changes: dict[str, object] = {}
    for name in _COUNTS:
        count = getattr(usage, name)
        if count is not None and not 0 <= count <= COUNT_LIMIT:
            changes[name] = None
    if len(usage.raw) > RAW_LIMIT_BYTES:
        changes["raw"] = usage.raw[:RAW_LIMIT_BYTES]
    told = usage.cost_nanodollars
    if told is not None and not 0 <= told <= MONEY_LIMIT_NANODOLLARS:
        changes["cost_nanodollars"] = None
    return msgspec.structs.replace(usage, **changes) if changes else usage


def bounded(entry: Entry) -> Entry:
    """The same entry within all limits of size: texts, counts, money and raw usage."""
    opening, usage = bounded_opening(entry.opening), bounded_usage(entry.usage)
    changes: dict[str, object] = {**_mended_texts(entry, _ENTRY_TEXTS)}
    if opening is not entry.opening:
        changes["opening"] = opening
    if usage is not entry.usage:
        changes["usage"] = usage
    cost = entry.cost_nanodollars
    if cost is not None and not 0 <= cost <= MONEY_LIMIT_NANODOLLARS:
        changes["cost_nanodollars"] = None
    return msgspec.structs.replace(entry, **changes) if changes else entry


class EntryIds:
    """Makes entry ids: 26 characters that sort by time (12 hex of milliseconds, 6 of this
    process, 8 of a counter).
    """

    __slots__ = ("_begin", "_counter", "_last_ms", "_process", "_wall")

    def __init__(self, clock: Clock, entropy: Callable[[int], int] = secrets.randbits) -> None:
        """`entropy` gives that many random bits; it is asked twice, here."""
        self._wall = clock.wall
        self._process = f"{entropy(24):06x}"
        self._counter = entropy(31)
        self._last_ms = 0
        self._begin = ""  # all of an id but the counter, in that millisecond

    def next(self) -> str:
        """A new id, greater than those before it even if the wall clock steps back."""
        now_ms = int(self._wall() * 1000)
        self._counter = counter = self._counter + 1
        if counter > 0xFFFF_FFFF:
            # After two thousand million ids: the order within that millisecond needs a new one.
            self._counter = counter = 0
            now_ms = max(now_ms, self._last_ms + 1)
        if now_ms > self._last_ms:
            self._last_ms = now_ms
            self._begin = f"{now_ms:012x}{self._process}"
        return f"{self._begin}{counter:08x}"


def _mended_texts(record: msgspec.Struct, names: tuple[str, ...]) -> dict[str, str]:
    """Those of a record's texts that are not storable, made so."""
    texts = ((name, getattr(record, name)) for name in names)
    return {name: _storable(text) for name, text in texts if text and not _is_storable(text)}


def _is_storable(text: str) -> bool:
    return len(text) <= TEXT_LIMIT and (text.isprintable() or _storable(text) == text)


def _storable(text: str) -> str:
    # Databases refuse NUL and lone surrogates; one such text must not hold up all entries behind
    # it.
    return text[:TEXT_LIMIT].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


_ATTRIBUTION_TEXTS = (
    *("key_id", "owner", "requested_model", "model", "upstream", "upstream_model", "dialect"),
    *("operation", "feature", "mode", "project", "editor", "machine"),
)
_OPENING_TEXTS = ("id", "call_id", "session", "message")
_ENTRY_TEXTS = ("outcome", "price_source", "price_since", "upstream_request_id", "finish_reason")
_seal = msgspec.msgpack.Encoder().encode
_unseal = msgspec.msgpack.Decoder(Attribution).decode
