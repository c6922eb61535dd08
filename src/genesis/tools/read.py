"""read: a text file with line numbers, a picture, or the names in a folder."""

import asyncio
import base64
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from genesis.core.message import ImageBlock, TextBlock
from genesis.core.pictures import LARGEST_PICTURE, media_type_of
from genesis.core.text import one_line
from genesis.tools.tool import Prepared, Tool, ToolContext, ToolResult
from genesis.tools.workspace import ToolError, Workspace, read_bytes

LINES = 2_000
LONGEST_LINE = 2_000
LONGEST_TEXT = 60_000
NAMES = 500


class Read(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its arguments."""

    path: Annotated[str, Meta(description="File or folder, from the workspace on.")]
    offset: Annotated[int, Meta(description="The first line to read, from 1.", ge=1)] = 1
    limit: Annotated[int, Meta(description="How many lines to read.", ge=1)] = LINES

    def summary(self) -> str:
        """`read: name`, with the lines if not from the beginning."""
        part = f" from line {self.offset}" if self.offset > 1 else ""
        return f"read: {one_line(self.path)}{part}"

    def prepare(self, context: ToolContext) -> Prepared:
        """Resolve the path."""
        path = context.workspace.resolve(self.path)
        work = partial(self._read, context.workspace, path)
        return Prepared(partial(asyncio.to_thread, work))

    def _read(self, workspace: Workspace, path: Path) -> ToolResult:
        if path.is_dir():
            return ToolResult.of(_listing(workspace, path))
        shown = workspace.shown(path)
        content = read_bytes(path, shown)
        media_type = media_type_of(content)
        if media_type is not None:
            return _image(content, media_type, shown)
        if b"\0" in content[:8_000]:
            raise ToolError(f"{shown} is a binary file of {len(content):,} bytes, not text.")
        return ToolResult.of(self._numbered(content.decode("utf-8", "replace"), shown))

    def _numbered(self, text: str, shown: str) -> str:
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        if not lines:
            return f"({shown} is empty)"
        if self.offset > len(lines):
            raise ToolError(f"{shown} has {len(lines)} lines, so none at {self.offset}.")
        first = self.offset - 1
        parts: list[str] = []
        size = 0
        for number, line in enumerate(lines[first : first + min(self.limit, LINES)], self.offset):
            row = f"{number:>6}\t{_cut(line)}"
            size += len(row) + 1
            if size > LONGEST_TEXT:
                break
            parts.append(row)
        left = len(lines) - first - len(parts)
        if left:
            parts.append(f"({left} more lines; read on with offset {self.offset + len(parts)})")
        return "\n".join(parts)


READ = Tool(
    name="read",
    description=(
        f"Read a file of the workspace: text with line numbers (at most {LINES} lines a call), a picture (PNG, JPEG, "
        "GIF, WebP), or the names in a folder."
    ),
    effect="reads",
    call=Read,
)


def _cut(line: str) -> str:
    line = line.rstrip("\r")
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}… ({len(line)} characters)"


def _image(content: bytes, media_type: str, shown: str) -> ToolResult:
    if len(content) > LARGEST_PICTURE:
        raise ToolError(
            f"{shown} has {len(content):,} bytes; a picture may have {LARGEST_PICTURE:,}. Make it smaller first."
        )
    block = ImageBlock(base64.b64encode(content).decode(), media_type)
    return ToolResult((TextBlock(f"{shown}: {media_type}, {len(content):,} bytes"), block))


def _listing(workspace: Workspace, folder: Path) -> str:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise ToolError(f"{workspace.shown(folder)} cannot be listed: {error.strerror}.") from error
    seen = [entry for entry in entries if not workspace.is_protected(entry)]
    rows = [one_line(entry.name) + _mark(entry) for entry in seen[:NAMES]]
    if len(seen) > NAMES:
        rows.append(f"({len(seen) - NAMES} more)")
    return "\n".join(rows) or "(an empty folder)"


def _mark(entry: Path) -> str:
    if entry.is_symlink():
        return "@"
    return "/" if entry.is_dir() else ""
