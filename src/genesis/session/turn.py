"""One turn: requests and tool calls in turns until the model has no more calls; whatever ends it, the transcript is whole."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from genesis.core.events import (
    ApprovalAsked,
    MessageEnded,
    Notice,
    TextDelta,
    ThinkingDelta,
    TurnEnded,
    TurnStarted,
)
from genesis.core.fault import GenesisError
from genesis.core.message import ImageBlock, StopReason, UserMessage, text_of
from genesis.core.refs import ModelRef, key
from genesis.core.text import printable
from genesis.core.usage import Usage
from genesis.failover.chain import FailoverError
from genesis.failover.classify import is_context_overflow
from genesis.failover.messages import user_message
from genesis.providers.provider import ChatRequest
from genesis.session.approval import Decision
from genesis.session.calls import LATE, STOPPED, Calls, Desk
from genesis.session.compaction import (
    KEPT_SHARE,
    check_size,
    cut_at,
    summary_request,
    window_of,
    with_request,
)
from genesis.session.limit import Limit
from genesis.session.prompt import system_prompt
from genesis.session.request import Answer, Models, Opened, Target, close, open_answer
from genesis.session.transcript import Compacted, Session
from genesis.tools.toolbox import Profile, offered

MOST_REQUESTS = 50


@dataclass(frozen=True)
class Choice:
    """What was chosen for one turn; None is the session's or the settings' choice, and no limit."""

    model: ModelRef | None = None
    thinking: str | None = None
    limit_s: float | None = None


class Turn:
    """Runs one turn of a session, telling `desk.emit` as it goes."""

    def __init__(
        self, session: Session, models: Models, desk: Desk, choice: Choice, profile: Profile
    ) -> None:
        self._session = session
        self._models = models
        self._limit = Limit(choice.limit_s)
        self._approve = desk.approve
        self._desk = replace(desk, approve=self._approved)
        self._thinking = choice.thinking
        self._chain = models.chain(choice.model)
        self._tools = offered(profile, is_read_only=desk.policy.mode == "read-only")
        today = datetime.fromtimestamp(desk.clock(), UTC).astimezone().date()
        self._system = system_prompt(desk.context.workspace, today, self._tools, desk.policy)
        self._usage = Usage()
        self._answer: Answer | None = None
        self._calls: Calls | None = None
        self._target: Target | None = None

    async def run(self, message: UserMessage) -> None:
        """Answer the message. Being cancelled is one way to end: nothing is raised then."""
        try:
            with self._session.turn_lock():
                self._session.append(message)
                await self._answer_all(has_pictures=_has_pictures(message))
        except GenesisError as error:
            self._end("error", error.message)

    async def compact(self) -> str:
        """Shorten the session now; gives a sentence about it."""
        with self._session.turn_lock():
            try:
                async with self._limit.counting():
                    return await self._compact()
            except (GenesisError, OSError) as error:
                is_late = self._limit.is_over
                told = self._limit.compacting_sentence if is_late else self._sentence(error)
                raise GenesisError(told) from error

    async def _answer_all(self, *, has_pictures: bool) -> None:
        try:
            async with self._limit.counting():
                if has_pictures:
                    await self._look_for_one_that_sees()
                stop_reason = await self._loop()
        except asyncio.CancelledError:
            self._save_cut("aborted", None)
            self._end("aborted", None)
        except (GenesisError, OSError) as error:
            is_late = self._limit.is_over
            sentence = self._limit.sentence if is_late else self._sentence(error)
            self._save_cut("error", sentence, LATE if is_late else STOPPED)
            self._end("error", sentence)
        else:
            self._end(stop_reason, None)

    async def _loop(self) -> StopReason:
        for _ in range(MOST_REQUESTS):
            stop_reason = await self._one_answer()
            if self._calls is None:
                return stop_reason
            await self._calls.run()
            self._save_results()
        self._desk.emit(
            Notice(f'Stopped after {MOST_REQUESTS} requests in one turn. Say "go on" to continue.')
        )
        return "stop"

    async def _look_for_one_that_sees(self) -> None:
        """Another model answers this turn where the chosen one takes no pictures and the settings name one that does."""
        chosen, self._chain = self._chain[:1], await self._models.seeing(self._chain)
        if self._chain[:1] != chosen:
            first = key(self._chain[0])
            text = f"{key(chosen[0])} takes no pictures: {first} answers this turn (agents.defaults.imageModel)."
            self._desk.emit(Notice(printable(text)))

    async def _one_answer(self) -> StopReason:
        """One answer of a model, saved; its calls wait in `self._calls`."""
        self._answer = Answer(None, self._desk.make_id)
        opened = await self._opened()
        answer = self._answer = Answer(opened.target, self._desk.make_id)
        try:
            async for event in opened.events:
                answer.add(event)
                if isinstance(event, TextDelta | ThinkingDelta):
                    self._desk.emit(event)
        finally:
            await close(opened.events)
        message = answer.message(self._desk.clock())
        self._session.append(message)
        self._answer = None
        calls = answer.calls()
        self._calls = Calls(calls, self._desk) if calls else None
        self._usage += message.usage
        self._desk.emit(MessageEnded(message, answer.end.why))
        return message.stop_reason

    async def _opened(self) -> Opened:
        """An answer that has begun; a conversation that is too long is shortened once."""
        try:
            return await self._ask(self._request)
        except GenesisError as error:
            if not is_context_overflow(error) or not cut_at(self._session.context(), 0):
                raise
            self._desk.emit(Notice(await self._compact()))
        return await self._ask(self._request)

    async def _ask(self, request_for: Callable[[Target], ChatRequest]) -> Opened:
        def asked(target: Target) -> None:
            self._target = target
            self._desk.emit(TurnStarted(target.ref.provider, target.ref.model))

        opened = await open_answer(
            self._models,
            self._chain,
            request_for,
            notice=lambda text: self._desk.emit(Notice(text)),
            asked=asked,
        )
        # Who has answered goes on answering: the rest of the turn does not wait for one that fails.
        ref = opened.target.ref
        self._chain = [ref, *(one for one in self._chain if one != ref)]
        return opened

    def _request(self, target: Target) -> ChatRequest:
        request = ChatRequest(
            model=target.model,
            messages=self._session.context(),
            system=self._system,
            tools=self._tools,
            thinking=self._thinking or target.thinking,
            params=target.params,
        )
        return check_size(request)

    async def _compact(self) -> str:
        """Put a summary in the place of the older messages."""
        context = self._session.context()
        parts: list[int] = []

        def request_for(target: Target) -> ChatRequest:
            parts[:] = [cut_at(context, window_of(target.model) // KEPT_SHARE)]
            return summary_request(target, context[: parts[0]])

        if not cut_at(context, 0):
            raise GenesisError("There is nothing to shorten yet: the session has hardly begun.")
        opened = await self._ask(request_for)
        answer = Answer(opened.target, self._desk.make_id)
        try:
            async for event in opened.events:
                answer.add(event)
        finally:
            await close(opened.events)
        message = answer.message(self._desk.clock())
        self._usage += message.usage
        return self._replace(parts[0], text_of(message).strip())

    def _replace(self, cut: int, summary: str) -> str:
        session = self._session
        if not cut or not summary:
            raise GenesisError(
                "The conversation could not be shortened: the model gave no summary. Use /new to begin another."
            )
        context = session.context()
        summary = with_request(summary, context[:cut], context[cut:])
        before = session.compacted.replaced - 1 if session.compacted else 0
        session.compact(Compacted(summary, before + cut, self._desk.clock()))
        count = "an older message" if cut == 1 else f"{cut} older messages"
        return f"The conversation was shortened: {count} became a summary."

    async def _approved(self, asked: ApprovalAsked) -> Decision:
        async with self._limit.paused():
            return await self._approve(asked)

    def _save_results(self, unfinished: str = STOPPED) -> None:
        calls, self._calls = self._calls, None
        for result in calls.results(unfinished) if calls else ():
            self._session.append(result)

    def _save_cut(
        self, stop_reason: StopReason, error: str | None, unfinished: str = STOPPED
    ) -> None:
        """Save what there is of an answer that was cut short, and a result for every call."""
        self._save_results(unfinished)
        if self._answer is None and error is None:
            return
        answer = self._answer or Answer(self._target, self._desk.make_id)
        message = answer.message(self._desk.clock(), stop_reason=stop_reason, error=error)
        self._session.append(message)
        self._desk.emit(MessageEnded(message))

    def _sentence(self, error: GenesisError | OSError) -> str:
        ref = self._target.ref if self._target else ModelRef("", "")
        if isinstance(error, FailoverError):
            ref = ModelRef(error.provider, error.model)
        secrets = tuple(self._models.secrets())
        return user_message(error, ref.provider, ref.model, secrets=secrets)

    def _end(self, stop_reason: StopReason, error: str | None) -> None:
        is_late = self._limit.is_over
        self._desk.emit(TurnEnded(stop_reason, self._usage, error, is_late=is_late))


def _has_pictures(message: UserMessage) -> bool:
    return any(isinstance(block, ImageBlock) for block in message.content)
