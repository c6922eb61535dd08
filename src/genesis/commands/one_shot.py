"""One turn on three streams: the answer on stdout as it comes, what is beside it on stderr, questions where they can be asked."""

import time
from dataclasses import dataclass, field
from typing import Any, TextIO

import msgspec

from genesis.core.events import (
    AgentEvent,
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ToolEnded,
    ToolStarted,
    TurnEnded,
)
from genesis.core.message import AssistantMessage, TextBlock, UserMessage, text_of
from genesis.core.text import one_line
from genesis.screen.pipe import Pipe
from genesis.screen.typed import typed_line
from genesis.session.approval import Decision
from genesis.session.conversation import Conversation

TIMED_OUT = 124
MORE_TIME = " For one run it is --timeout."
_ANSWERS: dict[str, Decision] = {"y": "once", "yes": "once", "a": "always", "always": "always"}


@dataclass(frozen=True)
class Question:
    """What is asked, and how."""

    text: str
    session: str | None = None
    model: str | None = None
    thinking: str | None = None
    is_json: bool = False


@dataclass
class _Told:
    """What has come so far."""

    texts: list[str] = field(default_factory=list)
    last: AssistantMessage | None = None
    end: TurnEnded | None = None


class OneShot:
    """Runs one question; the exit code is 0 if it was answered, 124 if it took too long, 130 if it was stopped, else 1."""

    def __init__(
        self, conversation: Conversation, source: TextIO, out: TextIO, err: TextIO
    ) -> None:
        self._conversation = conversation
        self._source = source
        self._out = out
        self._pipe = Pipe(out, err)
        self._told = _Told()

    async def run(self, question: Question) -> int:
        """Ask, show, tell how it went."""
        began = time.monotonic()
        view = await self._conversation.open(question.session)
        message = UserMessage((TextBlock(question.text),), at=time.time_ns() / 1e9)
        events = self._conversation.send(
            view.id, message, model=question.model, thinking=question.thinking
        )
        try:
            async for event in events:
                await self._show(event, is_json=question.is_json)
        finally:
            self._pipe.end_line()
        end = self._told.end
        if question.is_json:
            self._out.write(self._as_json(view.id, began) + "\n")
            self._out.flush()
        if end is not None and end.error is not None:
            self._pipe.tell(f"Error: {end.error}{MORE_TIME if end.is_late else ''}")
            return TIMED_OUT if end.is_late else 1
        return 130 if end is not None and end.stop_reason == "aborted" else 0

    async def _show(self, event: AgentEvent, *, is_json: bool) -> None:
        match event:
            case TextDelta(text=text) if not is_json:
                self._pipe.write_delta(text)
            case MessageEnded(message=message):
                self._ended(message, is_json=is_json)
            case Notice(text=text) | ToolStarted(summary=text):
                self._pipe.tell(one_line(text, 1_000))
            case ToolEnded(result=result) if result.is_error:
                last = (text_of(result).strip().splitlines() or [""])[-1]
                self._pipe.tell(f"  failed: {one_line(last)}")
            case ApprovalAsked():
                await self._conversation.decide(event.id, await self._decision(event))
            case TurnEnded():
                self._told.end = event
            case _:
                pass

    def _ended(self, message: AssistantMessage, *, is_json: bool) -> None:
        text = text_of(message)
        if text:
            self._told.texts.append(text)
        if not is_json:
            self._pipe.end_message(message)
        self._told.last = message

    async def _decision(self, asked: ApprovalAsked) -> Decision:
        """Ask the person at the terminal."""
        self._pipe.tell(f"\n{one_line(asked.summary)}\n{asked.detail}")
        self._pipe.tell("Allow it? [y]es, [a]lways, [N]o: ", end="")
        line = await typed_line(self._source)
        return _ANSWERS.get(line.strip().lower(), "deny")

    def _as_json(self, session_id: str, began: float) -> str:
        told, end = self._told, self._told.end
        meta: dict[str, Any] = {
            "provider": told.last.provider if told.last else None,
            "model": told.last.model if told.last else None,
            "routedModel": told.last.routed_model if told.last else None,
            "usage": end.usage if end else None,
            "durationMs": round((time.monotonic() - began) * 1000),
            "sessionId": session_id,
            "stopReason": end.stop_reason if end else None,
        }
        if end is not None and end.error is not None:
            meta["error"] = end.error
        whole = {"payloads": [{"text": text} for text in told.texts], "meta": meta}
        return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode()
