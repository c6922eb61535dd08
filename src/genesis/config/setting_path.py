"""The path of a setting, as in `models.providers["a.b"].models[0].name`: read it, find, put and take away what is there."""

import re
from itertools import pairwise
from typing import Any

from genesis.core.fault import GenesisError

MISSING = object()
_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d{1,6})\]|([^.\[\]]+)')
_NEEDS_QUOTES = re.compile(r"[.\[\]]")


def steps_of(path: str) -> list[str | int]:
    """`a.b[1]["c.d"]` as its steps: "a", "b", 1, "c.d"."""
    return [int(index) if index else quoted or name for quoted, index, name in _STEP.findall(path)]


def join(path: str, step: str) -> str:
    """The path one step further; a step with a dot or a bracket in it is quoted."""
    if _NEEDS_QUOTES.search(step):
        return f'{path}["{step}"]'
    return f"{path}.{step}" if path else step


def found(content: Any, path: str) -> Any:
    """The value at the path; MISSING if there is none."""
    for step in steps_of(path):
        if not _has(content, step):
            return MISSING
        content = content[step]
    return content


def put(content: Any, path: str, value: Any) -> None:
    """Set the value at the path; sections on the way are made. Raises GenesisError where something else is in the way."""
    steps = steps_of(path)
    for step, following in pairwise(steps):
        if not _has(content, step):
            _assign(content, step, [] if isinstance(following, int) else {}, path)
        content = content[step]
    _assign(content, steps[-1], value, path)


def remove(content: Any, path: str) -> bool:
    """Take away what is at the path; False if nothing was there."""
    *outer, last = steps_of(path)
    for step in outer:
        if not _has(content, step):
            return False
        content = content[step]
    if not _has(content, last):
        return False
    del content[last]
    return True


def _has(content: Any, step: str | int) -> bool:
    if isinstance(content, list):
        return isinstance(step, int) and step < len(content)
    return isinstance(content, dict) and step in content


def _assign(content: Any, step: str | int, value: Any, path: str) -> None:
    if isinstance(content, list) and step == len(content):
        content.append(value)
    elif isinstance(content, dict) or _has(content, step):
        content[str(step) if isinstance(content, dict) else step] = value
    else:
        kind = f"a list with an item before [{step}]" if isinstance(step, int) else "a section"
        raise GenesisError(f"{path} cannot be set: what holds it in the file is not {kind}.")
