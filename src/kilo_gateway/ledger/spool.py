"""Spool: the segments of one directory, with its lock, its cursor and the room it may take."""

import fcntl
import mmap
import os
import struct
import zlib
from contextlib import ExitStack
from pathlib import Path

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.ledger.segment import Segment, allocate, spool_fault

_SET_ASIDE_LIMIT_BYTES = 64 * 1024 * 1024


class Spool:
    """Owner of one directory. All but `sync` belong to one thread.

    `segments` is in the order of writing, the last one is `current`. `lost_segments` counts files
    that were found without a readable header; they are renamed and kept.
    """

    def __init__(self, directory: Path, segment_bytes: int, max_bytes: int) -> None:
        """Take the directory and map what is in it. Fault STORE_UNAVAILABLE if it is taken or
        cannot be written.
        """
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._spare: Segment | None = None
        self._spares = 0
        self._is_directory_synced = False
        self.segments: list[Segment] = []
        self.lost_segments = 0
        with ExitStack() as undo:
            undo.callback(os.close, lock_directory(directory))
            self.cursor = Cursor(directory / "cursor")
            undo.callback(self.cursor.close)
            undo.callback(self._unmap)
            self._load()
            last = self.segments[-1].number if self.segments else 0
            self.current = self._add(max(last, self.cursor.read()[0]) + 1)
            self._undo = undo.pop_all()

    def next_segment(self, *, kept: int) -> Segment:
        """Make a new segment current. Fault STORE_UNAVAILABLE if less than `kept` more would fit
        after it.
        """
        if not self._has_room(1 + kept):
            raise Fault(
                Kind.STORE_UNAVAILABLE,
                "The usage spool is full: entries wait for a database that does not take them. "
                "Bring the database back, or raise the spool's size.",
                detail=f"{len(self.segments)} segments, {self._max_bytes} bytes allowed",
                retry_after=5.0,
            )
        self.current = self._add(self.current.number + 1)
        return self.current

    def drop_oldest(self) -> None:
        """Delete the oldest segment."""
        self.segments.pop(0).remove()

    def keep_aside(self, payload: bytes) -> None:
        """Append an entry that can never be stored to `set-aside.msgpack` (at most 64 MiB), for
        people to look at.
        """
        with (self._directory / "set-aside.msgpack").open("ab") as file:
            if file.tell() < _SET_ASIDE_LIMIT_BYTES:
                file.write(payload)

    def sync(self) -> None:
        """Bring what was written to the disk, against loss of power, and prepare a spare segment.

        Waits for the disk: for a thread, one call at a time.
        """
        for segment in list(self.segments):
            tail = segment.tail
            if segment.synced < tail:
                flush_file(segment.path)
                segment.synced = tail
        if not self._is_directory_synced:
            self._is_directory_synced = True
            flush_file(self._directory)
        current = self.current
        if self._spare is None and current.tail > current.size // 2 and self._has_room(2):
            # A name of its own each time: the owner may be renaming the one before at this moment.
            self._spares += 1
            path = self._directory / f"{self._spares}.spare"
            self._spare = Segment.create(path, self._segment_bytes)

    def shut(self) -> None:
        """Unmap everything and give the directory back; the files stay."""
        self._undo.close()

    def _add(self, number: int) -> Segment:
        path = self._directory / f"{number:012d}.segment"
        spare, self._spare = self._spare, None
        if spare is None:
            segment = Segment.create(path, self._segment_bytes)
        else:
            segment = spare
            segment.path = segment.path.rename(path)
        segment.number = number
        self.segments.append(segment)
        self._is_directory_synced = False
        return segment

    def _has_room(self, segments: int) -> bool:
        used = sum(segment.size for segment in self.segments)
        return used + segments * self._segment_bytes <= self._max_bytes

    def _load(self) -> None:
        for path in self._directory.glob("*.spare"):
            path.unlink()
        for path in sorted(self._directory.glob("*.segment")):
            segment = Segment.load(path)
            if segment is None:
                self.lost_segments += 1
                path.rename(path.with_suffix(".damaged"))
            else:
                segment.number = int(path.stem)
                self.segments.append(segment)

    def _unmap(self) -> None:
        for segment in self.segments:
            segment.close()
        self.segments.clear()
        if self._spare is not None:
            self._spare.remove()
            self._spare = None


class Cursor:
    """Up to where entries are stored: a segment's number and a place in it, kept in a mapped
    file.
    """

    __slots__ = ("_memory",)
    _cell = struct.Struct("<QQI4x")

    def __init__(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(descriptor).st_size < self._cell.size:
                    allocate(descriptor, self._cell.size)
                self._memory = mmap.mmap(descriptor, self._cell.size)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise spool_fault(error) from error

    def read(self) -> tuple[int, int]:
        """(segment, place); (0, 0) if nothing is known: then all comes again, and the sink takes
        each entry once.
        """
        number, at, check = self._cell.unpack_from(self._memory, 0)
        return (number, at) if check == self._sum(number, at) else (0, 0)

    def write(self, number: int, at: int) -> None:
        """Remember that everything before that place is stored."""
        self._cell.pack_into(self._memory, 0, number, at, self._sum(number, at))

    def close(self) -> None:
        """Unmap; the file stays."""
        self._memory.close()

    @staticmethod
    def _sum(number: int, at: int) -> int:
        return zlib.crc32(struct.pack("<QQ", number, at), 1)


def lock_directory(directory: Path) -> int:
    """Make the directory if need be and take it for this process; returns the descriptor that
    holds the lock.

    Fault STORE_UNAVAILABLE if another process has it.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise spool_fault(error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Fault(
            Kind.STORE_UNAVAILABLE,
            "Another gateway process is using this state directory's spool. "
            "Stop it, or give this one a state directory of its own (KILO_GATEWAY_HOME).",
            detail=f"{directory}: {error}",
        ) from error
    return descriptor


def flush_file(path: Path) -> None:
    """Bring a file's or directory's content to the disk; a file that is gone by now needs none.

    By path and not through the mapping: the owner may unmap and delete it at any moment.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
