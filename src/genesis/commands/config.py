"""`genesis config`: read, change and check the settings file."""

import os
import re
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from genesis.commands.light_command import LightCommand, LightGroup
from genesis.config import document
from genesis.config.json5_text import Json5Error, read_json5
from genesis.config.load import edit, invalid, load
from genesis.config.paths import Paths
from genesis.config.reference import json_schema, setting_paths
from genesis.config.setting_path import MISSING, found, put, remove, steps_of
from genesis.core.fault import ConfigError, GenesisError

Where = Annotated[
    str,
    typer.Argument(
        metavar="PATH",
        help='Steps joined by dots, as agents.defaults.model.primary; one with a dot in it as models["a.b"].',
    ),
]
HIDDEN = "***"
# Settings that may hold a secret, and sections of which each may: shown only to somebody who asks for exactly that one.
_SECRET_NAMES = frozenset({"apiKey", "token", "password"})
_SECRET_SECTIONS = frozenset({"env", "headers"})


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    group = typer.Typer(
        cls=LightGroup,
        help="Settings: read them, change them, check them.",
        no_args_is_help=True,
    )
    group.command("get", cls=LightCommand)(get)
    group.command("set", cls=LightCommand)(set_value)
    group.command("unset", cls=LightCommand)(unset)
    group.command("validate", cls=LightCommand)(validate)
    group.command("file", cls=LightCommand)(file)
    group.command("schema", cls=LightCommand)(schema)
    app.add_typer(group, name="config")


def get(
    path: Where,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, texts too.")] = False,
) -> None:
    """Print a setting as the file has it. In a section, secrets are shown as ***."""
    content = _content(Paths.of(os.environ))
    value = found(content, _checked(path))
    if value is MISSING:
        raise GenesisError(_not_set(path))
    if isinstance(value, str) and not json:
        sys.stdout.write(f"{value}\n")
    else:
        is_secret = bool(_SECRET_SECTIONS & {str(step) for step in steps_of(path)})
        shown = _without_secrets(value, is_secret=is_secret)
        sys.stdout.write(document.written(shown))


def set_value(
    path: Where,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="The new value.")],
    json_value: Annotated[
        bool,
        typer.Option("--json-value", help="VALUE is JSON5, even where a text is expected."),
    ] = False,
) -> None:
    """Change a setting. Comments in the file stay, and the old file is kept as a backup."""
    paths = Paths.of(os.environ)
    parsed = _read(value) if json_value else _guessed(value)
    _checked(path)
    try:
        edit(paths, lambda content: put(content, path, parsed))
    except ConfigError:
        if json_value or isinstance(parsed, str) or not _takes_text(paths, path, value):
            raise
    _say_updated(paths)


def _takes_text(paths: Paths, path: str, value: str) -> bool:
    """Set what looks like a number or a list as the text that it is, where only a text may stand."""
    try:
        edit(paths, lambda content: put(content, path, value))
    except ConfigError:
        return False
    return True


def unset(path: Where) -> None:
    """Take a setting out of the file, so that its default holds."""
    paths = Paths.of(os.environ)
    _checked(path)

    def change(content: dict[str, Any]) -> None:
        if not remove(content, path):
            raise GenesisError(_not_set(path))

    edit(paths, change)
    _say_updated(paths)


def validate(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check the file: unknown keys, wrong values. Exit code 1 if something is wrong."""
    paths = Paths.of(os.environ)
    warnings: list[str] = []
    loaded = load(paths, os.environ, warn=warnings.append, folder=Path.cwd())
    if json:
        report = {
            "path": str(paths.config_path),
            "valid": not loaded.issues,
            "issues": [{"path": where, "message": message} for where, message in loaded.issues],
            "warnings": warnings,
        }
        sys.stdout.write(document.written(report))
        if loaded.issues:
            raise typer.Exit(1)
        return
    for warning in warnings:
        sys.stderr.write(f"{warning}\n")
    if loaded.issues:
        raise invalid(paths, loaded.issues)
    shown = paths.shown(paths.config_path)
    there = paths.config_path.exists()
    sys.stdout.write(
        f"{shown} is valid.\n" if there else f"There is no {shown}; all settings are defaults.\n"
    )


def file() -> None:
    """Print where the settings file is."""
    sys.stdout.write(f"{Paths.of(os.environ).config_path}\n")


def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    sys.stdout.write(document.written(json_schema()))


def _content(paths: Paths) -> Any:
    try:
        return document.read(paths.config_path)
    except ConfigError as error:
        raise invalid(paths, [("", error.message)]) from None


def _checked(path: str) -> str:
    if not steps_of(path):
        raise GenesisError(
            'Name a setting, for example agents.defaults.model.primary. "genesis config schema" lists all.'
        )
    return path


def _read(value: str) -> Any:
    try:
        return read_json5(value).value
    except Json5Error as error:
        raise GenesisError(f"VALUE is not JSON5: {error}") from None


def _guessed(value: str) -> Any:
    """true, 5, [a], {…} mean themselves; everything else is a text."""
    if not re.match(r"\s*(?:[\[{\"']|true\b|false\b|null\b|[+-]?[.\d])", value):
        return value
    try:
        return read_json5(value).value
    except Json5Error:
        return value


def _without_secrets(value: Any, *, is_secret: bool = False) -> Any:
    if isinstance(value, dict):
        return {
            name: HIDDEN
            if isinstance(item, str)
            and (is_secret or name in _SECRET_NAMES)
            and not item.startswith("${")
            else _without_secrets(item, is_secret=is_secret or name in _SECRET_SECTIONS)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(item, is_secret=is_secret) for item in value]
    return value


def _not_set(path: str) -> str:
    known = path in setting_paths()
    hint = " Its default holds." if known else ' "genesis config schema" lists all settings.'
    return f"{path} is not set in the file.{hint}"


def _say_updated(paths: Paths) -> None:
    sys.stdout.write(f"Updated {paths.shown(paths.config_path)}\n")
