"""Changes a JSON5 text in place: only the values that differ are written anew.

What has to be cut or patched is collected with its place first, and then put together from start to end.
"""

import re
from dataclasses import dataclass
from typing import Any

import msgspec

from genesis.config.json5_text import Member, Node

_BARE_KEY = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*$")
_REST_OF_LINE = re.compile(r"[ \t]*(?://[^\n]*|/\*[^\n]*?\*/[ \t]*)?(?=\n)")
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class _Patch:
    start: int
    end: int
    text: str


def spliced(text: str, node: Node, content: Any) -> str:
    """The text with the node's value replaced by `content`."""
    patches = _Splicer(text).value(node, content)
    done, pieces = 0, []
    for patch in sorted(patches, key=lambda patch: (patch.start, patch.end)):
        pieces += [text[done : patch.start], patch.text]
        # Two neighbours that go may both claim the blanks between them.
        done = max(done, patch.end)
    return "".join([*pieces, text[done:]])


class _Splicer:
    """Finds what has to be patched in one text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, node: Node, new: Any) -> list[_Patch]:
        """What makes the node's text say `new`."""
        if _is_same(node.value, new):
            return []
        if isinstance(node.value, dict) and isinstance(new, dict):
            return self._object(node, new)
        if isinstance(node.value, list) and isinstance(new, list) and len(new) == len(node.items):
            pairs = zip(node.items, new, strict=True)
            return [patch for item, value in pairs for patch in self.value(item, value)]
        return [_Patch(node.start, node.end, self._formed(new, node.start))]

    def _object(self, node: Node, new: dict[str, Any]) -> list[_Patch]:
        kept = [member for member in node.members if member.key in new]
        gone = [member for member in node.members if member.key not in new]
        more = {key: value for key, value in new.items() if key not in node.value}
        patches = [patch for member in gone for patch in self._cut(member)]
        if gone and kept and not more:
            patches += self._last_comma(node, kept[-1])
        for member in kept:
            patches += self.value(member.node, new[member.key])
        if more:
            patches += self._added(node, kept[-1] if kept else None, more)
        return patches

    def _cut(self, member: Member) -> list[_Patch]:
        """Take a member out: with its line and the comment behind it, if it has lines of its own."""
        start = member.start
        end = member.node.end if member.comma is None else member.comma + 1
        line_start = self._text.rfind("\n", 0, start) + 1
        rest = _REST_OF_LINE.match(self._text, end)
        if rest and line_start and not self._text[line_start:start].strip():
            return [_Patch(line_start - 1, rest.end(), "")]
        if member.comma is None:
            start = len(self._text[:start].rstrip(" \t"))
        else:
            end += len(self._text[end:]) - len(self._text[end:].lstrip(" \t"))
        return [_Patch(start, end, "")]

    def _last_comma(self, node: Node, last: Member) -> list[_Patch]:
        """The member that is now the last keeps its comma only where the last one had one before."""
        was_last = node.members[-1]
        if last is was_last or was_last.comma is not None or last.comma is None:
            return []
        return [_Patch(last.comma, last.comma + 1, "")]

    def _added(self, node: Node, last: Member | None, more: dict[str, Any]) -> list[_Patch]:
        closing = node.end - 1
        entries = [(self._key(node, key), value) for key, value in more.items()]
        has_lines = (
            "\n" in self._text[node.start : node.members[0].start if node.members else closing]
        )
        if not has_lines and node.members:
            return self._added_in_line(closing, last, entries)
        outer = self._indent_of(node.start)
        inner = (
            self._indent_of(node.members[0].start)
            if has_lines and node.members
            else outer + _INDENT
        )
        end = len(self._text[:closing].rstrip())
        comma = "," if node.members and node.members[-1].comma is not None else ""
        lines = ",".join(f"\n{inner}{key}: {_dumped(value, inner)}" for key, value in entries)
        patches = []
        if last is not None and last.comma is None:
            patches.append(_Patch(last.node.end, last.node.end, ","))
        patches.append(_Patch(end, closing, f"{lines}{comma}\n{outer}"))
        return patches

    def _added_in_line(
        self, closing: int, last: Member | None, entries: list[tuple[str, Any]]
    ) -> list[_Patch]:
        body = ", ".join(f"{key}: {_dumped(value, None)}" for key, value in entries)
        if last is None:
            return [_Patch(closing, closing, body + " ")]
        if last.comma is None:
            return [_Patch(last.node.end, last.node.end, f", {body}")]
        return [_Patch(last.comma + 1, last.comma + 1, f" {body}")]

    def _key(self, node: Node, key: str) -> str:
        """In quotes, unless its neighbours have none."""
        near = node.members[0].start if node.members else None
        is_bare = near is not None and self._text[near] not in {'"', "'"}
        return key if is_bare and _BARE_KEY.match(key) else _dumped(key, None)

    def _formed(self, value: Any, at: int) -> str:
        """A new value: on lines of its own if its line begins with its key, else in the line."""
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        return _dumped(value, None if re.search(r"[{\[,]", line) else self._indent_of(at))

    def _indent_of(self, at: int) -> str:
        line_start = self._text.rfind("\n", 0, at) + 1
        line = self._text[line_start:at]
        return line[: len(line) - len(line.lstrip())]


def _dumped(value: Any, indent: str | None) -> str:
    """The value as JSON; with an indent on several lines."""
    if indent is None:
        return msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    return (
        msgspec.json.format(msgspec.json.encode(value), indent=2)
        .decode()
        .replace("\n", "\n" + indent)
    )


def _is_same(old: Any, new: Any) -> bool:
    """Equal, and of one kind: 1, 1.0 and true are different settings."""
    return type(old) is type(new) and old == new and repr(old) == repr(new)
