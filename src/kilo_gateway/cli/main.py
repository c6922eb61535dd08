"""The `kilo-gateway` command: one table of commands, each in a file of its own, loaded when it is called."""

import importlib
import os
import sys
from typing import Annotated

import typer

from kilo_gateway import __version__

# command -> (module, function); `keys` is a group of its own
COMMANDS = {
    "up": ("kilo_gateway.cli.up", "up"),
    "serve": ("kilo_gateway.cli.serve", "serve"),
    "check": ("kilo_gateway.cli.check", "check"),
    "models": ("kilo_gateway.cli.models", "models"),
    "usage": ("kilo_gateway.cli.usage", "usage"),
    "explain": ("kilo_gateway.cli.explain", "explain"),
}
GROUPS = {"keys": ("kilo_gateway.cli.keys", "keys")}


def make_app(only: str | None = None) -> typer.Typer:
    """The command line; with `only` just that command, since importing one of them is all that a start can afford."""
    app = typer.Typer(
        name="kilo-gateway",
        help="Self-hosted LLM gateway: one endpoint and one key for many models.",
        no_args_is_help=True,
        add_completion=only is None,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, (module, attribute) in COMMANDS.items():
        if only in {None, name}:
            app.command(name)(getattr(importlib.import_module(module), attribute))
    for name, (module, attribute) in GROUPS.items():
        if only in {None, name}:
            app.add_typer(getattr(importlib.import_module(module), attribute), name=name)
    return app


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kilo-gateway {__version__}")
        raise typer.Exit


def _options(
    *,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and end.", is_eager=True, callback=_say_version
        ),
    ] = False,
) -> None:
    """Options of the program itself."""


def main() -> None:
    """Run the command line. What it writes is for its owner only: the state holds digests of keys and usage."""
    os.umask(0o077)
    named = sys.argv[1] if len(sys.argv) > 1 else None
    make_app(named if named in COMMANDS or named in GROUPS else None)()
