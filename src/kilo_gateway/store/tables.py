"""The tables as they are now; migrations/versions tells how they came to be."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

KEYS_EPOCH = "keys_epoch"
HEAD = "0001"  # the last migration; these tables are what it leaves

metadata = MetaData()

# Times are seconds since the epoch; `digest` is the SHA-256 of the key in hex; `models` a JSON
# array of globs.
keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True),
    Column("prefix", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("models", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
    Column("last_used_at", Float),
)

# One row per attempt, never changed. `opened_day` is the UTC day of `opened_at`. Unknown is NULL,
# never 0. The columns stand as rows.py gives their values. Every index is paid for with every call: those by key and by model made a report of one
# of twenty only twice as fast.
entries = Table(
    "entries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("call_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("opened_at", Float, nullable=False),
    Column("estimated_input_tokens", BigInteger, nullable=False),
    Column("session", Text),
    Column("message", Text),
    Column("opened_day", Text, nullable=False),
    Column("closed_at", Float, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("status", Integer),
    Column("input_tokens", BigInteger),
    Column("output_tokens", BigInteger),
    Column("cache_read_tokens", BigInteger),
    Column("cache_write_tokens", BigInteger),
    Column("reasoning_tokens", BigInteger),
    Column("audio_input_tokens", BigInteger),
    Column("audio_output_tokens", BigInteger),
    Column("upstream_cost_nanodollars", BigInteger),
    Column("usage_source", Text, nullable=False),
    Column("usage_raw", LargeBinary, nullable=False),
    Column("cost_nanodollars", BigInteger),
    Column("price_source", Text, nullable=False),
    Column("price_since", Text, nullable=False),
    Column("first_byte_ms", BigInteger),
    Column("duration_ms", BigInteger, nullable=False),
    Column("upstream_request_id", Text),
    Column("finish_reason", Text),
    Column("has_error", Boolean, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("requested_model", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("upstream_model", Text, nullable=False),
    Column("dialect", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("is_streamed", Boolean, nullable=False),
    Column("feature", Text),
    Column("mode", Text),
    Column("project", Text),
    Column("client_version", Float),
    Column("editor", Text),
    Column("machine", Text),
    Index("entries_by_day", "opened_day"),
)

meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

# Alembic's own note of what has been applied.
alembic_version = Table(
    "alembic_version", MetaData(), Column("version_num", Text, primary_key=True)
)
