"""What is wrong with a settings file: each issue with its path, its message, and the name that was probably meant.

A message never quotes a value, because a value may be a key that stands in the wrong place.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from types import NoneType
from typing import Any

import msgspec

from genesis.config.reference import setting_paths
from genesis.config.schema import Settings
from genesis.config.section import SecretRef, SecretSetting, Section
from genesis.config.setting_path import join, steps_of
from genesis.config.shape import choices_of, fields_of, shape_of
from genesis.core.secret import Secret

Issue = tuple[str, str]
NOT_AN_OBJECT = "The file must hold an object: { … }."
_EXPECTED = re.compile(
    r"^Expected `([^`]*)`(?: of length)?(?:, got `([^`]*)`)?(?: (>=|<=) (\S+))?$"
)
_WORDS = {
    "bool": "true or false",
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "object": "an object {…}",
    "array": "a list […]",
    "null": "null",
}
_LIMITS = {">=": "of at least", "<=": "of at most"}
_ENV_KEYS = ("shellEnv", "vars")


def read_settings(content: Any) -> tuple[Settings, tuple[Issue, ...]]:
    """The settings of a file's content; with issues they are the defaults, and nothing should rely on them."""
    if not isinstance(content, dict):
        return Settings(), (("", NOT_AN_OBJECT),)
    shaped = _with_env_block(content)
    try:
        return msgspec.convert(shaped, Settings, dec_hook=_secret), ()
    except msgspec.ValidationError as error:
        found = [
            (_as_written(path, content), text) for path, text in _in_section(Settings, shaped, "")
        ]
        return Settings(), tuple(found) or (("", str(error)),)


def _with_env_block(content: dict[str, Any]) -> dict[str, Any]:
    """The content with the variables of the `env` block under `vars`, where the schema has them."""
    block = content.get("env")
    if not isinstance(block, dict):
        return content
    known = {name: value for name, value in block.items() if name in _ENV_KEYS}
    more = {name: value for name, value in block.items() if name not in known}
    inner = known.get("vars", {})
    if more and isinstance(inner, dict):
        known["vars"] = inner | more
    return content | {"env": known}


def _as_written(path: str, content: dict[str, Any]) -> str:
    """The path as it is in the file: a variable at the top of the `env` block is not under `vars`."""
    steps = steps_of(path)
    block = content.get("env")
    is_inner = steps[:2] == ["env", "vars"] and len(steps) > 2
    if is_inner and isinstance(block, dict) and steps[2] in block:
        return join("env", str(steps[2]))
    return path


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is SecretSetting and isinstance(value, str):
        return SecretSetting(literal=Secret(value))
    if kind is SecretSetting and isinstance(value, dict):
        with suppress(msgspec.ValidationError):
            return SecretSetting(ref=msgspec.convert(value, SecretRef))
    raise msgspec.ValidationError(
        "expected a text in quotes"
        if kind is Secret
        else 'expected a text in quotes, or {source: "env", id: "<VARIABLE>"}'
    )


def _in_section(section: type[Section], value: dict[str, Any], path: str) -> Iterator[Issue]:
    fields = {field.name: field for field in fields_of(section)}
    for name, item in value.items():
        if name in fields:
            yield from _in_value(fields[name].kind, item, join(path, name))
        else:
            yield join(path, name), "unknown key" + _meant(name, list(fields))
    for field in fields.values():
        if field.default is msgspec.NODEFAULT and field.name not in value:
            yield join(path, field.name), f"is missing. {field.meaning}"


def _in_value(kind: Any, value: Any, path: str) -> Iterator[Issue]:
    shape = shape_of(kind)
    if isinstance(value, dict) and shape.section is not None:
        yield from _in_section(shape.section, value, path)
    elif isinstance(value, dict) and shape.map_of is not None:
        for name, item in value.items():
            yield from _in_value(shape.map_of, item, join(path, name))
    elif isinstance(value, list) and shape.list_of is not None:
        for index, item in enumerate(value):
            yield from _in_value(shape.list_of, item, f"{path}[{index}]")
    else:
        yield from _in_plain(kind, value, path)


def _in_plain(kind: Any, value: Any, path: str) -> Iterator[Issue]:
    try:
        msgspec.convert(value, kind, dec_hook=_secret)
    except msgspec.ValidationError as error:
        choices = choices_of(kind)
        if isinstance(value, str) and choices:
            yield path, f"expected one of {_listed(choices)}" + _nearest(value, choices)
        else:
            yield path, _in_words(str(error).partition(" - at `")[0]) + _section_meant(value, path)


def _in_words(message: str) -> str:
    """msgspec's message as people say it."""
    match = _EXPECTED.match(message)
    if match is None:  # what else msgspec says may quote the value
        return message if message.startswith("expected") else "this value cannot stand here"
    kinds, got, sign, limit = match.groups()
    if kinds == "str" and limit == "1":
        return "must not be empty"
    words = " or ".join(
        _WORDS.get(kind, kind) for kind in kinds.split(" | ") if kind != NoneType.__name__
    )
    bound = f" {_LIMITS[sign]} {limit.removesuffix('.0')}" if sign else ""
    return f"expected {words}{bound}" + (f", got {_WORDS.get(got, got)}" if got else "")


def _section_meant(value: Any, path: str) -> str:
    """A section that is misspelt in the `env` block looks like a variable."""
    steps = steps_of(path)
    is_variable = steps[:2] == ["env", "vars"] and len(steps) == 3 and isinstance(value, dict)
    return _nearest(str(steps[2]), _ENV_KEYS) if is_variable else ""


def _listed(choices: tuple[str, ...]) -> str:
    return ", ".join(f'"{word}"' for word in choices)


def _nearest(name: str, known: tuple[str, ...] | list[str], *others: str) -> str:
    lower = {word.lower(): word for word in known}
    near = [lower[word] for word in get_close_matches(name.lower(), lower, n=1)]
    words = " or ".join(f'"{word}"' for word in (*near, *others))
    return f". Did you mean {words}?" if words else ""


def _meant(name: str, beside: list[str]) -> str:
    """The key that was meant: one that is spelt alike beside it, or one of that name elsewhere."""
    elsewhere = [path for path in setting_paths() if path.rpartition(".")[2] == name]
    return _nearest(name, beside, *elsewhere[:1])
