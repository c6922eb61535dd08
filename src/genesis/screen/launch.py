"""Opens the chat on what it is given: a terminal gets the screen, everything else plain text."""

import asyncio
import dataclasses
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, TextIO

from prompt_toolkit.output import ColorDepth

from genesis.core.fault import GenesisError
from genesis.screen.chat import Chat, Start
from genesis.screen.commands import completion_rows
from genesis.screen.completion import PromptCompleter
from genesis.screen.desk import Desk, DeskChoices
from genesis.screen.display import Display, ThinkingMode
from genesis.screen.hangup import Terminals, ended_by_signals
from genesis.screen.highlight import Highlighter
from genesis.screen.history import PrivateHistory
from genesis.screen.input import ChatOutput, Prompt, PromptParts
from genesis.screen.keys import ChatInput
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.pipe import read_piped
from genesis.screen.plain import PlainChat
from genesis.screen.status import Status
from genesis.screen.terminal import ColorMode, Terminal
from genesis.screen.turn import Surface
from genesis.screen.typed import typed_line
from genesis.session.conversation import Conversation


@dataclasses.dataclass(frozen=True)
class Streams:
    """The three streams of a process."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    def is_terminal(self, environ: Mapping[str, str]) -> bool:
        """Whether there is somebody to see colours and press keys."""
        is_dumb = environ.get("TERM", "") in {"", "dumb"}
        return self.stdin.isatty() and self.stdout.isatty() and not is_dumb


@dataclasses.dataclass(frozen=True)
class Look:
    """What the settings' `screen` section asks for."""

    thinking: ThinkingMode = "folded"
    code_theme: str = "auto"
    color: ColorMode = "auto"
    editing_mode: Literal["emacs", "vi"] = "emacs"


@dataclasses.dataclass(frozen=True)
class ChatPlan:
    """How to begin. `folder` is where the person is, `workspace` where the agent works (None: the daemon chooses);
    `where` tells who runs the sessions ("daemon", "in process"); `now` gives seconds since the epoch; `on_hangup` is
    called when the terminal has gone away, before the chat ends."""

    start: Start
    folder: Path
    workspace: Path | None
    history: Path
    where: str
    now: Callable[[], float]
    look: Look = Look()
    on_hangup: Callable[[], None] = lambda: None


async def open_chat(
    conversation: Conversation, plan: ChatPlan, streams: Streams, environ: Mapping[str, str]
) -> int:
    """Chat until the person leaves or the input ends; the exit code."""
    desk = Desk(
        conversation,
        Status(where=plan.where),
        Display(thinking=plan.look.thinking),
        plan.folder,
        plan.workspace,
        time.monotonic,
    )
    with ended_by_signals(plan.on_hangup, Terminals(streams.stdout, streams.stderr)):
        if streams.is_terminal(environ):
            return await _on_screen(desk, plan, streams, environ)
        return await _in_plain(desk, plan, streams)


async def _on_screen(
    desk: Desk, plan: ChatPlan, streams: Streams, environ: Mapping[str, str]
) -> int:
    terminal = Terminal(streams.stdout, environ, color=plan.look.color)
    highlighter = Highlighter(terminal.background, plan.look.code_theme)
    source = ChatInput(streams.stdin)
    output = ChatOutput.from_pty(
        streams.stdout, environ.get("TERM"), default_color_depth=ColorDepth.from_env()
    )
    surface = Surface(
        terminal,
        MarkdownRenderer(terminal.console, highlighter),
        source,
        desk.display,
        desk.status,
        time.perf_counter,
    )

    def prompt(chat: Chat) -> Prompt:
        return Prompt(
            PromptParts(
                source=source,
                output=output,
                history=PrivateHistory(plan.history),
                completer=PromptCompleter(completion_rows(), DeskChoices(desk), plan.folder),
                folder=plan.folder,
                status=desk.status.line,
                open_tool=chat.open_last_tool,
                toggle_thinking=chat.toggle_thinking,
                clock=time.monotonic,
                editing_mode=plan.look.editing_mode,
                suspend=source.suspend,
            )
        )

    with source.opened():
        return await Chat(desk, surface, prompt, plan.now).run(plan.start)


async def _in_plain(desk: Desk, plan: ChatPlan, streams: Streams) -> int:
    chat = PlainChat(desk, streams.stdout, streams.stderr, plan.now)
    try:
        await desk.begin(plan.start.session, plan.start.model, plan.start.thinking)
    except GenesisError as error:
        streams.stderr.write(f"Error: {error.message}\n")
        return error.exit_code
    if not streams.stdin.isatty():
        return await chat.answer(await asyncio.to_thread(read_piped, streams.stdin))
    code = 0
    while not desk.is_over:
        line = await typed_line(streams.stdin)
        if not line:
            break
        if line.strip():
            code = await chat.answer(line)
    return code
