"""Segment: one preallocated, memory-mapped file of checked records.

A record is written by copying memory and nothing else, so what was written survives the death of
the process (the kernel owns the pages). Its head is written last, and one that is there in part fails
its check: a reader ignores what follows. Bytes on disk:

    segment   8 bytes magic, 4 bytes salt, 4 bytes zero, then records at multiples of 4
    record    4 bytes length of the payload, 4 bytes crc32, 4 bytes kind, payload

The check starts from the salt, so that no text which a client sends can pass for a record when a
damaged segment is read.
"""

import errno
import mmap
import os
import re
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self
from zlib import crc32

from kilo_gateway.core.fault import Fault, Kind

OPENED = 1
CLOSED = 2

HEADER_BYTES = 16
_MAGIC = b"KGSPOOL1"
_HEAD_BYTES = 12
_header = struct.Struct("<8sI4x")
_head = struct.Struct("<III")
_put_head = _head.pack_into
_take_head = _head.unpack_from
_KINDS = frozenset({OPENED, CLOSED})
_not_zero = re.compile(rb"[^\0]")
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Record(NamedTuple):
    """One record as read: its kind, where it starts and ends in the segment, and its payload."""

    kind: int
    at: int
    end: int
    payload: bytes


class Segment:
    """One file of the spool, mapped; `tail` is where the next record goes, `open_count` how many
    attempts opened here go on.

    Written by one thread only.
    """

    __slots__ = ("memory", "number", "open_count", "path", "salt", "size", "synced", "tail", "torn")

    def __init__(self, path: Path, memory: mmap.mmap) -> None:
        self.path = path
        self.number = 0
        self.memory = memory
        self.size = len(memory)
        self.salt: int = _header.unpack_from(memory, 0)[1]
        self.tail = HEADER_BYTES
        self.synced = 0
        self.open_count = 0
        self.torn = 0

    @classmethod
    def create(cls, path: Path, size: int) -> Self:
        """A new empty segment of `size` bytes whose space is really there; Fault
        STORE_UNAVAILABLE if it is not.
        """
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                allocate(descriptor, size)
                memory = mmap.mmap(descriptor, size)
            finally:
                os.close(descriptor)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise spool_fault(error) from error
        _header.pack_into(memory, 0, _MAGIC, secrets.randbits(32))
        return cls(path, memory)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """A segment that another process left, for reading only; None if not even its header can
        be read.

        `torn` tells how many stretches of it could not be read.
        """
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < HEADER_BYTES:
                return None
            memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        if memory[: len(_MAGIC)] != _MAGIC:
            memory.close()
            return None
        segment = cls(path, memory)
        segment._find_tail()
        return segment

    def append(self, kind: int, payload: bytes) -> int:
        """Write a record; returns where it starts, or -1 if it does not fit."""
        at, length = self.tail, len(payload)
        begin = at + _HEAD_BYTES
        end = begin + length
        if end > self.size:
            return -1
        memory = self.memory
        memory[begin:end] = payload
        _put_head(memory, at, length, crc32(payload, self.salt ^ kind), kind)
        self.tail = (end + 3) & -4
        return at

    def records(self, start: int) -> Iterator[Record]:
        """The records from `start` up to the tail; what cannot be read is skipped."""
        at = start
        while at < self.tail:
            record = self.record_at(at)
            if record is not None:
                yield record
                at = record.end
            else:
                at = self._next_readable(at)

    def closed(self, start: int, limit: int) -> tuple[list[bytes], int]:
        """The payloads of at most `limit` closed records from `start` on, and where the last of
        them ends: the same as `records` gives, at a third of its price. Where nothing is torn,
        opened records are stepped over unread.
        """
        memory, tail, seed = self.memory, self.tail, self.salt ^ CLOSED
        last, is_sound = min(tail - 1, self.size - _HEAD_BYTES), not self.torn
        found: list[bytes] = []
        at = start
        while at <= last and len(found) < limit:
            length, check, kind = _take_head(memory, at)
            begin = at + _HEAD_BYTES
            end = begin + length
            if kind == CLOSED:
                payload = memory[begin:end]
                if crc32(payload, seed) == check:
                    found.append(payload)
                    at = (end + 3) & -4
                    continue
            elif kind == OPENED and is_sound and length:
                at = (end + 3) & -4
                continue
            other = self.record_at(at)
            at = self._next_readable(at) if other is None else other.end
        return found, at if len(found) == limit else tail

    def record_at(self, at: int) -> Record | None:
        """The record that starts there, None if there is none or its check fails."""
        if at + _HEAD_BYTES > self.size:
            return None
        length, check, kind = _head.unpack_from(self.memory, at)
        end = at + _HEAD_BYTES + length
        if not length or end > self.size or kind not in _KINDS:
            return None
        payload = self.memory[at + _HEAD_BYTES : end]
        if crc32(payload, self.salt ^ kind) != check:
            return None
        return Record(kind, at, (end + 3) & -4, payload)

    def close(self) -> None:
        """Unmap; the file stays."""
        self.memory.close()

    def remove(self) -> None:
        """Unmap and delete the file."""
        self.memory.close()
        self.path.unlink(missing_ok=True)

    def _find_tail(self) -> None:
        tail = HEADER_BYTES
        self.tail = self.size
        for record in self.records(HEADER_BYTES):
            self.torn += record.at != tail
            tail = record.end
        self.torn += _not_zero.search(self.memory, tail) is not None
        self.tail = self.synced = tail
        if not self.torn:
            # Only what was written counts against the spool's size, however often a process
            # starts and dies.
            os.truncate(self.path, tail)
            self.size = tail

    def _next_readable(self, at: int) -> int:
        while True:
            found = _not_zero.search(self.memory, at + 4, self.tail)
            if found is None:
                return self.tail
            at = found.start() & -4
            if self.record_at(at) is not None:
                return at


def allocate(descriptor: int, size: int) -> None:
    """Give a file that many bytes that are really there; OSError if the disk has no room."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    for at in range(0, size, 65536):
        os.pwrite(descriptor, bytes(min(65536, size - at)), at)


def spool_fault(error: OSError) -> Fault:
    """The fault that says what to do about an error of the spool's disk."""
    if error.errno in _NO_SPACE:
        text = (
            "The usage spool has no disk space left, so no call can be accounted for. "
            "Free space on the disk that holds the state directory."
        )
    else:
        text = (
            "The usage spool cannot be written, so no call can be accounted for. "
            "Check the state directory's disk and permissions."
        )
    return Fault(Kind.STORE_UNAVAILABLE, text, detail=repr(error), retry_after=5.0)
