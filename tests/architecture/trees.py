"""The source tree as the architecture tests see it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
GATEWAY = SRC / "kilo_gateway"


@cache
def sources() -> dict[str, Path]:
    """Every Python file of both programs, by its path below src."""
    return {path.relative_to(SRC).as_posix(): path for path in sorted(SRC.rglob("*.py"))}


@cache
def tree_of(name: str) -> ast.Module:
    """A file's syntax tree."""
    return ast.parse(sources()[name].read_text())


def functions_of(name: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, nested ones and methods too."""
    for node in ast.walk(tree_of(name)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
