"""Journal: openings and entries of all attempts, in the local spool until the store has them.

Rules
1. `open` and `close` copy memory and return; neither waits, for a disk or for a database.
2. An opening without an entry, found at start, belongs to an attempt that died with its process:
   it is closed as "crashed".
3. Entries wait in the files only. They leave in the order of closing, and may leave twice (a
   crash between the sink's answer and `acknowledge`): the sink takes each entry id once.
4. Segments are deleted from the oldest on, so an opening never outlives its own entry. A segment
   held only by a few long attempts is freed by writing their openings again.
5. When there is no room, `open` refuses and `close` does not: what has been used must be
   recorded. One segment of the allowance is kept for closing; beyond that, entries are parked in
   memory (at most one per open attempt), written when there is room, or else read from there: else
   a spool full of openings whose entries are parked would wait for itself.
"""

from contextlib import suppress
from pathlib import Path

import msgspec

from kilo_gateway.core.clock import Clock
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.ledger.entry import (
    Entry,
    Opening,
    attribution_in,
    bounded,
    bounded_opening,
    crashed,
)
from kilo_gateway.ledger.former import former_entry, former_opening
from kilo_gateway.ledger.segment import CLOSED, HEADER_BYTES, OPENED, Record, Segment
from kilo_gateway.ledger.spool import Spool

DEFAULT_SEGMENT_BYTES = 4 * 1024 * 1024
DEFAULT_MAX_BYTES = 1024 * 1024 * 1024
RECORD_LIMIT_BYTES = 32 * 1024
# A smaller record cannot hold a text or a usage object that is worth cutting.
_PLAIN_BYTES = 1500


class Recovery(msgspec.Struct, frozen=True):
    """What was found at start: entries not yet stored, attempts closed as crashed, stretches and
    segments unreadable.
    """

    waiting: int
    crashed: int
    torn_records: int
    lost_segments: int


class _OpeningId(msgspec.Struct, array_like=True, gc=False):
    id: str


class _EntryId(msgspec.Struct, array_like=True, gc=False):
    opening: _OpeningId


class Journal:
    """Owner of one spool directory. All but `sync` belong to the event loop's thread."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Clock,
        segment_bytes: int = DEFAULT_SEGMENT_BYTES,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        """Take the directory and index what is in it. Fault STORE_UNAVAILABLE if it is taken or
        cannot be written.
        """
        if segment_bytes < 2 * RECORD_LIMIT_BYTES or max_bytes < 3 * segment_bytes:
            raise ValueError("the spool needs segments of 64 KiB at least, and room for three")
        self._clock = clock
        self._carry_limit_bytes = segment_bytes // 4
        self._encode = msgspec.msgpack.Encoder().encode
        self._openings = msgspec.msgpack.Decoder(Opening)
        self._entries = msgspec.msgpack.Decoder(Entry)
        self._open: dict[str, tuple[Segment, int]] = {}
        self._parked: list[tuple[Segment, bytes]] = []
        self._waiting = 0
        self._read_count = 0
        self._read_parked = 0
        self._spool = Spool(directory, segment_bytes, max_bytes)
        self._current = self._spool.current
        self._at = self._read_to = self._spool.cursor.read()
        for segment in self._spool.segments:
            self._index(segment)

    @property
    def waiting(self) -> int:
        """Entries that the sink has not acknowledged yet."""
        return self._waiting + len(self._parked)

    @property
    def open_count(self) -> int:
        """Attempts opened and not closed."""
        return len(self._open)

    def open(self, opening: Opening) -> None:
        """Record that an attempt starts. Fault STORE_UNAVAILABLE if there is no room: then do not
        start it.
        """
        key = opening.id
        if key in self._open:
            raise Fault(Kind.INTERNAL, "An attempt was opened twice.", detail=key)
        try:
            payload = self._encode(opening)
        except (UnicodeEncodeError, OverflowError):
            payload = self._encode(bounded_opening(opening))
        if len(payload) > RECORD_LIMIT_BYTES:
            payload = self._encode(bounded_opening(opening))
        segment = self._current
        at = -1 if self._parked else segment.append(OPENED, payload)
        if at < 0:
            segment, at = self._open_in_next(payload)
        segment.open_count += 1
        self._open[key] = (segment, at)

    def close(self, entry: Entry) -> None:
        """Record how an attempt ended. Never refuses for lack of room; Fault INTERNAL if it is
        not open.
        """
        place = self._open.pop(entry.opening.id, None)
        if place is None:
            raise Fault(
                Kind.INTERNAL, "An attempt was closed that is not open.", detail=entry.opening.id
            )
        try:
            payload = self._encode(entry)
        except (UnicodeEncodeError, OverflowError):
            payload = self._encode(bounded(entry))
        if len(payload) > _PLAIN_BYTES:
            payload = self._encode(bounded(entry))
        if self._current.append(CLOSED, payload) < 0 and not self._close_in_next(payload):
            self._parked.append((place[0], payload))
            return
        place[0].open_count -= 1
        self._waiting += 1

    def read_closed(self, limit: int) -> list[Entry]:
        """The oldest entries that are not acknowledged, at most `limit`; the same ones again
        until they are.
        """
        self._read_parked = 0
        self._write_parked()
        found: list[Entry] = []
        read = 0
        number, at = self._at
        for segment in self._spool.segments:
            if segment.number < number:
                continue
            start = at if segment.number == number else HEADER_BYTES
            payloads, end = segment.closed(start, limit - read)
            found += self._decode_entries(payloads)
            read += len(payloads)
            if read >= limit:
                self._read_to = (segment.number, end)
                self._read_count = read
                return found
        # Everything was seen: what a damaged disk no longer gives back is not waited for.
        self._waiting = self._read_count = read
        self._read_to = (self._current.number, self._current.tail)
        self._read_parked = min(len(self._parked), limit - read)
        parked = self._parked[: self._read_parked]
        return found + [self._entries.decode(payload) for _, payload in parked]

    def acknowledge(self) -> None:
        """The entries of the last `read_closed` are stored: move on, and free the segments that
        nobody needs.
        """
        self._waiting -= self._read_count
        self._read_count = 0
        for segment, _ in self._parked[: self._read_parked]:
            segment.open_count -= 1
        del self._parked[: self._read_parked]
        self._read_parked = 0
        self._at = self._read_to
        self._spool.cursor.write(*self._at)
        self._free_segments()

    def set_aside(self, entry: Entry) -> None:
        """Keep an entry that the sink can never take in a file of its own, so that those behind
        it get through.
        """
        self._spool.keep_aside(self._encode(entry))

    def recover(self) -> Recovery:
        """Close what the process before us left open. Call once, before the first `open`."""
        now = self._clock.wall()
        closed = 0
        for key, (segment, at) in list(self._open.items()):
            opening = self._decode_opening(segment.record_at(at))
            if opening is None:
                del self._open[key]
                segment.open_count -= 1
            else:
                self.close(crashed(opening, now))
                closed += 1
        torn = sum(segment.torn for segment in self._spool.segments)
        self._free_segments()
        return Recovery(self.waiting, closed, torn, self._spool.lost_segments)

    def sync(self) -> None:
        """Bring what was written to the disk, against loss of power, and prepare the next segment.

        Waits for the disk: call it about once a second from a thread, one call at a time. Fault
        STORE_UNAVAILABLE if the disk has no room for the next segment; OSError if it fails.
        """
        self._spool.sync()

    def shut(self) -> None:
        """Give the directory back. Entries that wait stay in it."""
        self._write_parked()
        try:
            self._spool.sync()
        finally:
            self._spool.shut()

    def _next_segment(self, *, kept: int) -> Segment:
        self._current = self._spool.next_segment(kept=kept)
        return self._current

    def _open_in_next(self, payload: bytes) -> tuple[Segment, int]:
        self._write_parked()
        segment = self._current
        at = -1 if self._parked else segment.append(OPENED, payload)
        if at < 0:
            segment = self._next_segment(kept=1)
            at = segment.append(OPENED, payload)
        return segment, at

    def _close_in_next(self, payload: bytes) -> bool:
        try:
            self._next_segment(kept=0).append(CLOSED, payload)
        except Fault:
            return False  # parked by the caller; the next `open` tells why
        return True

    def _write_parked(self) -> None:
        while self._parked and not self._read_parked:  # those being stored stay where they are
            segment, payload = self._parked[0]
            if self._current.append(CLOSED, payload) < 0 and not self._close_in_next(payload):
                return
            del self._parked[0]
            segment.open_count -= 1
            self._waiting += 1

    def _decode_entries(self, payloads: list[bytes]) -> list[Entry]:
        decode = self._entries.decode
        try:
            entries = [decode(payload) for payload in payloads]
            for seal in {entry.opening.attribution for entry in entries}:
                attribution_in(seal)
        except msgspec.DecodeError:
            # Some are of another version: one by one, to find out which.
            return [entry for payload in payloads if (entry := self._decode_entry(payload))]
        return entries

    def _decode_entry(self, payload: bytes) -> Entry | None:
        for read in (self._entries.decode, former_entry):
            with suppress(msgspec.DecodeError):
                entry = read(payload)
                attribution_in(entry.opening.attribution)
                return entry
        self._spool.keep_aside(payload)
        return None

    def _decode_opening(self, record: Record | None) -> Opening | None:
        if record is None:
            return None
        for read in (self._openings.decode, former_opening):
            with suppress(msgspec.DecodeError):
                return read(record.payload)
        self._spool.keep_aside(record.payload)
        return None

    def _free_segments(self) -> None:
        if not self._waiting:
            self._at = self._read_to = (self._current.number, self._current.tail)
            self._spool.cursor.write(*self._at)
        while len(self._spool.segments) > 1:
            oldest = self._spool.segments[0]
            if self._at < (oldest.number, oldest.tail):
                return
            if oldest.open_count and not self._carry(oldest):
                return
            self._spool.drop_oldest()

    def _carry(self, oldest: Segment) -> bool:
        """Write the openings that hold up a segment again, if they are few; whether the segment
        is free now.
        """
        if len(self._spool.segments) <= 2:
            return False
        held = [(key, at) for key, (segment, at) in self._open.items() if segment is oldest]
        records = [(key, record) for key, at in held if (record := oldest.record_at(at))]
        size = sum(record.end - record.at for _, record in records)
        if len(records) != oldest.open_count or size > self._carry_limit_bytes:
            return False
        for key, record in records:
            segment = self._current
            at = segment.append(OPENED, record.payload)
            if at < 0:
                try:
                    segment, at = self._open_in_next(record.payload)
                except Fault:
                    return False
            self._open[key] = (segment, at)
            segment.open_count += 1
            oldest.open_count -= 1
        return True

    def _index(self, segment: Segment) -> None:
        """Count what waits and what is open in a segment that the process before us left."""
        for record in segment.records(HEADER_BYTES):
            try:
                key = _key_of(record)
            except msgspec.DecodeError:
                continue  # set aside when it is its turn
            known = self._open.pop(key, None)
            if known is not None:
                known[0].open_count -= 1
            if record.kind == OPENED:
                self._open[key] = (segment, record.at)
                segment.open_count += 1
            elif (segment.number, record.at) >= self._at:
                self._waiting += 1


def _key_of(record: Record) -> str:
    if record.kind == OPENED:
        return _opening_ids.decode(record.payload).id
    return _entry_ids.decode(record.payload).opening.id


_opening_ids = msgspec.msgpack.Decoder(_OpeningId)
_entry_ids = msgspec.msgpack.Decoder(_EntryId)
