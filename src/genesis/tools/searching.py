"""The work of the search tool, in a process of its own: a pattern that never ends can be stopped there.

Reads one Job as JSON from stdin and writes the finding lines to stdout. Follows no link, reads regular files only.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from genesis.core.text import one_line
from genesis.tools.ignore import SKIPPED_FOLDERS, Rules, glob_pattern, is_ignored, rules_of

LARGEST_FILE = 5_000_000
LONGEST_LINE = 300


class Job(msgspec.Struct, frozen=True):
    """What to look for, from `start` (a file or folder in `root`) on. `protected` is never entered."""

    root: str
    start: str
    pattern: str
    glob: str
    is_case_ignored: bool
    limit: int
    protected: tuple[str, ...] = ()


def main() -> None:
    """Do the job on stdin."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]  # a real stream
    for line in findings(job):
        sys.stdout.write(line + "\n")


def findings(job: Job) -> Iterator[str]:
    """Lines `path:number: text`, or only paths when the pattern is empty; at the limit a line says so."""
    for count, line in enumerate(_matches(job)):
        if count == job.limit:
            yield f"(more than {job.limit} findings; narrow the pattern, the path or the glob)"
            return
        yield line


def _matches(job: Job) -> Iterator[str]:
    pattern = re.compile(job.pattern, re.IGNORECASE if job.is_case_ignored else 0)
    for path in _files(job):
        shown = one_line(os.path.relpath(path, job.root), 400)
        if not job.pattern:
            yield shown
            continue
        for number, line in enumerate(_lines(path), 1):
            if pattern.search(line):
                yield f"{shown}:{number}: {one_line(line, LONGEST_LINE)}"


def _files(job: Job) -> Iterator[Path]:
    start = Path(job.start)
    if start.is_file():
        yield start
        return
    wanted = glob_pattern(job.glob) if job.glob else None
    for path in _walk(start, "", [], frozenset(job.protected)):
        inner = path.relative_to(start).as_posix()
        name = inner if "/" in job.glob else path.name
        if wanted is None or wanted.fullmatch(name):
            yield path


def _walk(
    folder: Path, inner: str, above: Sequence[Rules], protected: frozenset[str]
) -> Iterator[Path]:
    own = rules_of(folder, inner)
    stack = [*above, own] if own else above
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # may not be read: nothing is found there
        return
    for entry in entries:
        if entry.is_symlink() or entry.path in protected:
            continue
        path = f"{inner}/{entry.name}" if inner else entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if is_ignored(path, stack, is_folder=is_folder):
            continue
        if not is_folder:
            yield Path(entry.path)
        elif entry.name not in SKIPPED_FOLDERS:
            yield from _walk(Path(entry.path), path, stack, protected)


def _lines(path: Path) -> list[str]:
    """The lines of a text file; none of anything else."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST_FILE:
                return []
            content = file.read()
    except OSError:
        return []
    if b"\0" in content[:8_000]:
        return []
    return [line.rstrip("\r") for line in content.decode("utf-8", "replace").split("\n")]


if __name__ == "__main__":
    main()
