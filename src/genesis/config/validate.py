"""What is wrong with a settings file: each issue with its path, its message, and the name that was probably meant."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from genesis.config.schema import Settings
from genesis.config.section import SecretRef, SecretSetting, Section
from genesis.core.secret import Secret

Issue = tuple[str, str]
_AT = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.DOTALL)


def read_settings(content: Any) -> tuple[Settings, tuple[Issue, ...]]:
    """The settings of a file's content; with issues they are the defaults, and nothing should rely on them."""
    if not isinstance(content, dict):
        return Settings(), (("", "The file must hold an object: { … }."),)
    shaped = _with_env_block(content)
    issues = list(_unknown_keys(Settings, shaped, ""))
    if issues:
        return Settings(), tuple(issues)
    try:
        return msgspec.convert(shaped, Settings, dec_hook=_secret), ()
    except msgspec.ValidationError as error:
        match = _AT.match(str(error))
        message, path = (match[1], match[2] or "") if match else (str(error), "")
        return Settings(), ((path.replace("[...]", "[]"), message),)


def _with_env_block(content: dict[str, Any]) -> dict[str, Any]:
    """The content with the variables of the `env` block under `vars`, where the schema has them."""
    block = content.get("env")
    if not isinstance(block, dict):
        return content
    known = {name: value for name, value in block.items() if name in {"vars", "shellEnv"}}
    more = {name: value for name, value in block.items() if name not in known}
    inner = known.get("vars", {})
    if more and isinstance(inner, dict):
        known["vars"] = inner | more
    return content | {"env": known}


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    if kind is SecretSetting and isinstance(value, str):
        return SecretSetting(literal=Secret(value))
    if kind is SecretSetting and isinstance(value, dict):
        return SecretSetting(ref=msgspec.convert(value, SecretRef))
    raise msgspec.ValidationError(
        "Expected a text" if kind is Secret else "Expected a text or {source, provider, id}"
    )


def _unknown_keys(section: type[Section], value: dict[str, Any], path: str) -> Iterator[Issue]:
    fields = {field.encode_name: field.type for field in msgspec.structs.fields(section)}
    for name, item in value.items():
        here = f"{path}.{name}" if path else name
        if name not in fields:
            near = get_close_matches(name, fields, n=1)
            meant = f' Did you mean "{near[0]}"?' if near else ""
            yield here, f"Unknown key.{meant}"
        else:
            yield from _inside(fields[name], item, here)


def _inside(kind: Any, value: Any, path: str) -> Iterator[Issue]:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        yield from _inside(arguments[0], value, path)
    elif origin in {Union, UnionType}:
        for argument in arguments:
            yield from _inside(argument, value, path)
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _inside(arguments[1], item, f"{path}.{name}")
    elif origin is tuple and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside(arguments[0], item, f"{path}[{index}]")
    elif isinstance(kind, type) and issubclass(kind, Section) and isinstance(value, dict):
        yield from _unknown_keys(kind, value, path)
