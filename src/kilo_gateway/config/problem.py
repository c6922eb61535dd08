"""Problem: one thing that is wrong with a configuration, where it stands and what to do about it."""

from typing import Literal, NamedTuple

import msgspec
from typing_extensions import override

Severity = Literal["error", "warning"]
Path = tuple[str | int, ...]


class Finding(NamedTuple):
    """A problem before it is known where in the file its `path` stands."""

    path: Path
    message: str
    suggestion: str = ""
    severity: Severity = "error"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One error or warning. Its texts never hold a credential.

    `where` is the path of the setting ("upstreams[0].api_kye"), `file` the file or, for an environment variable, its
    name; `line` and `column` count from 1. `suggestion` is what was probably meant.
    """

    severity: Severity
    message: str
    where: str = ""
    file: str = ""
    line: int | None = None
    column: int | None = None
    suggestion: str = ""

    @override
    def __str__(self) -> str:
        """The problem as one line: `file:line: error: where: message (did you mean "x"?)`."""
        place = ":".join(
            str(part) for part in (self.file, self.line, self.column) if part not in {None, ""}
        )
        parts = [part for part in (place, self.severity, self.where, self.message) if part]
        hint = f' (did you mean "{self.suggestion}"?)' if self.suggestion else ""
        return ": ".join(parts) + hint


def path_text(path: Path) -> str:
    """A key path as people write it: ("upstreams", 0, "name") -> upstreams[0].name."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _is_bare(part) else msgspec.json.encode(part).decode()
            text += f".{key}" if text else key
    return text


def _is_bare(key: str) -> bool:
    return key.isascii() and key.replace("-", "").replace("_", "").isalnum()
