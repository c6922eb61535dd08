"""Private files: only the user may read them, they are written whole or not at all, old ones are kept as backups."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

BACKUPS = 5
PRIVATE_FILE = 0o600
PRIVATE_DIR = 0o700


def make_private_dir(path: Path) -> None:
    """Make the folder and its missing parents, for this user alone. A folder that is there keeps its mode."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=PRIVATE_DIR, exist_ok=True)


def write_private(path: Path, content: str | bytes) -> None:
    """Put the content in the file, mode 0600: after a crash there is the old file or the new one, never half of one.

    A symbolic link stays one: what it points to is replaced.
    """
    target = path.resolve() if path.is_symlink() else path
    make_private_dir(target.parent)
    draft = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def back_up(path: Path) -> None:
    """Keep the file's content as `<name>.bak`; older ones move to `.bak.1` … `.bak.4`, the oldest goes."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    names = [path.with_name(path.name + ".bak" + (f".{n}" if n else "")) for n in range(BACKUPS)]
    for younger, older in reversed(list(pairwise(names))):
        with suppress(FileNotFoundError):
            younger.replace(older)
    write_private(names[0], content)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes of Genesis from changing the file at the same time."""
    make_private_dir(path.parent)
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, PRIVATE_FILE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
