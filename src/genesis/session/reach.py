"""Reach: whether a command's words lead to the private state of Genesis: into it, or to a folder that holds it.

Variables, `~`, `cd`, `..`, links and patterns are followed as far as the text and the disk tell. What is computed while it
runs (a name from a download, a program that builds a path itself) is not seen: a person who reads the command is the guard.
"""

import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Literal

from genesis.session.shell_words import UNKNOWN, Script, Word, read_script
from genesis.tools.workspace import Workspace

# "inside": it names the state. "may": it could get there without naming it.
Reach = Literal["inside", "may"]
_Side = Literal["inside", "above", "may"]
LONGEST = 50_000
MOST_PLACES = 16
MOST_FOUND = 200
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish"})
_KEYWORDS = frozenset({"then", "do", "else", "elif", "if", "while", "until", "!", "{", "time", "command", "builtin", "exec", "nohup"})  # fmt: skip
# They look at no more of a folder than its name or the names in it, or take no folders at all.
_HARMLESS = frozenset(
    [
        "cd",
        "pushd",
        "popd",
        "ls",
        "dir",
        "echo",
        "printf",
        "pwd",
        "test",
        "[",
        "[[",
        "stat",
        "mkdir",
        "dirname",
        "basename",
        "realpath",
        "readlink",
        "df",
        "du",
        "export",
        "which",
        "type",
        "file",
        "set",
        "unset",
        "awk",
        "gawk",
        "cut",
        "tr",
        "sed",
        "column",
        "jq",
        "expr",
        "true",
        "false",
        "for",
        "case",
        "date",
    ]
)
# They go through the folder where they are, if none is named.
_WALKERS = frozenset(
    ["find", "fd", "fdfind", "rg", "ag", "ack", "tree", "tar", "zip", "7z", "rsync"]
)
_DEEP = re.compile(r"-[A-Za-z]*[rR][A-Za-z]*|--recursive|--dereference-recursive")
_DEEP_WALKERS = frozenset(["grep", "egrep", "fgrep", "zgrep", "ls", "cp", "diff"])
_PATTERN = re.compile(r"[*?\[]")


def reach_of(command: str, place: Workspace, environ: Mapping[str, str]) -> Reach | None:
    """How near a command comes; None if its text says nothing of it."""
    homes = tuple(dict.fromkeys((str(place.home), environ.get("HOME") or str(place.home))))
    known: dict[str, Word] = {name: (value,) for name, value in environ.items()}
    known |= {"HOME": homes, "PWD": (str(place.root),), "OLDPWD": (UNKNOWN,), "USER": (place.home.name,)}  # fmt: skip
    walk = _Walk(place, [str(place.root)], has_dots="dotglob" in command)
    # What is longer is asked about for that alone, and `names_private_state` reads all of it.
    return walk.of(command[:LONGEST], known)


class _Walk:
    """`places` are the folders that the command may be in."""

    def __init__(self, place: Workspace, places: list[str], *, has_dots: bool) -> None:
        self._place = place
        self._places = places
        self._has_dots = has_dots
        self._known: dict[str, _Side | None] = {}
        self._private = [_parts(str(path)) for path in place.protected]
        self._open = _parts(str(place.open_inside)) if place.open_inside else None

    def of(self, text: str, variables: Mapping[str, Word], depth: int = 0) -> Reach | None:
        script = read_script(text, variables)
        found = [self._command(command, script, depth) for command in script.commands]
        return "inside" if "inside" in found else "may" if "may" in found else None

    def _command(self, command: Sequence[Word], script: Script, depth: int) -> Reach | None:
        words = list(command)
        while words and words[0][0] in _KEYWORDS:
            words.pop(0)
        if not words:
            return None
        program = PurePosixPath(words[0][0]).name
        if program in {"cd", "pushd"}:
            named = [text for word in words[1:] for text in word if not text.startswith("-")]
            self._go(named or script.variables["HOME"])
        sides = {side for word in words for text in word for side in self._sides(text)}
        inner = self._inner(words, script, depth)
        if "inside" in sides or inner == "inside":
            return "inside"
        flags = [word[0] for word in words[1:] if word[0].startswith("-")]
        is_deep = any(_DEEP.fullmatch(flag) for flag in flags)
        looks_in = program not in _HARMLESS or (program in _DEEP_WALKERS and is_deep)
        if inner == "may" or "may" in sides or ("above" in sides and looks_in):
            return "may"
        return "may" if self._walks_above(program, words, is_deep=is_deep) else None

    def _walks_above(self, program: str, words: Sequence[Word], *, is_deep: bool) -> bool:
        """Whether it goes through a folder that holds the state because it is there."""
        is_adding = program == "git" and any(word[0] in {"add", "stash"} for word in words[1:])
        walks = program in _WALKERS or is_adding or (program in _DEEP_WALKERS and is_deep)
        return walks and any("above" in set(self._sides(".", here)) for here in self._places)

    def _inner(self, words: Sequence[Word], script: Script, depth: int) -> Reach | None:
        """The reach of a command that is a word of this one."""
        names = [PurePosixPath(word[0]).name for word in words]
        texts: list[str] = []
        if "eval" in names[:2]:
            texts = [" ".join(word[0] for word in words[1:])]
        elif _SHELLS & set(names):
            texts = [text for word in words for text in word if re.search(r"\s", text)]
        if depth > 2:
            return "may" if texts else None
        found = [self.of(text, script.variables, depth + 1) for text in texts]
        return "inside" if "inside" in found else "may" if "may" in found else None

    def _go(self, texts: Sequence[str]) -> None:
        """It may be in these folders from now on, or still where it was."""
        for text in texts:
            for here in list(self._places):
                there = text if text.startswith("/") else f"{here}/{text}"
                if there not in self._places and len(self._places) < MOST_PLACES:
                    self._places.append(there)

    def _sides(self, text: str, here: str | None = None) -> Iterator[_Side]:
        """Where the text would lead, were it a path, or had it one in it."""
        for path in _paths_in(text):
            places = [""] if path.startswith("/") else [here] if here else self._places
            for place in places:
                whole = f"{place}/{path}" if place else path
                if whole not in self._known:
                    self._known[whole] = self._side(whole)
                side = self._known[whole]
                if side is not None:
                    yield side

    def _side(self, path: str) -> _Side | None:
        if UNKNOWN in path:
            return self._guess(path)
        parts = _parts(path)
        side = self._compared(parts)
        if side == "inside" or len(path) > 4096 or "\0" in path:
            return side
        return self._on_disk(path) or side

    def _guess(self, path: str) -> _Side | None:
        """A path that is only known in its beginning."""
        begin = path.partition(UNKNOWN)[0]
        folder, _, name = begin.rpartition("/")
        parts = _parts(folder)
        for private in self._private:
            fits = all(map(self._fits, private, parts)) if len(parts) < len(private) else False
            if fits and private[len(parts)].casefold().startswith(name.casefold()):
                return "may"
        return "inside" if self._compared(parts) == "inside" else None

    def _compared(self, parts: Sequence[str]) -> _Side | None:
        if self._open is not None and list(parts[: len(self._open)]) == self._open:
            return None
        side: _Side | None = None
        for private in self._private:
            if all(map(self._fits, private, parts)):
                if len(parts) >= len(private):
                    return "inside"
                side = "above"
        return side

    def _on_disk(self, path: str) -> _Side | None:
        """The same with links followed, also those that a pattern fits."""
        parts = path.split("/")
        patterned = [place for place, part in enumerate(parts) if _PATTERN.search(part)]
        if len(patterned) > 1:
            return None
        try:
            found = [Path(path)]
            if patterned:
                at = patterned[0]
                fitting = islice(Path("/", *parts[:at]).glob(parts[at]), MOST_FOUND)
                found = [one.joinpath(*parts[at + 1 :]) for one in fitting]
            sides = {self._compared(_parts(str(path.resolve()))) for path in found}
        except (OSError, RuntimeError, ValueError):  # no such folder, a loop of links
            return None
        return "inside" if "inside" in sides else "above" if "above" in sides else None

    def _fits(self, name: str, pattern: str) -> bool:
        """As a shell sees it: a hidden name is only reached by a pattern that begins with a dot. As some disks, without case."""
        if name.startswith(".") and not pattern.startswith(".") and not self._has_dots:
            return False
        return fnmatch.fnmatchcase(name.casefold(), pattern.casefold())


def _paths_in(text: str) -> Iterator[str]:
    """The texts in a word that may be paths: `--file=x`, `-Cx`, `@x`, `host:x`, and what braces make of them."""
    seen = {text}
    seen |= {part for part in re.split(r"[=:,@]|file://|^-\w", text) if part}
    for part in sorted(seen):
        if part.strip() and not part.startswith("-"):
            yield from unbraced(part)


def unbraced(word: str) -> list[str]:
    """The words that a shell makes of `a{b,c}`."""
    found = re.search(r"\{([^{}]*,[^{}]*)\}", word)
    if found is None or len(word) > 400:
        return [word]
    ends = (word[: found.start()], word[found.end() :])
    made = (f"{ends[0]}{part}{ends[1]}" for part in found[1].split(",")[:20])
    return [last for text in made for last in unbraced(text)][:200]


def _parts(path: str) -> list[str]:
    """The names on the way, without dots."""
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in {"", "."}:
            kept.append(part)
    return kept
