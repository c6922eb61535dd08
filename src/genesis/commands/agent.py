"""`genesis agent`: one question, one answer, for scripts and pipes."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from genesis.commands.light_command import LightCommand
from genesis.core.fault import GenesisError
from genesis.core.refs import key

if TYPE_CHECKING:
    from genesis.app import Genesis
    from genesis.commands.one_shot import Question

INTERRUPTED = 130


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("agent", cls=LightCommand)(agent)


def agent(
    message: Annotated[str, typer.Option("--message", "-m", help="What to say; - reads it from standard input.")] = "-",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object: payloads and meta.")] = False,
    thinking: Annotated[str | None, typer.Option("--thinking", help="How much it thinks: off, minimal, low, medium, high.")] = None,
    model: Annotated[str | None, typer.Option("--model", help="Which model answers: provider/model, or an alias.")] = None,
    session: Annotated[str | None, typer.Option("--session", help='Go on with this session: its id, the beginning of it, or "last".')] = None,
    local: Annotated[bool, typer.Option("--local", help="Run in this process; a one-shot run always does.")] = False,
    timeout: Annotated[float | None, typer.Option("--timeout", help="Stop after so many seconds (agents.defaults.timeoutSeconds, else 600); 0: never.")] = None,
    approve: Annotated[str | None, typer.Option("--approve", help="What tools may do: ask, allow-list, read-only, all (tools.approval).")] = None,
    workspace: Annotated[str | None, typer.Option("--workspace", help="The folder where the agent works.")] = None,
) -> None:  # fmt: skip
    """Ask once and print the answer. What is piped in is added to the message.

    Without a terminal nobody can be asked: a tool that needs approval is refused, and the model is told so. Exit codes:
    0 answered, 1 failed, 124 took too long, 130 interrupted.
    """
    del local
    text = _text(message)
    if not text.strip():
        raise GenesisError("There is no message. Give one with --message, or pipe it in.")
    genesis = _opened(approve, workspace, timeout)
    _require_key(genesis, model)
    from genesis.commands.one_shot import Question

    question = Question(text, session, model, thinking, is_json=json)
    raise typer.Exit(_answered(genesis, question))


def _answered(genesis: "Genesis", question: "Question") -> int:
    from genesis.commands.one_shot import OneShot

    async def run() -> int:
        try:
            shot = OneShot(genesis.conversation, sys.stdin, sys.stdout, sys.stderr)
            return await shot.run(question)
        finally:
            await genesis.aclose()

    try:
        return asyncio.run(run())
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
    piped = "" if sys.stdin.isatty() else sys.stdin.read()
    if message == "-":
        return sys.stdin.read() if sys.stdin.isatty() else piped
    return f"{message}\n\n{piped}" if piped.strip() else message


def _warn(text: str) -> None:
    sys.stderr.write(f"{text}\n")
