"""The table of settings, for the documentation, for completion and for the names that people probably meant."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from genesis.config.schema import Settings
from genesis.config.section import SecretRef, SecretSetting, Section
from genesis.config.shape import fields_of, shape_of, words_of
from genesis.core.secret import Secret


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its path (`models.providers.<id>.baseUrl`), what it takes, its default, its meaning."""

    path: str
    takes: str
    default: str
    meaning: str


def settings(section: type[Section] = Settings, path: str = "") -> Iterator[Setting]:
    """Every setting, in the order of the schema; a section before what is in it."""
    for field in fields_of(section):
        here = f"{path}.{field.name}" if path else field.name
        yield Setting(here, words_of(field.kind), _default(field.default), field.meaning)
        shape = shape_of(field.kind)
        if shape.section is not None:
            yield from settings(shape.section, here)
        for kind, step in ((shape.map_of, ".<id>"), (shape.list_of, "[]")):
            inner = shape_of(kind).section if kind is not None else None
            if inner is not None:
                yield from settings(inner, here + step)


def setting_paths() -> list[str]:
    """The paths of all settings."""
    return [setting.path for setting in settings()]


def rendered() -> str:
    """The table as Markdown."""
    lines = ["| Setting | Takes | Default | Meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{row.path}` | {row.takes} | {row.default} | {row.meaning} |" for row in settings()
    ]
    return "\n".join(lines) + "\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    schema = msgspec.json.schema(Settings, schema_hook=_secret_schema)
    # Every other key of the block is a variable, which a struct cannot say.
    schema["$defs"]["Env"]["additionalProperties"] = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "genesis.json",
    } | schema


def _secret_schema(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string"}
    if kind is SecretSetting:
        reference = msgspec.json.schema(SecretRef)
        return {"anyOf": [{"type": "string"}, reference["$defs"]["SecretRef"]]}
    raise NotImplementedError(kind)


def _default(value: Any) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    if value in (None, msgspec.UNSET, (), {}) or isinstance(value, Section):
        return ""
    return f"`{msgspec.json.encode(value).decode()}`"
