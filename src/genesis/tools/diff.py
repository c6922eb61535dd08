"""The unified diff of a change, as people see it before they allow it."""

import difflib
from collections.abc import Iterator


def unified(before: str, after: str, shown: str) -> str:
    """What the change does to the file, line by line; says so if it does nothing."""
    rows = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{shown}" if before else "/dev/null",
        f"b/{shown}",
    )
    return "".join(_ended(rows)) or f"(no change to {shown})"


def _ended(rows: Iterator[str]) -> Iterator[str]:
    for row in rows:
        yield row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n"
