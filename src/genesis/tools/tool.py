"""What a tool is: its call is a struct of the model's arguments, which prepares what it would do before it does it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from genesis.core.message import ImageBlock, TextBlock
from genesis.providers.provider import ToolSpec
from genesis.tools.workspace import ToolError, Workspace

# What a call does to the world: nothing, files of the workspace, or whatever a command does.
Effect = Literal["reads", "writes", "runs"]


@dataclass(frozen=True)
class ToolContext:
    """Where tools run. `environ` is what commands get: without the keys of providers."""

    workspace: Workspace
    environ: Mapping[str, str]
    exec_timeout_s: float = 120.0


class ToolResult(msgspec.Struct, frozen=True):
    """What a tool gave."""

    content: tuple[TextBlock | ImageBlock, ...]
    is_error: bool = False

    @classmethod
    def of(cls, text: str, *, is_error: bool = False) -> "ToolResult":
        """A result that is one text."""
        return cls((TextBlock(text),), is_error)


@dataclass(frozen=True)
class Prepared:
    """A call that is ready to run. `detail` is the exact command or diff, `target` the file that it would change."""

    run: Callable[[], Awaitable[ToolResult]]
    detail: str = ""
    target: Path | None = None


class ToolCall(Protocol):
    """One call with its arguments."""

    def summary(self) -> str:
        """One line for people (`read: src/main.py`), free of control characters."""
        ...

    def prepare(self, context: ToolContext) -> Prepared:
        """Find out what it would do. Changes nothing; raises ToolError if it cannot be done."""
        ...


@dataclass(frozen=True)
class Tool:
    """A tool by its name. `call` is the struct of its arguments, from which the model's schema is made."""

    name: str
    description: str
    effect: Effect
    call: type[Any]

    def spec(self) -> ToolSpec:
        """The tool as a model sees it."""
        _, parts = msgspec.json.schema_components([self.call], ref_template="{name}")
        schema = parts[self.call.__name__]
        kept = {name: schema[name] for name in ("type", "properties", "required") if name in schema}
        return ToolSpec(self.name, self.description, {**kept, "additionalProperties": False})

    def parse(self, arguments: str) -> ToolCall:
        """The call that a model wrote as JSON text."""
        try:
            call: ToolCall = msgspec.json.decode(arguments or "{}", type=self.call, strict=False)
        except msgspec.ValidationError as error:
            raise ToolError(f"The arguments of {self.name} are not usable: {error}.") from error
        except msgspec.DecodeError as error:
            raise ToolError(
                f"The arguments of {self.name} are no JSON object: {error}. Write them again."
            ) from error
        return call
