"""The rows of `genesis models list`, and the forms in which they are printed (genesis.md 10.2, 10.3). Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from genesis.core.model import Model
from genesis.core.refs import ModelRef, key
from genesis.core.text import printable
from genesis.failover.choice import Choice

WIDTHS = (42, 10, 11, 5, 5)
HEADER = ("Model", "Input", "Ctx", "Local", "Auth", "Tags")
NOTHING = "No models found."

# What is known of a model: None if no provider of that name is there.
Find = Callable[[ModelRef], Model | None]
# Has the provider a key (None: nobody knows the provider), and is it on this machine?
Ask = Callable[[str], bool]


class Row(msgspec.Struct, frozen=True, rename="camel"):
    """One model as people and scripts see it."""

    key: str
    name: str
    input: str
    context_window: int | None
    context_tokens: int | msgspec.UnsetType
    local: bool | None
    available: bool | None
    tags: tuple[str, ...]
    missing: bool


@dataclass
class _Line:
    """A model on its way to a row."""

    ref: ModelRef
    tags: list[str] = field(default_factory=list)


def configured_lines(choice: Choice) -> dict[str, _Line]:
    """The models that the settings choose, each once, with the tags that say how."""
    lines: dict[str, _Line] = {}

    def tag(ref: ModelRef | None, name: str) -> None:
        if ref is not None:
            lines.setdefault(key(ref), _Line(ref)).tags.append(name)

    tag(choice.primary, "default")
    for number, ref in enumerate(choice.fallbacks, 1):
        tag(ref, f"fallback#{number}")
    tag(choice.image, "image")
    for number, ref in enumerate(choice.image_fallbacks, 1):
        tag(ref, f"img-fallback#{number}")
    for ref in choice.listed:
        tag(ref, "configured")
    for name, line in lines.items():
        aliases = sorted(alias for alias, target in choice.aliases.items() if target == name)
        if aliases:
            line.tags.append(f"alias:{','.join(aliases)}")
    return lines


def rows(
    choice: Choice, others: Iterable[ModelRef], *, find: Find, has_key: Ask, is_local: Ask
) -> list[Row]:
    """The configured models in their order, then the others by their reference."""
    lines = configured_lines(choice)
    for ref in sorted(others, key=lambda one: (one.provider, one.model)):
        lines.setdefault(key(ref), _Line(ref))
    return [_row(line, find(line.ref), has_key, is_local) for line in lines.values()]


def _row(line: _Line, model: Model | None, has_key: Ask, is_local: Ask) -> Row:
    name = key(line.ref)
    if model is None:
        tags = (*line.tags, "missing")
        return Row(name, name, "-", None, msgspec.UNSET, None, None, tags, missing=True)
    return Row(
        key=name,
        name=model.name,
        input="+".join(model.input) or "text",
        context_window=model.context_window,
        context_tokens=model.context_tokens,
        local=is_local(line.ref.provider),
        available=has_key(line.ref.provider),
        tags=tuple(line.tags),
        missing=False,
    )


def as_json(listed: Sequence[Row]) -> str:
    """The rows for scripts."""
    content: dict[str, Any] = {"count": len(listed), "models": [_plain(row) for row in listed]}
    return msgspec.json.format(msgspec.json.encode(content)).decode()


def _plain(row: Row) -> Mapping[str, Any]:
    # Every key is there, also where its value is a default; only contextTokens is left out when unset.
    found: dict[str, Any] = msgspec.to_builtins(row)
    return found


def as_plain(listed: Sequence[Row]) -> str:
    """The references alone, one a line."""
    return "\n".join(row.key for row in listed)


def as_table(listed: Sequence[Row]) -> str:
    """The rows for people."""
    return "\n".join(_joined(cells) for cells in (HEADER, *map(_cells, listed)))


def _cells(row: Row) -> tuple[str, ...]:
    context = _tokens(row.context_window)
    if isinstance(row.context_tokens, int) and row.context_tokens != row.context_window:
        context = f"{_tokens(row.context_tokens)}/{context}"
    return (
        _shortened(row.key, WIDTHS[0]),
        row.input,
        context,
        _yes_no(row.local),
        _yes_no(row.available),
        ",".join(row.tags),
    )


def _joined(cells: tuple[str, ...]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=False)]
    return " ".join([*padded, cells[-1]]).rstrip()


def _shortened(text: str, width: int) -> str:
    shown = printable(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def _tokens(count: int | None) -> str:
    if count is None:
        return "-"
    # Halves go up, as people round: 1 000 000 is 977k.
    return str(count) if count < 1024 else f"{int(count / 1024 + 0.5)}k"


def _yes_no(value: bool | None) -> str:
    return "-" if value is None else "yes" if value else "no"
