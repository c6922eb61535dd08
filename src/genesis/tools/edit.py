"""edit: put one text in the place of another, which the file must hold exactly once."""

import asyncio
from functools import partial
from typing import Annotated

import msgspec
from msgspec import Meta

from genesis.core.text import one_line
from genesis.tools.diff import unified
from genesis.tools.tool import Prepared, Tool, ToolContext
from genesis.tools.workspace import ToolError, read_bytes
from genesis.tools.write import replace


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its arguments."""

    path: Annotated[str, Meta(description="The file, from the workspace on.")]
    old_text: Annotated[
        str, Meta(description="The text to replace, exactly as it stands there.", min_length=1)
    ]
    new_text: Annotated[str, Meta(description="What stands there instead.")]
    replace_all: Annotated[
        bool, Meta(description="Replace it wherever it stands; else it must stand there once.")
    ] = False

    def summary(self) -> str:
        """`edit: name`."""
        return f"edit: {one_line(self.path)}"

    def prepare(self, context: ToolContext) -> Prepared:
        """Find the place and make the diff."""
        path = context.workspace.resolve(self.path)
        shown = context.workspace.shown(path)
        before = read_bytes(path, shown)
        text = _decoded(before, shown)
        after = self._changed(text, shown)
        change = partial(replace, path, before, after.encode("utf-8", "replace"), shown)
        return Prepared(partial(asyncio.to_thread, change), unified(text, after, shown), path)

    def _changed(self, text: str, shown: str) -> str:
        old, new = self.old_text, self.new_text
        if "\r\n" in text and "\r\n" not in old:
            # Models see lines without their ends; the file keeps its own.
            old, new = old.replace("\n", "\r\n"), new.replace("\r\n", "\n").replace("\n", "\r\n")
        if old == new:
            raise ToolError("old_text and new_text are the same: there is nothing to change.")
        count = text.count(old)
        if count == 0:
            raise ToolError(_not_found(text, old, shown))
        if count > 1 and not self.replace_all:
            raise ToolError(
                f"old_text stands {count} times in {shown}. Give more of its surroundings, or set replace_all."
            )
        return text.replace(old, new)


EDIT = Tool(
    name="edit",
    description=(
        "Change a text file of the workspace: old_text, exactly as it stands there (without read's line numbers), gives "
        "way to new_text. It must stand there once, or set replace_all."
    ),
    effect="writes",
    call=Edit,
)


def _decoded(content: bytes, shown: str) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise ToolError(f"{shown} is not UTF-8 text, so edit would damage it.") from error


def _not_found(text: str, old: str, shown: str) -> str:
    if " ".join(old.split()) in " ".join(text.split()):
        return f"old_text is not in {shown} like this, only with other blanks or line ends. Read it again."
    return f"old_text is not in {shown}. Read the file again and copy the text exactly."
