"""Reads settings: TOML, then the environment, then every check; tells all that is wrong, with file and line."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any

import msgspec

from kilo_gateway.config.checks import Surroundings, check
from kilo_gateway.config.locate import line_of, outline
from kilo_gateway.config.overrides import Overrides, overrides
from kilo_gateway.config.problem import Finding, Path, Problem, path_text
from kilo_gateway.config.schema import Settings
from kilo_gateway.config.walk import Walk

_LARGEST_BYTES = 4 * 1024 * 1024
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


class Loaded(msgspec.Struct, frozen=True):
    """Settings of one file and one environment.

    `settings` has defaults in place of what was wrong, so that it may only be used if `ok`. `path` is None without a
    file. `digest` changes with the text of the file and with the variables that override it.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    path: FilePath | None
    digest: str

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that forbid to start with these settings."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that one can live with."""
        return tuple(problem for problem in self.problems if problem.severity == "warning")

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not self.errors

    @property
    def base(self) -> FilePath:
        """The directory that relative paths in the settings start from."""
        return _base(self.path)


class _Text(msgspec.Struct, frozen=True):
    """What a file holds: its bytes, the data, the lines of the keys, or the one problem that hides them."""

    raw: bytes = b""
    data: dict[str, Any] = {}
    lines: dict[Path, int] = {}
    problem: Problem | None = None


def load(
    path: FilePath | None, environ: Mapping[str, str], *, home: FilePath | None = None
) -> Loaded:
    """Settings of the file (None: no file) with the environment on top; `home` wins over both.

    Never raises for what a person wrote: look at `ok` and `problems`.
    """
    text = _read(path) if path is not None else _Text()
    layer = overrides(environ)
    data = layer.laid_over(text.data)
    if home is not None and isinstance(data.get("state", {}), dict):
        data["state"] = {**data.get("state", {}), "home": str(home)}
    walk = Walk()
    settings = walk.settings(data)
    surroundings = Surroundings(environ=environ, base=_base(path), file=path)
    findings = _without_echoes(
        [*walk.findings, *check(settings, surroundings, dropped=walk.dropped)]
    )
    places = _Places(str(path) if path else "", text.lines, layer)
    problems = [text.problem] if text.problem else []
    problems += places.problems(findings)
    return Loaded(settings, tuple(problems), path, _digest(text.raw, layer))


def _without_echoes(findings: list[Finding]) -> list[Finding]:
    """Without warnings about a setting that is wrong anyway."""
    wrong = {finding.path for finding in findings if finding.severity == "error"}
    return [item for item in findings if item.severity == "error" or item.path not in wrong]


class _Places(msgspec.Struct, frozen=True):
    """Turns findings into problems: a variable's name or the file and line."""

    file: str
    lines: dict[Path, int]
    layer: Overrides

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """In the order of the file; what the environment set comes last."""
        placed = [self._problem(finding) for finding in findings]
        placed.sort(key=lambda problem: (problem.line is None, problem.line or 0))
        return placed + [
            Problem(
                severity=finding.severity,
                message=finding.message,
                file=variable,
                suggestion=finding.suggestion,
            )
            for variable, finding in self.layer.wrong.items()
        ]

    def _problem(self, finding: Finding) -> Problem:
        variable = self.layer.variables.get(finding.path)
        return Problem(
            severity=finding.severity,
            message=finding.message,
            where=path_text(finding.path),
            file=variable or self.file,
            line=None if variable else line_of(self.lines, finding.path),
            suggestion=finding.suggestion,
        )


def _base(path: FilePath | None) -> FilePath:
    return path.absolute().parent if path else FilePath.cwd()


def _read(path: FilePath) -> _Text:
    try:
        with path.open("rb") as stream:
            raw = stream.read(_LARGEST_BYTES + 1)
    except OSError as error:
        return _unreadable(path, f"the file cannot be read: {error.strerror}")
    if len(raw) > _LARGEST_BYTES:
        return _unreadable(path, f"the file is larger than {_LARGEST_BYTES} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unreadable(path, "the file is not UTF-8 text", line=line)
    return _parsed(path, raw, text)


def _parsed(path: FilePath, raw: bytes, text: str) -> _Text:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return _not_toml(path, str(error), text.count("\n") + 1)
    except RecursionError:
        return _unreadable(path, "the file nests values too deeply")
    return _Text(raw=raw, data=data, lines=outline(text))


def _not_toml(path: FilePath, message: str, last_line: int) -> _Text:
    place = _TOML_PLACE.search(message)
    line, column = (place[1], place[2]) if place else (None, None)
    return _unreadable(
        path,
        f"this is not TOML: {_TOML_PLACE.sub('', message)}",
        line=int(line) if line else last_line,
        column=int(column) if column else None,
    )


def _unreadable(
    path: FilePath, message: str, *, line: int | None = None, column: int | None = None
) -> _Text:
    problem = Problem(severity="error", message=message, file=str(path), line=line, column=column)
    return _Text(problem=problem)


def _digest(raw: bytes, layer: Overrides) -> str:
    digest = hashlib.sha256(raw)
    for path, value in sorted(layer.values.items()):
        digest.update(msgspec.json.encode((path, value)))
    return digest.hexdigest()[:16]
