"""write: make a file, or replace all of it."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from genesis.core.text import one_line
from genesis.tools.diff import unified
from genesis.tools.tool import Prepared, Tool, ToolContext, ToolResult
from genesis.tools.workspace import ToolError, read_bytes, write_bytes


class Write(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its arguments."""

    path: Annotated[str, Meta(description="The file, from the workspace on.")]
    content: Annotated[str, Meta(description="All that the file shall hold.")]

    def summary(self) -> str:
        """`write: name (n lines)`."""
        count = len(self.content.splitlines())
        return f"write: {one_line(self.path)} ({count} line{'' if count == 1 else 's'})"

    def prepare(self, context: ToolContext) -> Prepared:
        """Compare with what the file holds now."""
        path = context.workspace.resolve(self.path)
        shown = context.workspace.shown(path)
        if path.is_dir():
            raise ToolError(f"{shown} is a folder. Give a file's path.")
        before = read_bytes(path, shown) if path.exists() else None
        detail = unified((before or b"").decode("utf-8", "replace"), self.content, shown)
        change = partial(replace, path, before, self.content.encode("utf-8", "replace"), shown)
        return Prepared(partial(asyncio.to_thread, change), detail, path)


WRITE = Tool(
    name="write",
    description=(
        "Make a file of the workspace, or replace all of it. Folders on the way are made. Use edit for a small change."
    ),
    effect="writes",
    call=Write,
)


def replace(path: Path, before: bytes | None, after: bytes, shown: str) -> ToolResult:
    """Write the file, unless it has changed since its diff was shown."""
    now = read_bytes(path, shown) if path.exists() else None
    if now != before:
        raise ToolError(f"{shown} has changed since the change was shown. Read it again.")
    write_bytes(path, after, shown)
    done = "Made" if before is None else "Wrote"
    return ToolResult.of(f"{done} {shown} ({len(after):,} bytes).")
