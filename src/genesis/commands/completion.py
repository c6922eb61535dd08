"""`genesis completion`: a script that completes commands and options in a shell."""

import sys
from typing import Annotated

import typer

from genesis.commands import COMMANDS
from genesis.core.fault import GenesisError

SHELLS = ("bash", "zsh", "fish")


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("completion")(completion)


def completion(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the script. For bash: `genesis completion bash >> ~/.bashrc`."""
    if shell not in SHELLS:
        raise GenesisError(f'There is no completion for "{shell}". Use {", ".join(SHELLS)}.')
    words = " ".join(sorted(COMMANDS))
    scripts = {
        "bash": f'complete -W "{words}" genesis\n',
        "zsh": f"#compdef genesis\ncompdef '_arguments \"1: :({words})\"' genesis\n",
        "fish": f"complete -c genesis -f -n __fish_use_subcommand -a '{words}'\n",
    }
    sys.stdout.write(scripts[shell])
