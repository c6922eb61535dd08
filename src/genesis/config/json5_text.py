"""Reads JSON5 and remembers where each value stands in the text, so that a change can leave the rest as it was.

Why not the library: it takes longer to load than a whole command may take, its messages name its own tokens, and its
model forgets where a value ends. The tests hold this reader against it. A message here never quotes the text, which
may hold a key; it says where to look.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

DEEPEST = 64
_SPACE = re.compile(r"(?:[\s\ufeff]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_STRING = re.compile(
    r'"(?:[^"\\\n\r]|\\(?:\r\n|.))*"|' r"'(?:[^'\\\n\r]|\\(?:\r\n|.))*'", re.DOTALL
)
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F]+|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|Infinity|NaN)"
    r"(?![\w$.])"
)
_NAME = re.compile(r"(?:[$\w\u200c\u200d]|\\u[0-9a-fA-F]{4})+")
_ESCAPE = re.compile(r"\\(\r\n|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_LINE_ENDS = frozenset({"\n", "\r", "\r\n", "\u2028", "\u2029"})


class Json5Error(ValueError):
    """The text is not JSON5. The message says where, and what was expected."""


@dataclass(slots=True)
class Member:
    """One `key: value` of an object; `comma` is the place of the comma behind it, if there is one."""

    key: str
    start: int
    node: "Node"
    comma: int | None = None


@dataclass(slots=True)
class Node:
    """A value and where it stands: text[start:end]."""

    value: Any
    start: int
    end: int
    members: list[Member] = field(default_factory=list)
    items: list["Node"] = field(default_factory=list)


def read_json5(text: str) -> Node:
    """The value of a text. Raises Json5Error."""
    reader = _Reader(text)
    node = reader.value(reader.skip(0), 0)
    rest = reader.skip(node.end)
    if rest != len(text):
        reader.fail(rest, "expected the end of the file after the value")
    return node


class _Reader:
    """Goes through one text from left to right; each method takes the place where it begins."""

    def __init__(self, text: str) -> None:
        self._text = text

    def skip(self, at: int) -> int:
        """Behind blanks and comments."""
        match = _SPACE.match(self._text, at)
        end = match.end() if match else at
        if self._text.startswith("/*", end):
            self.fail(end, "the comment that begins here has no end (*/)")
        return end

    def value(self, at: int, depth: int) -> Node:
        """Any value."""
        if depth > DEEPEST:
            self.fail(at, f"more than {DEEPEST} levels of brackets")
        first = self._text[at : at + 1]
        if first == "{":
            return self._object(at, depth)
        if first == "[":
            return self._array(at, depth)
        if first in {'"', "'"}:
            return self._string(at)
        match = _NUMBER.match(self._text, at)
        if match:
            return Node(self._number(match[0], at), at, match.end())
        match = _NAME.match(self._text, at)
        if match and match[0] in _WORDS:
            return Node(_WORDS[match[0]], at, match.end())
        return self.fail(
            at, "expected a value: a text in quotes, a number, true, false, null, {…} or […]"
        )

    def fail(self, at: int, message: str) -> NoReturn:
        """Raise, with the place as people count."""
        before = self._text[:at]
        line = before.count("\n") + 1
        column = at - (before.rfind("\n") + 1) + 1
        where = "the file ends too early" if at >= len(self._text) else "found something else"
        told = message if not message.startswith("expected") else f"{message}; {where}"
        raise Json5Error(f"line {line}, column {column}: {told}")

    def _object(self, start: int, depth: int) -> Node:
        members: list[Member] = []
        value: dict[str, Any] = {}
        at = self.skip(start + 1)
        while not self._text.startswith("}", at):
            key, end = self._key(at)
            if key in value:
                self.fail(at, "this key stands in the object twice; keep one of them")
            colon = self.skip(end)
            if not self._text.startswith(":", colon):
                self.fail(colon, "expected ':' after the key")
            node = self.value(self.skip(colon + 1), depth + 1)
            member = Member(key, at, node)
            members.append(member)
            value[key] = node.value
            member.comma, at = self._after(node.end, "}")
        return Node(value, start, at + 1, members=members)

    def _array(self, start: int, depth: int) -> Node:
        items: list[Node] = []
        at = self.skip(start + 1)
        while not self._text.startswith("]", at):
            items.append(self.value(at, depth + 1))
            _, at = self._after(items[-1].end, "]")
        return Node([item.value for item in items], start, at + 1, items=items)

    def _after(self, end: int, closing: str) -> tuple[int | None, int]:
        """The place of the comma after a value, and where the next thing begins."""
        at = self.skip(end)
        if self._text.startswith(",", at):
            return at, self.skip(at + 1)
        if not self._text.startswith(closing, at):
            self.fail(at, f"expected ',' or '{closing}'")
        return None, at

    def _key(self, at: int) -> tuple[str, int]:
        if self._text[at : at + 1] in {'"', "'"}:
            node = self._string(at)
            return node.value, node.end
        match = _NAME.match(self._text, at)
        if match is None or match[0][0].isdigit():
            self.fail(at, "expected a key or '}'")
        return self._unescaped(match[0], at), match.end()

    def _string(self, at: int) -> Node:
        match = _STRING.match(self._text, at)
        if match is None:
            self.fail(at, "the text that begins here has no closing quote on its line")
        return Node(self._unescaped(match[0][1:-1], at), at, match.end())

    def _number(self, text: str, at: int) -> int | float:
        digits = text.lstrip("+-")
        if len(digits) > 400:
            self.fail(at, "this number is too long")
        sign = -1 if text.startswith("-") else 1
        if digits[:2] in {"0x", "0X"}:
            return sign * int(digits, 16)
        if digits.isdigit():
            return sign * int(digits)
        return sign * float(digits.replace("Infinity", "inf"))

    def _unescaped(self, text: str, at: int) -> str:
        if "\\" not in text:
            return text

        def character(match: re.Match[str]) -> str:
            escape = match[1]
            if escape in _LINE_ENDS:
                return ""
            if len(escape) > 1:
                return chr(int(escape[1:], 16))
            if escape in "123456789ux":
                self.fail(at, f"the text that begins here has a bad escape: \\{escape}")
            return _LETTERS.get(escape, escape)

        plain = _ESCAPE.sub(character, text)
        try:  # a pair of \u escapes is one character, half a pair is none
            return plain.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self.fail(at, "the text that begins here has half of a \\u pair")
