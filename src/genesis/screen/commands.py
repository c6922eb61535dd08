"""The slash commands of the chat, as a table; the same ones in a terminal and in a pipe."""

import dataclasses
import difflib
import shlex
from collections.abc import Awaitable, Callable, Mapping

from genesis.core.text import one_line
from genesis.screen.desk import Desk
from genesis.screen.export import export_session
from genesis.session.conversation import SessionInfo

_SESSIONS_SHOWN = 20
KEYS = (
    ("enter", "send; alt-enter, ctrl-j or a \\ at the end begins another line"),
    ("@file", "attach a text file or a picture; a pasted path of a picture is attached too"),
    ("ctrl-c", "stop the turn; at the prompt clear it, twice leave"),
    ("ctrl-o", "print the full output of the last tool"),
    ("ctrl-t", "fold or unfold thinking"),
    ("ctrl-z", "give the shell back; fg goes on"),
    ("ctrl-d", "leave"),
)


@dataclasses.dataclass(frozen=True)
class Command:
    """One row: how it is typed, what it does, what completes its argument, and how it is done."""

    name: str
    arguments: str
    words: str
    run: Callable[[Desk, list[str]], Awaitable[str]]
    kind: str = ""


def is_command(text: str) -> bool:
    """Whether a message is a command: a slash and a word. A path is not."""
    first = text.strip().split(maxsplit=1)[0] if text.strip() else ""
    return first.startswith("/") and "/" not in first[1:] and "\n" not in text.strip()


async def run_command(desk: Desk, text: str) -> str:
    """Run what was typed; gives what the person reads."""
    words = _words(text.strip())
    name = words[0][1:].lower()
    command = _BY_NAME.get(_OTHER_NAMES.get(name, name))
    if command is None:
        return _unknown(name)
    return await command.run(desk, words[1:])


def completion_rows() -> list[tuple[str, str, str]]:
    """Name, help and kind of argument of each command."""
    return [(command.name, command.words, command.kind) for command in COMMANDS]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # an apostrophe in a title is no quote
        return text.split()


def _unknown(name: str) -> str:
    names = [*_BY_NAME, *_OTHER_NAMES]
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f" Did you mean /{close[0]}?" if close else ""
    return f"There is no command /{one_line(name, 40)}.{hint} /help lists them."


async def _models(desk: Desk, arguments: list[str]) -> str:
    return await desk.conversation.models_text(arguments)


async def _model(desk: Desk, arguments: list[str]) -> str:
    if not arguments:
        return (
            f"Current: {desk.status.model or 'none'}\n"
            "Switch: /model <provider/model>\n"
            "Browse: /models (providers) or /models <provider> (models)\n"
            "More: /status"
        )
    told = await desk.conversation.set_model(desk.session, " ".join(arguments))
    await desk.refresh()
    return told


async def _think(desk: Desk, arguments: list[str]) -> str:
    if not arguments:
        level = desk.status.thinking or "the model's default"
        return f"Thinking: {level}\nSwitch: /think off, minimal, low, medium or high"
    told = await desk.conversation.set_thinking(desk.session, " ".join(arguments))
    await desk.refresh()
    return told


async def _new(desk: Desk, _arguments: list[str]) -> str:
    return f"New session {await desk.open(None)}."


async def _sessions(desk: Desk, _arguments: list[str]) -> str:
    infos = await desk.conversation.sessions()
    if not infos:
        return "There is no saved session yet."
    infos = sorted(infos, key=lambda info: info.updated_at, reverse=True)
    rows = [_session_row(info, is_open=info.id == desk.session) for info in infos[:_SESSIONS_SHOWN]]
    more = len(infos) - len(rows)
    if more:
        rows.append(f"  … and {more} older ones; `genesis sessions list` shows all.")
    return "\n".join([*rows, "", "Open: /resume <id>"])


def _session_row(info: SessionInfo, *, is_open: bool) -> str:
    mark = "*" if is_open else " "
    count = f"{info.messages} message" + ("" if info.messages == 1 else "s")
    return f"{mark} {info.id}  {one_line(info.title, 50) or 'untitled'}  ({count})"


async def _resume(desk: Desk, arguments: list[str]) -> str:
    if not arguments:
        return "Which one? /resume <id>; /sessions lists them."
    return f"Session {await desk.open(arguments[0])}."


async def _status(desk: Desk, _arguments: list[str]) -> str:
    return await desk.conversation.status(desk.session)


async def _usage(desk: Desk, _arguments: list[str]) -> str:
    return await desk.conversation.usage(desk.session)


async def _compact(desk: Desk, _arguments: list[str]) -> str:
    return await desk.conversation.compact(desk.session)


async def _export(desk: Desk, arguments: list[str]) -> str:
    view = await desk.conversation.open(desk.session)
    path = export_session(view, desk.folder, arguments)
    return f"Written to {path}."


async def _thinking(desk: Desk, _arguments: list[str]) -> str:
    if desk.display.toggle_thinking() == "folded":
        return "Thinking is folded to one line."
    last = desk.display.last_thinking.strip()
    return "Thinking is shown." + (f" The last one was:\n\n{last}" if last else "")


async def _help(_desk: Desk, _arguments: list[str]) -> str:
    rows = [(f"/{c.name} {c.arguments}".strip(), c.words) for c in COMMANDS]
    size = max(len(name) for name, _ in rows)
    lines = [f"{name.ljust(size)}  {words}" for name, words in rows]
    keys = [f"{name.ljust(size)}  {words}" for name, words in KEYS]
    return "\n".join([*lines, "", *keys])


async def _quit(desk: Desk, _arguments: list[str]) -> str:
    desk.is_over = True
    return ""


COMMANDS = (
    Command("models", "[provider] [page|all]", "list models", _models, "providers"),
    Command("model", "[provider/model]", "show or switch the model", _model, "models"),
    Command("think", "[level]", "show or set how much the model thinks", _think, "levels"),
    Command("new", "", "begin a new session", _new),
    Command("sessions", "", "list sessions", _sessions),
    Command("resume", "<id>", "open a session again", _resume, "sessions"),
    Command("status", "", "session, model, provider, key", _status),
    Command("usage", "", "tokens and cost of this session", _usage),
    Command("compact", "", "shorten what the model has to read", _compact),
    Command("export", "[markdown|json] [file]", "write this session to a file", _export),
    Command("thinking", "", "fold or unfold thinking", _thinking),
    Command("help", "", "this list", _help),
    Command("quit", "", "leave", _quit),
)
_BY_NAME: Mapping[str, Command] = {command.name: command for command in COMMANDS}
_OTHER_NAMES = {"exit": "quit", "q": "quit", "reset": "new", "?": "help", "t": "think"}
