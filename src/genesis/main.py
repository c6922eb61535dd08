"""The `genesis` command: finds the module of the asked command, runs it, and turns failures into sentences and exit codes.

Only that module is loaded: a start is a budget, and most commands need a fraction of what the whole program is.
"""

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from genesis import __version__
from genesis.commands.light_command import LightGroup
from genesis.core.fault import GenesisError

# command -> the module that registers it
COMMANDS = {
    "chat": "genesis.commands.chat",
    "agent": "genesis.commands.agent",
    "onboard": "genesis.commands.onboard",
    "models": "genesis.commands.models",
    "sessions": "genesis.commands.sessions",
    "config": "genesis.commands.config",
    "doctor": "genesis.commands.doctor",
    "gateway": "genesis.commands.gateway",
    "completion": "genesis.commands.completion",
}
DEFAULT = "chat"
INTERRUPTED = 130
BROKEN = 70  # EX_SOFTWARE


def make_app(only: str | None = None) -> typer.Typer:
    """The command line; with `only` just that command."""
    app = typer.Typer(
        name="genesis",
        cls=LightGroup,
        help="Terminal agent for LLM gateways. Without a command it begins a chat.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for module in dict.fromkeys(COMMANDS.values() if only is None else (COMMANDS[only],)):
        register: Callable[[typer.Typer], None] = importlib.import_module(module).register
        register(app)
    return app


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


def chosen(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The command that is asked for (None: only the program's own options), and the arguments with it in front.

    Options of the chat need no command before them: `genesis --resume`.
    """
    words = list(arguments)
    first = words[0] if words else ""
    if first in COMMANDS:
        return first, words
    if first in {"--version", "--help", "-h"} or (first and not first.startswith("-")):
        return None, words
    return DEFAULT, [DEFAULT, *words]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    os.umask(0o077)  # what is written here holds conversations and keys
    command, words = chosen(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        sys.stdout.write(f"genesis {__version__}\n")
        return 0
    try:
        make_app(command)(args=words)
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
    from genesis.config.files import make_private_dir
    from genesis.config.paths import Paths
    from genesis.failover.redact import redacted

    paths = Paths.of(os.environ)
    log = paths.logs / "genesis.log"
    told = f"its details are in {paths.shown(log)}"
    try:
        make_private_dir(paths.logs)
        with log.open("a", encoding="utf-8") as file:
            log.chmod(0o600)
            file.write(redacted("".join(traceback.format_exception(error))) + "\n")
    except OSError as problem:
        told = f"its details could not be kept ({problem.strerror})"
    sys.stderr.write(
        f"Error: Genesis failed on its own account ({type(error).__name__}); {told}. Please report it.\n"
    )
    return BROKEN


if __name__ == "__main__":
    raise SystemExit(main())
