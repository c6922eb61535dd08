"""One turn as lines: events in, lines that are final and lines that still change out. Knows no terminal and no task."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from rich.cells import cell_len
from rich.text import Text

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ThinkingDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from genesis.core.message import text_of
from genesis.core.text import one_line, visible
from genesis.screen.display import Display
from genesis.screen.markdown import MarkdownRenderer
from genesis.screen.status import Status
from genesis.screen.stream import MarkdownStream
from genesis.screen.theme import SIGN
from genesis.screen.thinking import ThinkingLines
from genesis.screen.tool_lines import (
    approval_keys,
    approval_lines,
    duration,
    error_lines,
    output_lines,
    result_text,
    tool_line,
)

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_SPINS_PER_S = 8
# What of the live lines is neither the answer's tail nor bounded by itself.
_MAX_RUNNING = 4
_MAX_TYPED = 3
_SENT = " ↵"


@dataclasses.dataclass(frozen=True)
class _Running:
    summary: str
    since: float


class TurnView:
    """`finished` gives lines once; `live` gives the lines at the bottom as they are now."""

    def __init__(
        self,
        renderer: MarkdownRenderer,
        display: Display,
        status: Status,
        clock: Callable[[], float],
    ) -> None:
        self._renderer = renderer
        self._display = display
        self._status = status
        self._clock = clock
        self._began = clock()
        self._answer = MarkdownStream(renderer)
        self._has_answer = False
        self._thinking = ThinkingLines(renderer.console, display)
        self._running: dict[str, _Running] = {}
        self._out: list[tuple[str, Callable[[int], list[Text]]]] = []
        self._last_kind = ""
        self._answers = 0
        self.approvals: list[ApprovalAsked] = []
        self.typed = ""
        self.is_stopping = False
        self.error: str | None = None
        self._events: Mapping[type[Any], Callable[[Any], None]] = {
            TextDelta: self._text,
            ThinkingDelta: self._thought,
            TurnStarted: self._turn_started,
            ToolStarted: self._tool_started,
            ApprovalAsked: self._asked,
            ToolEnded: self._tool_ended,
            MessageEnded: self._message_ended,
            Notice: self._notice,
            TurnEnded: self._turn_ended,
        }

    def apply(self, event: AgentEvent) -> None:
        """Take in one event."""
        self._events[type(event)](event)

    def fail(self, message: str) -> None:
        """The turn could not go on; say why."""
        self._end_answer()
        self.error = message
        self._put("error", lambda width: self._wrapped(visible(message), "error", width))

    def note(self, text: str, style: str = "quiet") -> None:
        """A sentence beside the conversation."""
        self._put("work", lambda width: self._wrapped(visible(text), style, width))

    def cut(self) -> None:
        """The turn was ended from here; its own end is not waited for."""
        self._end_answer()
        self.note("stopped")

    def open_last_tool(self) -> None:
        """The last tool's full output, into the scrollback."""
        last = self._display.last_tool
        if last is None:
            self.note("No tool has run yet.")
            return
        console = self._renderer.console
        self._put("opened", lambda width: output_lines(console, *last, width))

    def finished(self, width: int) -> list[Text]:
        """The lines that are final since the last time, with a blank one where the kind of content changes."""
        lines: list[Text] = []
        for kind, draw in self._out:
            self._add(lines, kind, draw(width))
        self._out.clear()
        self._add(lines, "work", self._thinking.finished(width))
        self._add(lines, self._answer_kind, self._answer.finished(width))
        return lines

    def close(self, width: int) -> list[Text]:
        """All that is left, when the turn is over."""
        self._end_thinking()
        self._end_answer()
        return self.finished(width)

    def live(self, width: int, rows: int) -> list[Text]:
        """The lines at the bottom, at most about `rows`."""
        body = self._thinking.tail(width, rows)
        kind = "work" if body else self._answer_kind
        if not body and not self._answer.is_empty:
            body = self._answer.tail(width, rows)
        for running in list(self._running.values())[-_MAX_RUNNING:]:
            seconds = self._clock() - running.since
            body.append(tool_line(running.summary, self._spinner, "spinner", seconds, width))
            kind = "work"
        if self.approvals:
            body.append(approval_keys())
        gap = [Text("")] if body and kind != self._last_kind and not _is_blank(body[0]) else []
        return [*gap, *body, *self._foot(width)]

    @property
    def _answer_kind(self) -> str:
        return f"answer {self._answers}"

    @property
    def _spinner(self) -> str:
        return _SPINNER[int(self._clock() * _SPINS_PER_S) % len(_SPINNER)]

    def _foot(self, width: int) -> list[Text]:
        lines = [Text(""), *self._typed_lines(width)]
        word = "stopping…" if self.is_stopping else duration(self._clock() - self._began)
        front = f"{self._spinner} {word}  "
        status = self._status.line(width - len(front) - len(_HINT))
        lines.append(Text.assemble((front, "spinner"), (status, "status"), (_HINT, "quiet")))
        return lines

    def _typed_lines(self, width: int) -> list[Text]:
        """The last lines of what waits for the next prompt; those that Enter will send say so."""
        *sent, last = visible(self.typed).split("\n")
        lines = [Text.assemble((SIGN, "prompt"), (line, "quiet")) for line in sent]
        for line in lines:
            line.truncate(width - len(_SENT), overflow="ellipsis")
            line.append(_SENT, "quiet")
        if last:
            lines.append(Text.assemble((SIGN, "prompt"), (_end_of(last, width - 3), "quiet")))
        return lines[-_MAX_TYPED:]

    def _put(self, kind: str, draw: Callable[[int], list[Text]]) -> None:
        self._out.append((kind, draw))

    def _add(self, lines: list[Text], kind: str, more: list[Text]) -> None:
        if not more:
            return
        if kind != self._last_kind and not _is_blank(more[0]):
            lines.append(Text(""))
        lines += more
        self._last_kind = kind

    def _wrapped(self, text: str, style: str, width: int) -> list[Text]:
        lines = Text(text, style).wrap(self._renderer.console, width - 2, overflow="fold")
        for line in lines:
            line.rstrip()
        return [Text.assemble("  ", line) for line in lines]

    def _end_thinking(self) -> None:
        thinking = self._thinking
        if thinking.words:
            self._put("work", thinking.close)
            self._thinking = ThinkingLines(self._renderer.console, self._display)

    def _end_answer(self) -> None:
        self._end_thinking()
        answer, kind = self._answer, self._answer_kind
        self._put(kind, answer.close)
        self._answer = MarkdownStream(self._renderer)
        self._answers += 1
        self._has_answer = False

    def _text(self, event: TextDelta) -> None:
        self._end_thinking()
        self._has_answer = self._has_answer or bool(event.text.strip())
        self._answer.feed(visible(event.text))

    def _thought(self, event: ThinkingDelta) -> None:
        if not self._answer.is_empty:
            self._end_answer()
        self._thinking.feed(visible(event.text))

    def _turn_started(self, event: TurnStarted) -> None:
        self._status.model = f"{event.provider}/{event.model}"

    def _tool_started(self, event: ToolStarted) -> None:
        self._end_answer()
        self._running[event.id] = _Running(event.summary, self._clock())

    def _asked(self, event: ApprovalAsked) -> None:
        self._end_answer()
        self.approvals.append(event)
        if len(self.approvals) == 1:
            self._ask()

    def _ask(self) -> None:
        asked, console = self.approvals[0], self._renderer.console
        self._put(f"ask {asked.id}", lambda width: approval_lines(console, asked, width))

    def decided(self, word: str) -> None:
        """The first question is answered; the next one is asked."""
        asked = self.approvals.pop(0)
        self._put(f"ask {asked.id}", lambda _: [Text(f"  {word}", "quiet")])
        if self.approvals:
            self._ask()

    def _tool_ended(self, event: ToolEnded) -> None:
        result = event.result
        running = self._running.pop(result.tool_call_id, None)
        summary = running.summary if running else result.tool_name
        seconds = None if running is None else self._clock() - running.since
        text = result_text(result)
        self._display.last_tool = (summary, text)
        mark, style = ("✗", "tool.bad") if result.is_error else ("✓", "tool.ok")

        def draw(width: int) -> list[Text]:
            line = tool_line(summary, mark, style, seconds, width)
            return [line, *(error_lines(text, width) if result.is_error else [])]

        self._end_answer()
        self._put("work", draw)

    def _message_ended(self, event: MessageEnded) -> None:
        if not self._has_answer:  # what streamed was not told, but the whole is here
            self._answer.feed(visible(text_of(event.message)))
        self._status.add(event.message, event.why)
        self._end_answer()

    def _notice(self, event: Notice) -> None:
        self._end_answer()
        self.note(one_line(event.text, 1000), "notice")

    def _turn_ended(self, event: TurnEnded) -> None:
        self._end_answer()
        self._running.clear()
        if event.error:
            self.fail(event.error)
        elif event.stop_reason == "aborted":
            self.note("stopped")
        elif event.stop_reason == "length":
            self.note("The answer was cut: it reached the model's limit of tokens.", "notice")


_HINT = "  ctrl-c stops"


def _end_of(text: str, cells: int) -> str:
    """As much of a line's end as fits: it is where somebody types."""
    kept = text[-cells:]
    while cell_len(kept) > cells:
        kept = kept[1:]
    return kept if len(kept) == len(text) else f"…{kept[1:]}"


def _is_blank(line: Text) -> bool:
    return not line.plain.strip()
