"""The table of rights as a file: a start needs no database, and an outage of it takes nobody's key away.

The file holds digests and rights, never a key. `pending` are keys that were minted before the database was open (the
very first start); the composition root stores them as soon as it is.
"""

import os
from pathlib import Path

import msgspec

from kilo_gateway.core.grant import Grant

_FORMAT = 1


class PendingKey(msgspec.Struct, frozen=True):
    """A key that the database does not know yet. `digest` is hex; times are seconds since the epoch."""

    digest: str
    prefix: str
    grant: Grant
    created_at: float


class Rights(msgspec.Struct, frozen=True):
    """What the file holds: the epoch of the table, its rows (digest as hex, grant), and keys still to be stored."""

    epoch: int
    rows: tuple[tuple[str, Grant], ...]
    pending: tuple[PendingKey, ...] = ()
    format: int = _FORMAT

    def table(self) -> list[tuple[bytes, Grant]]:
        """All rows, pending ones included, as `Grants` wants them."""
        waiting = [(row.digest, row.grant) for row in self.pending]
        return [(bytes.fromhex(digest), grant) for digest, grant in (*self.rows, *waiting)]


def read_rights(path: Path) -> Rights | None:
    """The file's content, or None if there is none or it is not readable as one (the database then decides)."""
    try:
        rights = msgspec.json.decode(path.read_bytes(), type=Rights)
        rights.table()
    except (OSError, msgspec.DecodeError, ValueError, RecursionError):
        return None  # ValueError: text that is not UTF-8, a digest that is not hex
    return rights if rights.format == _FORMAT else None


def write_rights(path: Path, rights: Rights) -> None:
    """Replace the file atomically, readable by its owner only. Raises OSError."""
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(rights), indent=1))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
