"""Secret -> Grant, from a table in memory: no database on the path of a call."""

import asyncio
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

    __slots__ = ("_clock", "_complete", "_grants", "epoch")

    def __init__(self, clock: Clock, grants: Iterable[tuple[bytes, Grant]] = ()) -> None:
        self._clock = clock
        self._grants = dict(grants)
        self._complete = asyncio.Event()
        self.epoch = -1

    def __len__(self) -> int:
        return len(self._grants)

    @property
    def is_complete(self) -> bool:
        """Whether the table holds what the store holds: until then an unknown key may still turn out to be good."""
        return self._complete.is_set()

    def replace(
        self, grants: Iterable[tuple[bytes, Grant]], epoch: int, *, is_complete: bool = False
    ) -> None:
        """Put a new table in force, whole; `is_complete` once it comes from the store."""
        self._grants = dict(grants)
        self.epoch = epoch
        if is_complete:
            self._complete.set()

    async def find_or_wait(self, key: bytes, timeout_s: float) -> Grant:
        """As `find`; a well-formed key that is unknown before the table is complete waits for that, a bounded while.

        Raises Fault store_unavailable if it never gets complete: nobody is called unknown on half a table.
        """
        if digest_of(key) in self._grants or self.is_complete or not is_well_formed(_text(key)):
            return self.find(key)
        try:
            async with asyncio.timeout(timeout_s):
                await self._complete.wait()
        except TimeoutError:
            raise Fault(
                Kind.STORE_UNAVAILABLE,
                "The gateway cannot look this API key up at the moment: try again shortly.",
                retry_after=5.0,
            ) from None
        return self.find(key)

    def known(self, digest: bytes | None) -> Grant | None:
        """The grant of a key's digest if it is good for sure: one look-up. Else `find` tells what is wrong."""
        grant = self._grants.get(digest) if digest is not None else None
        return None if grant is None or grant.expires_at is not None else grant

    def find(self, key: bytes) -> Grant:
        """The grant of a presented key. Raises Fault authentication_required, saying what is wrong with the key."""
        grant = self._grants.get(digest_of(key))
        if grant is None:
            raise _refused(_why_unknown(_text(key)))
        if grant.expires_at is not None and self._clock.wall() >= grant.expires_at:
            raise _refused(
                "This API key has expired: create a new one with `kilo-gateway keys create`."
            )
        return grant


def _text(key: bytes) -> str:
    return key.decode("latin-1")


def _refused(message: str) -> Fault:
    return Fault(Kind.AUTHENTICATION_REQUIRED, message)


def _why_unknown(text: str) -> str:
    if not text.startswith(PREFIX):
        return f"This is not an API key of this gateway: its keys begin with {PREFIX}."
    if not is_well_formed(text):
        return "This API key is incomplete or mistyped (its checksum is wrong): copy it again."
    return "This API key is unknown or revoked: create a new one with `kilo-gateway keys create`."
