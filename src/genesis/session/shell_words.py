"""Shell words: what the words of a command may become, as far as its text tells. Pure.

A word is every text that it may become; UNKNOWN stands in one for what only running tells (the output of a command, what
`read` reads). Assignments count from where they stand and replace nothing: a branch may not have been taken. Brace and
file name patterns stay as they are written. What is quoted is not told from what is not: too much is better than too little.
"""

import codecs
import itertools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field

UNKNOWN = "\ufffc"
Word = tuple[str, ...]
MOST = 16
DEEPEST = 4
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEFAULTED = re.compile(r"([A-Za-z_]\w*):?[-=+](.*)", re.DOTALL)
_ENDS = frozenset(";|&\n()")
_READERS = frozenset({"read", "mapfile", "readarray", "getopts"})


@dataclass
class Script:
    """What was read: simple commands in order, each a list of words, and what variables may hold then."""

    variables: dict[str, Word]
    commands: list[list[Word]] = field(default_factory=list)


def read_script(text: str, variables: Mapping[str, Word]) -> Script:
    """Read a command; the commands inside of `$(…)` are among its commands."""
    script = Script(dict(variables))
    _Lexer(text.replace("\\\n", ""), script, 0).run()
    return script


class _Lexer:
    def __init__(self, text: str, script: Script, depth: int) -> None:
        self._text = text
        self._script = script
        self._depth = depth
        self._at = 0
        self._word: Word | None = None
        self._command: list[Word] = []

    def run(self) -> None:
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._end_command()

    def words(self) -> list[Word]:
        """The words of a text that is no command."""
        while self._at < len(self._text):
            self._step(self._text[self._at])
        self._end_word()
        return self._command

    def _step(self, char: str) -> None:
        if char in _ENDS:
            self._at += 1
            self._end_command()
        elif char.isspace() or char in "<>":
            self._at += 1
            self._end_word()
        elif char == "'":
            self._add((self._until("'"),))
        elif char == '"':
            self._at += 1
            self._quoted()
        else:
            self._piece(char)

    def _quoted(self) -> None:
        """The rest of a text in double quotes."""
        self._add(("",))
        while self._at < len(self._text) and self._text[self._at] != '"':
            self._piece(self._text[self._at])
        self._at += 1

    def _piece(self, char: str) -> None:
        self._at += 1
        if char == "\\":
            self._add((self._text[self._at : self._at + 1],))
            self._at += 1
        elif char == "$":
            self._add(self._dollar(self._text[self._at : self._at + 1]))
        elif char == "`":
            self._at -= 1
            self._run_inside(self._until("`"))
            self._add((UNKNOWN,))
        elif char == "~" and (self._word is None or self._word[0][-1:] in {"=", ":"}):
            self._add(self._tilde())
        else:
            self._add((char,))

    def _tilde(self) -> Word:
        found = re.compile(r"[\w.-]*").match(self._text, self._at)
        name = found[0] if found else ""
        homes = self._value("HOME")
        if name and not any(home.rstrip("/").endswith(f"/{name}") for home in homes):
            return ("~",)
        self._at += len(name)
        return homes

    def _dollar(self, char: str) -> Word:
        if char == "'":
            text = self._until("'", escapes=True)
            return (_decoded(text),)
        if char == "(":
            inside = self._balanced("(", ")")
            if not inside.startswith("("):
                self._run_inside(inside)
            return (UNKNOWN,)
        if char == "{":
            return self._braced(self._balanced("{", "}"))
        name = _NAME.match(self._text, self._at)
        if name is not None:
            self._at = name.end()
            return self._value(name[0])
        if char and (char.isdigit() or char in "@*#?$!-"):
            self._at += 1
            return (UNKNOWN,)
        return ("$",)

    def _braced(self, inside: str) -> Word:
        if _NAME.fullmatch(inside):
            return self._value(inside)
        defaulted = _DEFAULTED.fullmatch(inside)
        if defaulted is None or self._depth >= DEEPEST:
            return (UNKNOWN,)
        inner = _Lexer(defaulted[2], self._script, self._depth + 1).words()
        others = [text for word in inner for text in word]
        return _limited([*self._value(defaulted[1]), *others])

    def _value(self, name: str) -> Word:
        return self._script.variables.get(name, ("",))

    def _run_inside(self, text: str) -> None:
        if self._depth < DEEPEST:
            _Lexer(text, self._script, self._depth + 1).run()

    def _until(self, end: str, *, escapes: bool = False) -> str:
        """The text from behind the sign here to the next such sign; behind that the reading goes on."""
        begin = self._at = self._at + 1
        while self._at < len(self._text) and self._text[self._at] != end:
            self._at += 2 if escapes and self._text[self._at] == "\\" else 1
        text = self._text[begin : self._at]
        self._at += 1
        return text

    def _balanced(self, opens: str, closes: str) -> str:
        begin, depth = self._at + 1, 0
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            depth += (char == opens) - (char == closes)
            if depth == 0:
                return self._text[begin : self._at - 1]
        return self._text[begin:]

    def _add(self, texts: Word) -> None:
        pairs = itertools.product(self._word or ("",), texts)
        self._word = _limited([one + other for one, other in pairs])

    def _end_word(self) -> None:
        if self._word is None:
            return
        assigned = [found for text in self._word if (found := _ASSIGNMENT.fullmatch(text))]
        for found in assigned:
            self._assign(found[1], (found[2],))
        if assigned and UNKNOWN in self._word:
            self._assign(assigned[0][1], (UNKNOWN,))
        self._command.append(self._word)
        self._word = None

    def _end_command(self) -> None:
        self._end_word()
        command, self._command = self._command, []
        if not command:
            return
        self._script.commands.append(command)
        first = command[0][0]
        names = [word[0] for word in command]
        if first == "for" and len(command) > 3:
            self._assign(names[1], tuple(text for word in command[3:] for text in word))
        elif _READERS & set(names[:3]):
            for name in names:
                self._assign(name, (UNKNOWN,))

    def _assign(self, name: str, texts: Word) -> None:
        known = self._script.variables
        known[name] = _limited([*known.get(name, ()), *texts])


def _limited(texts: list[str]) -> Word:
    distinct = list(dict.fromkeys(text[:4096] for text in texts))
    return tuple(distinct[:MOST]) if len(distinct) <= MOST else (*distinct[: MOST - 1], UNKNOWN)


def _decoded(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # of escapes that Python does not know: they stay as they are
            return codecs.decode(text.encode("latin-1", "replace"), "unicode_escape")
    except UnicodeDecodeError:
        return text
