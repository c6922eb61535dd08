"""The first tables: keys, entries, meta."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables and start the epoch of the keys at 1."""
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("prefix", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("revoked_at", sa.Float),
        sa.Column("last_used_at", sa.Float),
    )
    op.create_table("entries", *_opening_columns(), *_closing_columns())
    op.create_index("entries_by_day", "entries", ["opened_day"])
    meta = op.create_table(
        "meta",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(meta, [{"name": "keys_epoch", "value": 1}])


def _opening_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("call_id", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("requested_model", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("upstream", sa.Text, nullable=False),
        sa.Column("upstream_model", sa.Text, nullable=False),
        sa.Column("dialect", sa.Text, nullable=False),
        sa.Column("operation", sa.Text, nullable=False),
        sa.Column("is_streamed", sa.Boolean, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("estimated_input_tokens", sa.BigInteger, nullable=False),
        sa.Column("feature", sa.Text),
        sa.Column("session", sa.Text),
        sa.Column("mode", sa.Text),
        sa.Column("project", sa.Text),
        sa.Column("client_version", sa.Float),
        sa.Column("message", sa.Text),
        sa.Column("editor", sa.Text),
        sa.Column("machine", sa.Text),
    )


def _closing_columns() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("opened_day", sa.Text, nullable=False),
        sa.Column("closed_at", sa.Float, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("cache_read_tokens", sa.BigInteger),
        sa.Column("cache_write_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("audio_input_tokens", sa.BigInteger),
        sa.Column("audio_output_tokens", sa.BigInteger),
        sa.Column("upstream_cost_nanodollars", sa.BigInteger),
        sa.Column("usage_source", sa.Text, nullable=False),
        sa.Column("usage_raw", sa.LargeBinary, nullable=False),
        sa.Column("cost_nanodollars", sa.BigInteger),
        sa.Column("price_source", sa.Text, nullable=False),
        sa.Column("price_since", sa.Text, nullable=False),
        sa.Column("first_byte_ms", sa.BigInteger),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("upstream_request_id", sa.Text),
        sa.Column("finish_reason", sa.Text),
        sa.Column("has_error", sa.Boolean, nullable=False),
    )
