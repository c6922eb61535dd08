"""Which files a search skips: what `.gitignore` files name, and folders that hold nothing anybody wrote by hand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".nox", ".mypy_cache",
        ".pytest_cache", ".ruff_cache", ".idea", ".gradle", ".terraform", ".next", ".cache",
    }
)  # fmt: skip
_LARGEST_IGNORE_FILE = 100_000


@dataclass(frozen=True)
class Rule:
    """One line of a `.gitignore`."""

    pattern: re.Pattern[str]
    is_negated: bool
    only_folders: bool
    is_anchored: bool


@dataclass(frozen=True)
class Rules:
    """The rules of one folder; paths are told from it on, with slashes."""

    base: str
    rules: tuple[Rule, ...]


def rules_of(folder: Path, base: str) -> Rules | None:
    """What the folder's `.gitignore` says, if it has one."""
    file = folder / ".gitignore"
    try:
        if file.is_symlink() or file.stat().st_size > _LARGEST_IGNORE_FILE:
            return None
        text = file.read_text("utf-8", "replace")
    except OSError:
        return None
    found = tuple(rule for line in text.splitlines() if (rule := _rule(line)) is not None)
    return Rules(base, found) if found else None


def is_ignored(path: str, stack: Sequence[Rules], *, is_folder: bool) -> bool:
    """Whether the last rule that fits says so; `path` is told from the search's root on."""
    verdict = False
    for rules in stack:
        inner = path[len(rules.base) :].lstrip("/")
        for rule in rules.rules:
            if rule.only_folders and not is_folder:
                continue
            name = inner if rule.is_anchored else inner.rpartition("/")[2]
            if rule.pattern.fullmatch(name):
                verdict = not rule.is_negated
    return verdict


def glob_pattern(glob: str) -> re.Pattern[str]:
    """A glob over paths: `*` and `?` stay within one name, `**` crosses folders."""
    parts: list[str] = []
    rest = glob
    while rest:
        for start, regex in (("**/", "(?:.*/)?"), ("**", ".*"), ("*", "[^/]*"), ("?", "[^/]")):
            if rest.startswith(start):
                parts.append(regex)
                rest = rest[len(start) :]
                break
        else:
            part, rest = _one(rest)
            parts.append(part)
    return re.compile("".join(parts), re.DOTALL)


def _one(rest: str) -> tuple[str, str]:
    """The regex of one character or class, and what follows."""
    if rest[0] == "\\" and len(rest) > 1:
        return re.escape(rest[1]), rest[2:]
    close = rest.find("]", 2)
    if rest[0] == "[" and close > 0:
        inside = rest[1:close].replace("\\", "\\\\").replace("[", "\\[")
        inside = f"^{inside[1:]}" if inside.startswith("!") else inside
        return f"[{inside}]", rest[close + 1 :]
    return re.escape(rest[0]), rest[1:]


def _rule(line: str) -> Rule | None:
    text = line.rstrip()
    is_negated = text.startswith("!")
    text = text[1:] if is_negated else text
    if not text or text.startswith("#"):
        return None
    only_folders = text.endswith("/")
    text = text.rstrip("/")
    is_anchored = "/" in text
    try:
        pattern = glob_pattern(text.lstrip("/"))
    except re.error:  # a class with its ends the wrong way round: git ignores such a line too
        return None
    return Rule(pattern, is_negated, only_folders, is_anchored)
