"""The files in the state directory."""

import os
import secrets
from pathlib import Path

import msgspec

from kilo_gateway.catalog.source import Listed


class Home(msgspec.Struct, frozen=True):
    """Paths below one state directory (mode 0700, made by the command line)."""

    root: Path

    @property
    def rights(self) -> Path:
        """Digests and rights of all keys, for a start without the database."""
        return self.root / "rights.json"

    @property
    def spool(self) -> Path:
        """The ledger's journal."""
        return self.root / "spool"

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.root / "gateway.db"

    @property
    def prices(self) -> Path:
        """Prices as last read from their package."""
        return self.root / "prices.cache"

    @property
    def salt(self) -> Path:
        """What makes hashes of users this gateway's own (mode 0600)."""
        return self.root / "salt"

    @property
    def models(self) -> Path:
        """What upstreams listed last."""
        return self.root / "models.cache"


class CachedList(msgspec.Struct, frozen=True):
    """The models that one upstream listed; `origin` is its URL, so that another server's list is not taken for it."""

    origin: str
    listed: tuple[Listed, ...]


def read_lists(path: Path) -> dict[str, CachedList]:
    """What upstreams listed last; empty when there is no file or it is of another version."""
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, CachedList])
    except (OSError, msgspec.DecodeError):
        return {}


def read_salt(path: Path) -> bytes:
    """The salt; made at the first need. Raises OSError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        salt = secrets.token_bytes(32)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(salt)
        return salt


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file atomically. Raises OSError."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(path)
