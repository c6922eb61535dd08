"""The `genesis` command: finds the module of the asked command, runs it, and turns failures into sentences and exit codes.

Only that module is loaded: a start is a budget, and most commands need a fraction of what the whole program is.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typing_extensions import override

from genesis import __version__
from genesis.commands import COMMANDS
from genesis.commands.light_command import LightGroup
from genesis.core.fault import INTERRUPTED, GenesisError

DEFAULT = "chat"
BROKEN = 70  # EX_SOFTWARE


class LazyGroup(LightGroup):
    """The commands of the table; the module of one is loaded when it is asked for."""

    @override
    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    @override
    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in COMMANDS and cmd_name not in self.commands:
            self.commands.update(commands_of(cmd_name))
        return self.commands.get(cmd_name)

    @override
    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    @override
    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = get_close_matches(name, COMMANDS, n=1)
            told = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"No such command '{name}'.{told}")
        return super().resolve_command(ctx, args)


def commands_of(name: str) -> dict[str, Any]:
    """What the module of that command registers. Loads it."""
    app = _typer(TyperGroup)
    register: Callable[[typer.Typer], None] = importlib.import_module(COMMANDS[name][0]).register
    register(app)
    return dict(typer.main.get_group(app).commands)


def make_app() -> typer.Typer:
    """The command line."""
    app = _typer(LazyGroup)
    app.callback()(_options)
    return app


def _typer(group: type[TyperGroup]) -> typer.Typer:
    return typer.Typer(
        name="genesis",
        cls=group,
        help="Terminal agent for LLM gateways. Without a command it begins a chat.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"genesis {__version__}")
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


def with_command(arguments: Sequence[str]) -> list[str]:
    """The arguments with a command in front. Options of the chat need none: `genesis --resume`."""
    words = list(arguments)
    first = words[0] if words else ""
    if first in {"--version", "--help", "-h"} or (first and not first.startswith("-")):
        return words
    return [DEFAULT, *words]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    words = with_command(sys.argv[1:] if arguments is None else arguments)
    try:
        typer.main.get_command(make_app()).main(args=words, prog_name="genesis")
    except SystemExit as leave:  # how typer ends: help, mistakes on the command line, `typer.Exit`
        return leave.code if isinstance(leave.code, int) else 0
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return INTERRUPTED
    except GenesisError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        return error.exit_code
    except Exception as error:  # noqa: BLE001 - the edge of the program: a sentence, and the rest into the log
        return _broken(error)
    return 0


def _broken(error: Exception) -> int:
    # Late: only for the case that should not happen.
    from genesis.auth.known import after_a_crash
    from genesis.config.paths import Paths
    from genesis.failover.redact import redacted

    paths = Paths.of(os.environ)
    log = paths.logs / "genesis.log"
    told = f"its details are in {paths.shown(log)}"
    try:
        _append(
            log, redacted("".join(traceback.format_exception(error)), *after_a_crash(os.environ))
        )
    except OSError as problem:
        told = f"its details could not be kept ({problem.strerror})"
    sys.stderr.write(
        f"Error: Genesis failed on its own account ({type(error).__name__}); {told}. Please report it.\n"
    )
    return BROKEN


def _append(log: Path, text: str) -> None:
    from genesis.config.files import PRIVATE_FILE, make_private_dir

    make_private_dir(log.parent)
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, PRIVATE_FILE)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        os.fchmod(handle, PRIVATE_FILE)
        file.write(f"genesis {__version__}\n{text}\n")


if __name__ == "__main__":
    raise SystemExit(main())
