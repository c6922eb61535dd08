"""`genesis chat`: the conversation in this terminal, or between pipes."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genesis import __version__
from genesis.config.load import Loaded, load
from genesis.config.paths import Paths
from genesis.config.shell_env import RememberedShell
from genesis.core.fault import INTERRUPTED

if TYPE_CHECKING:
    from genesis.daemon.client import DaemonConversation
    from genesis.screen.launch import ChatPlan, Look
    from genesis.session.conversation import Conversation

IN_DAEMON, IN_PROCESS = "daemon", "in process"


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    session: str | None = None
    model: str | None = None
    thinking: str | None = None
    workspace: Path | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Found:
    """The conversation, who runs it and where the agent works (None: the daemon chooses)."""

    conversation: "Conversation"
    where: str
    workspace: Path | None
    daemon: "DaemonConversation | None" = None

    def hang_up(self) -> None:
        """The terminal is gone."""
        if self.daemon is not None:
            self.daemon.leave()

    async def aclose(self) -> None:
        """Leave the daemon."""
        if self.daemon is not None:
            await self.daemon.aclose()


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
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(code)


async def _run(options: Options) -> int:
    from genesis.screen.launch import Streams, open_chat

    shell = RememberedShell()
    loaded = load(Paths.of(os.environ), os.environ, folder=Path.cwd(), run_shell=shell).require()
    streams = Streams(sys.stdin, sys.stdout, sys.stderr)
    can_ask = streams.is_terminal(os.environ)
    async with _conversation(loaded, options, shell, can_ask=can_ask) as found:
        plan = _plan(loaded, options, found)
        return await open_chat(found.conversation, plan, streams, os.environ)


@asynccontextmanager
async def _conversation(
    loaded: Loaded, options: Options, shell: RememberedShell, *, can_ask: bool
) -> "AsyncIterator[Found]":
    """The daemon's conversation if it runs or is elsewhere, else one in this process."""
    attached = None if options.is_local else await _attached(loaded, options, shell)
    if attached is not None:
        for warning in loaded.warnings:
            _warn(warning)
        async with aclosing(attached):
            yield attached
        return
    from genesis.app import Genesis, Wishes

    wishes = Wishes(options.workspace, can_ask=can_ask)
    genesis = Genesis.open(os.environ, wishes=wishes, warn=_warn, shell=shell)
    async with aclosing(genesis):
        yield Found(genesis.conversation, IN_PROCESS, _usual_workspace(loaded, options))


async def _attached(loaded: Loaded, options: Options, shell: RememberedShell) -> "Found | None":
    """The daemon's conversation: of the one elsewhere if the settings say so, else of this machine's if it runs."""
    if loaded.settings.gateway.mode == "remote":
        from genesis.daemon.remote import UNENCRYPTED, connected, remote_of

        remote = remote_of(loaded, os.environ, shell)
        if remote.is_readable:
            _warn(UNENCRYPTED)
        there = await connected(remote)
        # A folder of this machine says nothing there.
        return Found(there, f"daemon at {remote.host}", options.workspace, there)
    from genesis.daemon.client import attach

    here = await attach(loaded.paths, loaded)
    if here is None:
        return None
    return Found(here, IN_DAEMON, _usual_workspace(loaded, options), here)


def _usual_workspace(loaded: Loaded, options: Options) -> Path:
    from genesis.session.place import workspace_folder

    return workspace_folder(
        loaded.paths, loaded.settings, chosen=options.workspace, folder=Path.cwd()
    )


def _plan(loaded: Loaded, options: Options, found: "Found") -> "ChatPlan":
    from genesis.screen.chat import Start
    from genesis.screen.launch import ChatPlan

    return ChatPlan(
        start=Start(__version__, options.session, options.model, options.thinking),
        folder=Path.cwd(),
        workspace=found.workspace,
        history=loaded.paths.state_dir / "history",
        where=found.where,
        now=lambda: time.time_ns() / 1e9,
        look=_look(loaded),
        on_hangup=found.hang_up,
    )


def _look(loaded: Loaded) -> "Look":
    from genesis.screen.launch import Look

    screen = loaded.settings.screen
    return Look(screen.thinking, screen.code_theme, screen.color, screen.editing_mode)


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
