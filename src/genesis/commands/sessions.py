"""`genesis sessions`: what was said, kept in files: list, show, export, delete."""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Annotated

import msgspec
import typer

from genesis.commands.light_command import LightCommand, LightGroup
from genesis.config.files import write_private
from genesis.config.paths import Paths
from genesis.core.fault import GenesisError
from genesis.core.text import one_line, visible
from genesis.session.conversation import SessionInfo
from genesis.session.store import SessionStore

Id = Annotated[str, typer.Argument(help='The session: its id, the beginning of it, or "last".')]


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
) -> None:
    """List all sessions, the newest first."""
    infos = _store().list()
    if json:
        whole = msgspec.json.encode({"count": len(infos), "sessions": infos})
        _say(msgspec.json.format(whole, indent=2).decode())
    elif not infos:
        _say("There is no saved session yet. `genesis chat` begins one.")
    else:
        _say("\n".join(map(_row, infos)))


def show(session: Id) -> None:
    """Print a session as Markdown."""
    _say(visible(_store().export(session, "markdown")).rstrip("\n"))


def export(
    session: Id,
    form: Annotated[str, typer.Option("--format", help="markdown or json.")] = "markdown",
    output: Annotated[str | None, typer.Option("--output", "-o", help="The file to write.")] = None,
) -> None:
    """Write a session to a file, or print it."""
    if form not in {"markdown", "json"}:
        raise GenesisError('Invalid --format. Use "markdown" or "json".')
    text = _store().export(session, "json" if form == "json" else "markdown")
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
) -> None:
    """Delete a session for good."""
    store = _store()
    found = store.find(session)
    if not yes:
        if not sys.stdin.isatty():
            raise GenesisError("Nobody can be asked here. Add --yes to delete the session.")
        title = next((info.title for info in store.list() if info.id == found), "")
        if not typer.confirm(f'Delete session {found} "{title}"?'):
            raise typer.Exit(1)
    store.delete(found)
    _say(f"Deleted session {found}")


def _row(info: SessionInfo) -> str:
    when = datetime.fromtimestamp(info.updated_at, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    count = f"{info.messages:>4} message{' ' if info.messages == 1 else 's'}"
    model = one_line(info.model or "-", 40)
    return f"{info.id}  {when}  {count}  {model:<28}  {info.title or 'untitled'}".rstrip()


def _store() -> SessionStore:
    return SessionStore(
        Paths.of(os.environ).sessions_dir,
        clock=lambda: time.time_ns() / 1e9,
        make_id=lambda: token_hex(6),
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
