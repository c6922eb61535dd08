"""`genesis chat`: the conversation in this terminal, or between pipes."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis import __version__
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.shell_env import RememberedShell
from genesis.core.fault import GenesisError

if TYPE_CHECKING:
    from genesis.screen.launch import ChatPlan, Look
    from genesis.session.conversation import Conversation

INTERRUPTED = 130
IN_DAEMON, IN_PROCESS = "daemon", "in process"


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    session: str | None = None
    model: str | None = None
    thinking: str | None = None
    workspace: Path | None = None
    is_local: bool = False


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("chat")(chat)


def chat(
    session: Annotated[
        str | None,
        typer.Option("--session", help="Open this session: its id, or the beginning of it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Open the newest session.")] = False,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Which model answers: provider/model, or an alias."),
    ] = None,
    thinking: Annotated[
        str | None,
        typer.Option("--thinking", help="How much it thinks: off, minimal, low, medium, high."),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", help="The folder where the agent works."),
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Run in this process, even if the daemon runs.")
    ] = False,
) -> None:
    """Chat in this terminal. With a pipe as input: answer once, in plain text."""
    options = Options(
        session="last" if resume and session is None else session,
        model=model,
        thinking=thinking,
        workspace=workspace,
        is_local=local,
    )
    try:
        code = asyncio.run(_run(options))
    except GenesisError as error:
        sys.stderr.write(f"Error: {error.message}\n")
        raise typer.Exit(error.exit_code) from None
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(code)


async def _run(options: Options) -> int:
    from genesis.screen.launch import Streams, open_chat

    paths = Paths.of(os.environ)
    shell = RememberedShell()
    loaded = load(paths, os.environ, folder=Path.cwd(), run_shell=shell).require()
    streams = Streams(sys.stdin, sys.stdout, sys.stderr)
    can_ask = streams.is_terminal(os.environ)
    found = _conversation(loaded, options, shell, can_ask=can_ask)
    async with found as (conversation, where, on_hangup):
        plan = replace(_plan(paths, loaded, options, where), on_hangup=on_hangup)
        return await open_chat(conversation, plan, streams, os.environ)


@asynccontextmanager
async def _conversation(
    loaded: Loaded, options: Options, shell: RememberedShell, *, can_ask: bool
) -> "AsyncIterator[tuple[Conversation, str, Callable[[], None]]]":
    """The daemon's conversation if it runs, else one in this process; which of both; what to do when the terminal goes."""
    from genesis.daemon.client import attach

    attached = None if options.is_local else await attach(loaded.paths, loaded)
    if attached is not None:
        for warning in loaded.warnings:
            _warn(warning)
        async with aclosing(attached):
            yield attached, IN_DAEMON, attached.leave
        return
    from genesis.app import Genesis, Wishes

    wishes = Wishes(options.workspace, can_ask=can_ask)
    genesis = Genesis.open(os.environ, wishes=wishes, warn=_warn, shell=shell)
    async with aclosing(genesis):
        yield genesis.conversation, IN_PROCESS, lambda: None


def _plan(paths: Paths, loaded: Loaded, options: Options, where: str) -> "ChatPlan":
    from genesis.screen.chat import Start
    from genesis.screen.launch import ChatPlan
    from genesis.session.place import workspace_folder

    folder = Path.cwd()
    workspace = workspace_folder(paths, loaded.settings, chosen=options.workspace, folder=folder)
    return ChatPlan(
        start=Start(__version__, options.session, options.model, options.thinking),
        folder=folder,
        workspace=workspace,
        history=paths.state_dir / "history",
        where=where,
        now=lambda: time.time_ns() / 1e9,
        look=_look(loaded),
    )


def _look(loaded: Loaded) -> "Look":
    from genesis.screen.launch import Look

    screen = loaded.settings.screen
    return Look(screen.thinking, screen.code_theme, screen.color != "never", screen.editing_mode)


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
