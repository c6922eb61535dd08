"""`genesis sessions`: what was said, kept in files here or by the daemon elsewhere: list, show, export, delete."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, TypeVar

import msgspec
import typer

from genesis.commands.light_command import LightCommand, LightGroup
from genesis.config.files import write_private
from genesis.config.load import load
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.text import one_line, visible
from genesis.session.conversation import SessionInfo, SessionView
from genesis.session.export import Form, of_view
from genesis.session.store import SessionStore

if TYPE_CHECKING:
    from genesis.daemon.remote import Remote
    from genesis.session.conversation import Conversation

T = TypeVar("T")
Id = Annotated[str, typer.Argument(help='The session: its id, the beginning of it, or "last".')]
Local = Annotated[
    bool, typer.Option("--local", help='Those of this machine, even if gateway.mode is "remote".')
]


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    sessions = typer.Typer(
        cls=LightGroup,
        help="Sessions: list, show, export and delete what was said.",
        no_args_is_help=True,
    )
    sessions.command("list", cls=LightCommand)(list_sessions)
    sessions.command("show", cls=LightCommand)(show)
    sessions.command("export", cls=LightCommand)(export)
    sessions.command("delete", cls=LightCommand)(delete)
    app.add_typer(sessions, name="sessions")


def list_sessions(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    local: Local = False,
) -> None:
    """List all sessions, the newest first. With gateway.mode "remote" all of these commands ask that daemon."""
    there = _elsewhere(is_local=local)
    infos = _store().list() if there is None else _ask(there, lambda one: one.sessions())
    if json:
        whole = msgspec.json.encode({"count": len(infos), "sessions": infos})
        _say(msgspec.json.format(whole, indent=2).decode())
    elif not infos:
        _say("There is no saved session yet. `genesis chat` begins one.")
    else:
        _say("\n".join(map(_row, infos)))


def show(session: Id, local: Local = False) -> None:
    """Print a session as Markdown."""
    _say(visible(_exported(session, "markdown", is_local=local)).rstrip("\n"))


def export(
    session: Id,
    form: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    output: Annotated[str | None, typer.Option("--output", "-o", help="The file to write.")] = None,
    local: Local = False,
) -> None:
    """Write a session to a file, or print it."""
    if form not in {"markdown", "json"}:
        raise GenesisError('Invalid --format. Use "markdown" or "json".')
    text = _exported(session, "json" if form == "json" else "markdown", is_local=local)
    if output is None:
        sys.stdout.write(text)
        return
    path = Path(output).expanduser()
    try:
        write_private(path, text)
    except OSError as error:
        raise GenesisError(f"{output} cannot be written: {error.strerror}.") from error
    _say(f"Written to {output}")


def delete(
    session: Id,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    local: Local = False,
) -> None:
    """Delete a session for good."""
    there = _elsewhere(is_local=local)
    found = _store().find(session) if there is None else _open(there, session).id
    if not yes:
        if not sys.stdin.isatty():
            raise GenesisError("Nobody can be asked here. Add --yes to delete the session.")
        infos = _store().list() if there is None else _ask(there, lambda one: one.sessions())
        title = next((one_line(info.title, 60) for info in infos if info.id == found), "")
        if not typer.confirm(f'Delete session {found} "{title}"?'):
            raise typer.Exit(1)
    if there is None:
        _store().delete(found)
    else:
        _ask(there, lambda one: one.delete(found))
    _say(f"Deleted session {found}")


def _row(info: SessionInfo) -> str:
    when = datetime.fromtimestamp(info.updated_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    count = f"{info.messages:>4} message{' ' if info.messages == 1 else 's'}"
    model = one_line(info.model or "-", 40)
    title = one_line(info.title, 80) or "untitled"
    return f"{one_line(info.id, 40)}  {when}  {count}  {model:<28}  {title}"


def _exported(session: str, form: Form, *, is_local: bool) -> str:
    there = _elsewhere(is_local=is_local)
    if there is None:
        return _store().export(session, form)
    return of_view(_open(there, session)).written(form)


def _elsewhere(*, is_local: bool) -> "Remote | None":
    """The daemon that keeps the sessions; None: this machine does."""
    if is_local:
        return None
    loaded = load(Paths.of(os.environ), os.environ).require()
    if loaded.settings.gateway.mode != "remote":
        return None
    from genesis.daemon.remote import UNENCRYPTED, remote_of

    remote = remote_of(loaded, os.environ)
    if remote.is_readable:
        sys.stderr.write(f"{UNENCRYPTED}\n")
    return remote


def _open(there: "Remote", session: str) -> SessionView:
    return _ask(there, lambda one: one.open(session))


def _ask(there: "Remote", work: "Callable[[Conversation], Awaitable[T]]") -> T:
    from genesis.daemon.remote import connected

    async def asked() -> T:
        async with aclosing(await connected(there)) as conversation:
            return await work(conversation)

    return asyncio.run(asked())


def _store() -> SessionStore:
    return SessionStore(
        Paths.of(os.environ).sessions_dir,
        clock=lambda: time.time_ns() / 1e9,
        make_id=lambda: token_hex(6),
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
