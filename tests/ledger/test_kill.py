"""A real process is killed at random moments: no attempt is lost or told twice."""

import os
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from kilo_gateway.ledger.entry import Entry
from kilo_gateway.ledger.journal import Journal

SIZE = 65536

CHILD = """
import os, sys
from pathlib import Path
import msgspec
from kilo_gateway.core.clock import SystemClock
from kilo_gateway.core.usage import Usage
from kilo_gateway.ledger.entry import Attribution, Entry, EntryIds, Opening, sealed
from kilo_gateway.ledger.journal import Journal

directory = Path(sys.argv[1])
sink = os.open(directory / "sink", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
clock = SystemClock()
journal = Journal(directory / "spool", clock=clock, segment_bytes=65536)
ids = EntryIds(clock)

def settle():
    batch = journal.read_closed(50)
    for entry in batch:
        record = msgspec.msgpack.encode(entry)
        os.write(sink, len(record).to_bytes(4, "big") + record)
    journal.acknowledge()

def recovered():
    journal.recover()
    while journal.waiting:
        settle()

recovered()
going = []
turn = 0
while True:
    turn += 1
    project = "p" * (turn % 700)
    about = Attribution("key", "owner", "m", "m", "u", "m", "openai_chat", "chat", True, None, None, project)
    opening = Opening(ids.next(), "call", 1, clock.wall(), 7, None, None, sealed(about))
    journal.open(opening)
    os.write(1, b"o " + opening.id.encode() + b"\\n")
    going.append(opening)
    if len(going) > 5:
        opening = going.pop(turn % 3)
        usage = Usage(7, turn)
        now = clock.wall()
        entry = Entry(opening, now, "ok", 200, usage, None, "", "", 1, 2, None, "stop", False)
        journal.close(entry)
        os.write(1, b"c " + opening.id.encode() + b"\\n")
    if turn % 40 == 0:
        settle()
    if turn % 500 == 0:
        journal.sync()
"""


def run_and_kill(directory, lines):
    """Starts the child, kills it after that many lines; all that it said before it died."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, directory], stdout=subprocess.PIPE)
    said = [child.stdout.readline() for _ in range(lines)]
    child.kill()
    said += child.stdout.read().splitlines(keepends=True)
    child.stdout.close()
    assert child.wait() == -9
    return [line.decode().split() for line in said if line.endswith(b"\n")]


def sunk(path):
    """What the sink took, whole records only, each once."""
    data, found = path.read_bytes(), {}
    while len(data) > 4:
        size = int.from_bytes(data[:4], "big")
        if len(data) < 4 + size:
            break
        entry = msgspec.msgpack.decode(data[4 : 4 + size], type=Entry)
        assert found.setdefault(entry.opening.id, entry) == entry
        data = data[4 + size :]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_attempt_that_was_opened_is_settled_once_after_kills(tmp_path, clock, seed):
    dice = random.Random(seed)
    said = []
    for _ in range(4):
        said += run_and_kill(os.fspath(tmp_path), dice.randrange(1, 2500))
    stored = sunk(tmp_path / "sink")
    journal = Journal(Path(tmp_path / "spool"), clock=clock, segment_bytes=SIZE)
    found = journal.recover()
    assert (found.torn_records <= 1, found.lost_segments) == (True, 0)
    while journal.waiting:
        for entry in journal.read_closed(100):
            assert stored.setdefault(entry.opening.id, entry) == entry
        journal.acknowledge()
    journal.shut()
    opened = {key for what, key in said if what == "o"}
    closed = {key for what, key in said if what == "c"}
    # At each death there may be one more attempt than was said, and one more close.
    assert opened <= stored.keys()
    assert len(stored) - len(opened) <= 4
    assert {stored[key].outcome for key in closed} == {"ok"}
    crashed = {key for key in opened - closed if stored[key].outcome == "crashed"}
    assert len(opened - closed - crashed) <= 4
