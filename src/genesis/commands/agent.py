"""`genesis agent`: one question, one answer, for scripts and pipes."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from genesis.commands.light_command import LightCommand
from genesis.core.fault import INTERRUPTED, GenesisError
from genesis.core.refs import key

if TYPE_CHECKING:
    from genesis.app import Genesis
    from genesis.commands.one_shot import Question

WITHOUT_APPROVE = 'With gateway.mode "remote" the daemon\'s settings say what tools may do: --approve needs --local.'


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("agent", cls=LightCommand)(agent)


def agent(
    message: Annotated[str, typer.Option("--message", "-m", help="What to say; - reads it from standard input.")] = "-",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: payloads and meta.")] = False,
    thinking: Annotated[str | None, typer.Option("--thinking", help="How much it thinks: off, minimal, low, medium, high.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Which model answers: provider/model, or an alias.")] = None,
    session: Annotated[str | None, typer.Option("--session", help='Go on with this session: its id, the beginning of it, or "last".')] = None,
    local: Annotated[bool, typer.Option("--local", help='Run in this process, even if gateway.mode is "remote".')] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Stop after so many seconds (agents.defaults.timeoutSeconds, else 600); 0: never.")] = None,
    approve: Annotated[str | None, typer.Option("--approve", help="What tools may do: ask, allow-list, read-only, all (tools.approval).")] = None,
    workspace: Annotated[str | None, typer.Option("--workspace", help="The folder where the agent works.")] = None,
) -> None:  # fmt: skip
    """Ask once and print the answer. What is piped in is added to the message.

    Without a terminal nobody can be asked: a tool that needs approval is refused, and the model is told so. Exit codes:
    0 answered, 1 failed, 124 took too long, 130 interrupted.
    """
    text = _text(message)
    if not text.strip():
        raise GenesisError("There is no message. Give one with --message, or pipe it in.")
    genesis = _opened(approve, workspace, timeout)
    from genesis.commands.one_shot import Question

    question = Question(text, session, model, thinking, is_json=json)
    if genesis.loaded.settings.gateway.mode == "remote" and not local:
        if approve is not None:
            raise GenesisError(WITHOUT_APPROVE)
        raise typer.Exit(_run(_answered_there(genesis, question, workspace or "", timeout)))
    _require_key(genesis, model)
    raise typer.Exit(_run(_answered(genesis, question)))


async def _answered(genesis: "Genesis", question: "Question") -> int:
    from genesis.commands.one_shot import OneShot

    async with aclosing(genesis):
        return await OneShot(genesis.conversation, sys.stdin, sys.stdout, sys.stderr).run(question)


async def _answered_there(
    genesis: "Genesis", question: "Question", workspace: str, limit_s: float | None
) -> int:
    """By the daemon elsewhere."""
    from genesis.commands.one_shot import OneShot
    from genesis.daemon.remote import UNENCRYPTED, connected, remote_of

    async with aclosing(genesis):
        remote = remote_of(genesis.loaded, os.environ)
    if remote.is_readable:
        _warn(UNENCRYPTED)
    async with aclosing(await connected(remote, workspace=workspace, limit_s=limit_s)) as there:
        return await OneShot(there, sys.stdin, sys.stdout, sys.stderr).run(question)


def _run(work: Coroutine[None, None, int]) -> int:
    try:
        return asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED


def _opened(approve: str | None, workspace: str | None, timeout: float | None) -> "Genesis":
    from genesis.app import Genesis, Wishes
    from genesis.session.approval import Mode

    modes = {mode: mode for mode in get_args(Mode)}
    if approve is not None and approve not in modes:
        raise GenesisError(f"Invalid --approve. Use {', '.join(modes)}.")
    wishes = Wishes(
        workspace=Path(workspace) if workspace else None,
        approval=modes[approve] if approve is not None else None,
        can_ask=sys.stdin.isatty() and sys.stderr.isatty(),
        limit_s=timeout,
    )
    return Genesis.open(os.environ, wishes=wishes, warn=_warn)


def _require_key(genesis: "Genesis", model: str | None) -> None:
    """Say at once, and in full, that there is no key for any model that could answer."""
    sources = genesis.sources
    chain = sources.chain(genesis.conversation.facts.resolve(model) if model else None)
    if chain and not any(sources.has_key(ref.provider) for ref in chain):
        sources.require_key(chain[0])
        raise GenesisError(f"{key(chain[0])} cannot be asked. See `genesis models status`.")


def _text(message: str) -> str:
    from genesis.screen.pipe import read_piped

    piped = "" if sys.stdin.isatty() and message != "-" else read_piped(sys.stdin)
    if message == "-":
        return piped
    return f"{message}\n\n{piped}" if piped.strip() else message


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
