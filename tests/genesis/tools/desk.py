"""Runs tools on a temporary workspace."""

from pathlib import Path

from genesis.core.message import ImageBlock, TextBlock
from genesis.tools.tool import Prepared, ToolContext, ToolResult
from genesis.tools.toolbox import TOOLS
from genesis.tools.workspace import Workspace


def context(root: Path, timeout_s: float = 20.0) -> ToolContext:
    place = Workspace(root, home=root.parent, protected=[root / ".genesis"])
    return ToolContext(place, {"PATH": "/usr/bin:/bin"}, timeout_s)


def prepared(root: Path, name: str, arguments: str) -> Prepared:
    return TOOLS[name].parse(arguments).prepare(context(root))


async def run(root: Path, name: str, arguments: str) -> ToolResult:
    return await prepared(root, name, arguments).run()


def text(result: ToolResult) -> str:
    return "".join(block.text for block in result.content if isinstance(block, TextBlock))


def images(result: ToolResult) -> list[ImageBlock]:
    return [block for block in result.content if isinstance(block, ImageBlock)]
