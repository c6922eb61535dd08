"""All tools by name, and which of them a profile offers."""

from collections.abc import Mapping
from typing import Literal

from genesis.providers.provider import ToolSpec
from genesis.tools.edit import EDIT
from genesis.tools.exec import EXEC
from genesis.tools.read import READ
from genesis.tools.search import SEARCH
from genesis.tools.tool import Tool
from genesis.tools.write import WRITE

TOOLS: Mapping[str, Tool] = {tool.name: tool for tool in (READ, SEARCH, EDIT, WRITE, EXEC)}
Profile = Literal["minimal", "coding", "full"]


def offered(profile: Profile, *, is_read_only: bool = False) -> tuple[ToolSpec, ...]:
    """What the model is told of; nothing that would be refused in any case."""
    only_reads = is_read_only or profile == "minimal"
    return tuple(t.spec() for t in TOOLS.values() if t.effect == "reads" or not only_reads)
