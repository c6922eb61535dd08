"""search: a regular expression over the files of the workspace, or their names."""

import asyncio
import contextlib
import re
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from genesis.core.text import one_line
from genesis.tools.searching import Job
from genesis.tools.tool import Prepared, Tool, ToolContext, ToolResult
from genesis.tools.workspace import ToolError

LIMIT = 200
LONGEST_TEXT = 40_000
TIMEOUT_S = 30.0
# Isolated mode keeps a hostile workspace from lending its own modules; ours are found where this process finds them.
_PROGRAM = (
    "import sys; sys.path[:] = sys.argv[1:]; from genesis.tools.searching import main; main()"
)


class Search(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Its arguments."""

    pattern: Annotated[
        str, Meta(description="A Python regular expression; empty to find files by `glob`.")
    ] = ""
    path: Annotated[str, Meta(description="Where to look: a folder or a file.")] = "."
    glob: Annotated[str, Meta(description="Only files with such names: `*.py`, `src/**/*.ts`.")] = (
        ""
    )
    ignore_case: Annotated[bool, Meta(description="Upper and lower case are the same.")] = False
    limit: Annotated[int, Meta(description="How many findings at most.", ge=1, le=LIMIT)] = LIMIT

    def summary(self) -> str:
        """`search: pattern in path`."""
        what = self.pattern or self.glob or "*"
        where = "" if self.path in {"", "."} else f" in {self.path}"
        return f"search: {one_line(what + where)}"

    def prepare(self, context: ToolContext) -> Prepared:
        """Check the pattern and resolve the path."""
        try:
            re.compile(self.pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ToolError(
                f"The pattern is no regular expression: {error}. Escape what is meant literally."
            ) from error
        workspace = context.workspace
        start = workspace.resolve(self.path or ".")
        if not start.exists():
            raise ToolError(f"{workspace.shown(start)} does not exist.")
        job = Job(
            root=str(workspace.root),
            start=str(start),
            pattern=self.pattern,
            glob=self.glob,
            is_case_ignored=self.ignore_case,
            limit=self.limit,
            protected=tuple(str(path) for path in workspace.protected),
        )
        return Prepared(partial(_search, job))


SEARCH = Tool(
    name="search",
    description=(
        "Find lines that match a regular expression in the files of the workspace, or files by their names (empty pattern "
        "and a glob). Skips what .gitignore names."
    ),
    effect="reads",
    call=Search,
)


async def _search(job: Job) -> ToolResult:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-c",
        _PROGRAM,
        *(part for part in sys.path if part and Path(part).is_absolute()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            found, _ = await process.communicate(msgspec.json.encode(job))
    except TimeoutError:
        raise ToolError(
            f"The search took longer than {TIMEOUT_S:g} s. Use a simpler pattern or a smaller folder."
        ) from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await asyncio.shield(process.wait())
    if process.returncode:
        raise ToolError("The search ended unexpectedly. Try a simpler pattern.")
    text = found.decode("utf-8", "replace").rstrip("\n")
    if len(text) > LONGEST_TEXT:
        text = text[:LONGEST_TEXT].rpartition("\n")[0] + "\n(more; narrow the pattern or the path)"
    return ToolResult.of(text or "(nothing found)")
