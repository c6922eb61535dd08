"""Wrong types and unknown keys: walks plain TOML data along the types of the schema and finds all of them at once.

msgspec stops at the first error and speaks of JSON; here each value is tried by itself, what is wrong is told in words
and left out, so that the rest can still be read and checked.
"""

from collections.abc import Iterable
from typing import Any, Final, Literal, get_args, get_origin

import msgspec

from kilo_gateway.config.problem import Finding, Path
from kilo_gateway.config.schema import Settings
from kilo_gateway.config.types import core, hints, is_struct, members, metas
from kilo_gateway.config.words import closest, expected, found

INVALID: Final = msgspec.UNSET
"""Stands in a walked value where something was wrong and no default can be taken."""


class Walk:
    """One walk. `findings` grows; `dropped` holds the paths of array items that had to be left out."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.dropped: set[Path] = set()

    def settings(self, data: dict[str, Any]) -> Settings:
        """The settings as far as they are right; what is wrong has its default and a finding."""
        return msgspec.convert(self._struct(data, Settings, ()), Settings)

    def _value(self, value: Any, hint: Any, path: Path) -> Any:
        for member in members(hint):
            kind = core(member)
            origin = get_origin(kind)
            if origin is tuple and isinstance(value, list):
                return self._items(value, get_args(kind)[0], hint, path)
            if origin is dict and isinstance(value, dict):
                return self._table(value, get_args(kind)[1], path)
            if is_struct(kind) and isinstance(value, dict):
                return self._struct(value, kind, path)
        return self._leaf(value, hint, path)

    def _leaf(self, value: Any, hint: Any, path: Path) -> Any:
        try:
            msgspec.convert(value, hint)
        except msgspec.ValidationError:
            secret = any((meta.extra or {}).get("secret") for meta in metas(hint))
            message = f"expected {expected(hint)}, found {found(value, secret=secret)}"
            self._find(path, message, _closest_choice(value, hint))
            return INVALID
        return value

    def _items(self, values: list[Any], item: Any, hint: Any, path: Path) -> Any:
        kept: list[Any] = []
        for number, value in enumerate(values):
            walked = self._value(value, item, (*path, number))
            if walked is INVALID:
                self.dropped.add((*path, number))
            else:
                kept.append(walked)
        if len(kept) < len(values):
            return kept if is_struct(core(item)) else INVALID
        return kept if is_struct(core(item)) else self._leaf(kept, hint, path)

    def _table(self, values: dict[str, Any], hint: Any, path: Path) -> dict[str, Any]:
        walked = {key: self._value(value, hint, (*path, key)) for key, value in values.items()}
        return {key: value for key, value in walked.items() if value is not INVALID}

    def _struct(self, values: dict[str, Any], struct: type[msgspec.Struct], path: Path) -> Any:
        known = hints(struct)
        kept: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                self._find((*path, key), "there is no such setting", _meant(key, known, path))
                continue
            walked = self._value(value, known[key], (*path, key))
            if walked is not INVALID:
                kept[key] = walked
        missing = [key for key in _required(struct) if key not in kept]
        for key in missing:
            if key not in values:
                self._find(path, f'"{key}" is missing')
        return INVALID if missing else kept

    def _find(self, path: Path, message: str, suggestion: str = "") -> None:
        self.findings.append(Finding(path, message, suggestion))


def _meant(key: str, known: Iterable[str], path: Path) -> str:
    """A key of the same table that is spelled alike, else such a key in another table."""
    near = closest(key, known)
    if near:
        return near
    elsewhere: dict[str, str] = {}
    for section, hint in hints(Settings).items():
        kind = core(hint)
        if is_struct(kind) and (section,) != path:
            elsewhere |= {name: f"{section}.{name}" for name in hints(kind)}
    return elsewhere.get(closest(key, elsewhere), "")


def _required(struct: type[msgspec.Struct]) -> tuple[str, ...]:
    return tuple(field.name for field in msgspec.structs.fields(struct) if field.required)


def _closest_choice(value: Any, hint: Any) -> str:
    kind = core(hint)
    if get_origin(kind) is Literal and isinstance(value, str):
        return closest(value.lower(), (choice for choice in get_args(kind) if choice))
    return ""
