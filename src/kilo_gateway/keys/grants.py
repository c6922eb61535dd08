"""Secret -> Grant, from a table in memory: no database on the path of a call."""

from collections.abc import Iterable

from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.keys.secret import PREFIX, digest_of, is_well_formed


class Grants:
    """The keys that are in force. Replaced whole by `replace`; read without a lock, from one event loop.

    A presented key is looked up by its SHA-256: what an attacker can learn from timing is about the hash of a guess,
    never about a key.
    """

    __slots__ = ("_clock", "_grants", "epoch")

    def __init__(self, clock: Clock, grants: Iterable[tuple[bytes, Grant]] = ()) -> None:
        self._clock = clock
        self._grants = dict(grants)
        self.epoch = -1

    def __len__(self) -> int:
        return len(self._grants)

    def replace(self, grants: Iterable[tuple[bytes, Grant]], epoch: int) -> None:
        """Put a new table in force, whole."""
        self._grants = dict(grants)
        self.epoch = epoch

    def find(self, key: bytes) -> Grant:
        """The grant of a presented key. Raises Fault authentication_required, saying what is wrong with the key."""
        grant = self._grants.get(digest_of(key))
        if grant is None:
            raise _refused(_why_unknown(key))
        if grant.expires_at is not None and self._clock.wall() >= grant.expires_at:
            raise _refused(
                "This API key has expired: create a new one with `kilo-gateway keys create`."
            )
        return grant


def _refused(message: str) -> Fault:
    return Fault(Kind.AUTHENTICATION_REQUIRED, message)


def _why_unknown(key: bytes) -> str:
    text = key.decode("latin-1")
    if not text.startswith(PREFIX):
        return f"This is not an API key of this gateway: its keys begin with {PREFIX}."
    if not is_well_formed(text):
        return "This API key is incomplete or mistyped (its checksum is wrong): copy it again."
    return "This API key is unknown or revoked: create a new one with `kilo-gateway keys create`."
