"""Recent: the entries that went into the spool last, so that handing them on need not read and decode them again.

The spool stays the truth: whatever is here stands there too, and whoever asks for more than is here reads it there.
"""

from collections import deque
from itertools import islice

from kilo_gateway.ledger.entry import Entry

LIMIT = 4096  # a few megabytes
Place = tuple[int, int]  # a segment's number, and where in it


class Recent:
    """Every entry whose record ends behind `since`, in the order of the spool. Of more than `limit` the oldest are let go."""

    __slots__ = ("_closed", "_limit", "_since")

    def __init__(self, since: Place, limit: int = LIMIT) -> None:
        self._closed: deque[tuple[Place, Entry]] = deque()
        self._limit = limit
        self._since = since

    def add(self, end: Place, entry: Entry) -> None:
        """An entry was written; its record ends there."""
        closed = self._closed
        if len(closed) >= self._limit:
            self._since = closed.popleft()[0]
        closed.append((end, entry))

    def behind(self, place: Place, limit: int) -> tuple[list[Entry], Place] | None:
        """At most `limit` entries behind a place, and where the last of them ends; None if not all of them are here.

        Those before it are not asked for again.
        """
        if place < self._since:
            return None
        closed = self._closed
        while closed and closed[0][0] <= place:
            closed.popleft()
        self._since = place
        found = list(islice(closed, limit))
        return [entry for _, entry in found], found[-1][0] if found else place
