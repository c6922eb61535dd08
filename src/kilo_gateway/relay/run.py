"""One call while it runs: attempts until the first byte, then the pump, then settlement.

    planned --> trying --> committed --> ended          an attempt is settled exactly once, whatever ends it
                  ^ |fault
                  '-'  next_step

Committed means that bytes of an answer went to the client: from there on no other deployment is tried, and a fault
becomes an event in the stream. A stream may be *opened* before that (status and keep-alive comments, while the model
is silent); then the next deployment can still take over.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.dialect import Framed, ReplyFacts, ReplyStream
from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.dialects.translate import Marks as Signatures
from kilo_gateway.dialects.translate import Passage, passage
from kilo_gateway.ledger.pricing import cost
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.heads import stream_headers, upstream_request_id, whole_headers
from kilo_gateway.relay.marks import Marks
from kilo_gateway.relay.next_step import Tries
from kilo_gateway.relay.parts import ask_in_parts
from kilo_gateway.relay.reply import Lines, Reply
from kilo_gateway.relay.settle import Books
from kilo_gateway.relay.turns import Turns
from kilo_gateway.relay.view import View
from kilo_gateway.upstreams.exchange import Exchange
from kilo_gateway.upstreams.faults import classify, fault_in_reply
from kilo_gateway.upstreams.upstream import Upstream

_ERROR_BODY_BYTES = 256 * 1024
_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_EVENT_STARTS = (b"data:", b"event:", b":", b"id:", b"\xef\xbb\xbfdata:")
_TELLING_BYTES = 8
_BLANK_BYTES = 64 * 1024
_LEAVE_OPEN_S = 0.2
_LARGE_BYTES = 512 * 1024
NO_WAY = passage("openai_chat", "openai_chat")  # before the first attempt
NO_MARKS = Marks().of("")


class Run(msgspec.Struct, eq=False):
    """The state of one call. Everything in it belongs to the one task that runs the call.

    `last_write` is monotonic seconds. `is_open`: the head of a stream has gone out; `is_committed`: bytes of an answer
    have; `way` and `marks` are the present attempt's; `is_over`: the last bytes are on their way; `is_told`: they have gone.
    """

    call: Call
    grant: Grant
    candidates: Sequence[Deployment]
    reply: Reply
    view: View
    books: Books
    last_write: float
    attempt: Attempt | None = None
    way: Passage = NO_WAY
    marks: Signatures = NO_MARKS
    stream: ReplyStream | None = None
    drained: Fault | None = None
    is_open: bool = False
    is_committed: bool = False
    is_over: bool = False
    is_told: bool = False

    @property
    def is_silent_since(self) -> float | None:
        """Since when the client of a stream has got nothing, in monotonic seconds; None for whole answers."""
        return self.last_write if self.call.stream else None

    async def go(self) -> None:
        """Answer the client, from whichever candidate answers first in order.

        Raises Fault when nothing was sent yet, so that the edge answers with it. CancelledError (the client left) goes
        through after the attempt is settled.
        """
        turns: Turns | None = None  # most calls need none
        number = 0
        while True:
            number += 1
            deployment = self.candidates[turns.index if turns else 0]
            try:
                attempt = self.books.open(self.call, self.grant, number, deployment)
            except Fault as fault:
                await self._tell(fault)
                raise
            self.attempt, self.stream = attempt, None
            try:
                await self._try(attempt)
            except Fault as fault:
                attempt.fault = self._struck(fault, deployment)
            except asyncio.CancelledError:
                if self.drained is not None and self.is_told:
                    self._settle(attempt)  # the answer was complete already
                    return
                await self._cancelled(attempt)
            except BaseException:  # whatever it is, the attempt is settled once and the client is told; then it goes on up
                attempt.fault = Fault(Kind.INTERNAL, "The gateway failed on this call.")
                self._settle(attempt)
                await self._tell(attempt.fault)
                raise
            self._settle(attempt)
            if attempt.fault is None or self._stream_told_the_fault():
                return
            turns = turns or Turns(self.candidates)
            await self._after(attempt.fault, number, turns)

    def _struck(self, fault: Fault, deployment: Deployment) -> Fault:
        """The fault without what only the operator and this upstream know: its detail may quote the reply."""
        if fault.detail:
            upstream = self.view.upstreams[deployment.upstream]
            fault.detail = upstream.redact(fault.detail.encode(errors="replace")).decode()
        return fault

    def _stream_told_the_fault(self) -> bool:
        return self.is_committed and self.stream is not None and self.stream.error is not None

    async def _after(self, fault: Fault, made: int, turns: Turns) -> None:
        """Wait for the next attempt, or give up: with an event in an open stream, else by raising the fault."""
        now, terms = self.books.clock.monotonic(), self.view.terms
        tries = Tries(
            made=made,
            allowed=terms.max_attempts,
            untried=turns.untried,
            patience_s=self.call.arrived + self.call.patience - now,
            longest_retry_after_s=terms.retry_after_max_s,
        )
        wait_s = turns.after(fault, tries, now, is_committed=self.is_committed)
        if wait_s is None:
            await self._tell(fault)
            raise fault
        try:
            await asyncio.sleep(wait_s)
        except asyncio.CancelledError:
            await self._cancelled(None)
        self._leave_the_sick(turns)

    def _leave_the_sick(self, turns: Turns) -> None:
        """A breaker may have opened since the plan was made: then the next untried candidate is better."""
        health, now = self.books.health, self.books.clock.monotonic()
        while health.closed_until(self.candidates[turns.index].id, now) is not None:
            if not turns.skip():
                return

    async def _tell(self, fault: Fault) -> None:
        """End an open stream with the fault in it. Where none is open, the edge answers."""
        if self.is_open and not self.is_over:
            self.is_over = True
            await self.reply.end(DIALECTS[self.call.dialect].error_event(fault, self.call.id))

    async def _cancelled(self, attempt: Attempt | None) -> NoReturn:
        """The task was cancelled: by the end of a drain (told to the client), or because the client left."""
        fault = self.drained or Fault(
            Kind.CLIENT_DISCONNECT, "The client left before the answer was complete."
        )
        if attempt is not None:
            attempt.fault = fault
            self._settle(attempt)
        if self.drained is None:
            raise asyncio.CancelledError
        await self._tell(self.drained)
        raise self.drained

    def _settle(self, attempt: Attempt) -> None:
        stream = self.stream
        if stream is not None:
            attempt.usage = stream.usage
            attempt.finish_reason = stream.finish_reason
            attempt.streamed_tokens = stream.estimated_output_tokens()
        self.books.settle(self.call, attempt)

    async def _try(self, attempt: Attempt) -> None:
        """One attempt, to the end of the client's answer. Raises Fault."""
        call, deployment, view = self.call, attempt.deployment, self.view
        approach = view.approach(call.dialect, call.operation, deployment)
        upstream, rules = approach.upstream, approach.rules
        way = self.way = approach.passage
        if rules is not None and rules.may_mend(call.fields):
            mended = view.mending.mend(rules, call, self.grant, deployment.upstream)
            attempt.mended = mended.applied
            call = msgspec.structs.replace(call, fields=mended.fields)
        if not way.is_identity:
            self.marks = self.books.marks.of(self.grant.key_id)
        sent = way.outbound(call, deployment, upstream.quirks, self.marks)
        attempt.dropped = sent.dropped
        if sent.further:
            first, body = await ask_in_parts(self, attempt, approach, sent)
            return await self._large(attempt, first, upstream, body)
        deadline = min(attempt.started + upstream.first_byte_s, call.arrived + call.patience)
        exchange = await upstream.send(
            call, deployment, sent.body, self.grant.key_id, deadline, attempt.sent, approach.spoken
        )
        try:
            status = attempt.status = exchange.status
            attempt.upstream_request_id = upstream_request_id(exchange.headers)
            if status >= 300:
                raise await self.refusal(exchange, upstream, deadline)
            if not call.stream:
                whole = exchange.whole(view.terms.max_reply_bytes)
                if whole is None:
                    body = await self.rest(exchange, upstream)
                    return await self._large(attempt, exchange, upstream, body)
                headers, body = self._whole(attempt, exchange, upstream, whole)
                await self.reply.whole(status, headers, body)
            elif exchange.headers.get(b"content-type", b"").startswith(_STREAMS):
                await self._pump(attempt, exchange, upstream)
            else:
                await self._tell_apart(attempt, exchange, upstream)
        finally:
            exchange.close()

    async def refusal(self, exchange: Exchange, upstream: Upstream, deadline: float) -> Fault:
        """What a reply that is none says."""
        body = await exchange.read_all(_ERROR_BODY_BYTES, deadline)
        body = upstream.redact(body)
        now = self.books.clock.wall()
        fault = classify(exchange.status, exchange.headers, body, now=now)
        if not self.way.is_identity:
            fault.reply = None  # it is in another dialect than the client's
        return fault

    async def _tell_apart(self, attempt: Attempt, exchange: Exchange, upstream: Upstream) -> None:
        """A stream was asked for and another type of content came: some servers name it wrongly, some do not stream."""
        first = b""
        while len(first.lstrip()) < _TELLING_BYTES and len(first) < _BLANK_BYTES:
            chunk = await self._piece(exchange, upstream)
            if not chunk:
                break
            first += chunk
        if first.lstrip().startswith(_EVENT_STARTS):
            await self._pump(attempt, exchange, upstream, first)
        else:
            body = first + await self.rest(exchange, upstream)
            await self._large(attempt, exchange, upstream, body)

    async def _large(
        self, attempt: Attempt, exchange: Exchange, upstream: Upstream, body: bytes
    ) -> None:
        """A whole answer that may be large: telling many vectors anew takes its time, and other calls do not wait for it."""
        if self.call.operation == "embeddings" and len(body) > _LARGE_BYTES:
            told = await asyncio.to_thread(self._whole, attempt, exchange, upstream, body)
        else:
            told = self._whole(attempt, exchange, upstream, body)
        await self.reply.whole(exchange.status, *told)

    async def _piece(self, exchange: Exchange, upstream: Upstream) -> bytes:
        """The next bytes of a body, b"" at its end. Raises Fault timeout when upstream is silent for too long."""
        silence_s = upstream.silence_s
        piece = await exchange.read(self.books.clock.monotonic() + silence_s)
        if piece is None:
            raise Fault(
                Kind.UPSTREAM_TIMEOUT,
                f"The upstream sent nothing for {silence_s:g} seconds.",
                detail="silence inside the reply",
            )
        return piece

    async def rest(self, exchange: Exchange, upstream: Upstream) -> bytes:
        """What is left of a body, to its end."""
        silence_s = upstream.silence_s
        deadline = self.books.clock.monotonic() + silence_s
        return await exchange.read_all(self.view.terms.max_reply_bytes, deadline, silence_s)

    def facts(self, body: bytes, exchange: Exchange, upstream: Upstream) -> ReplyFacts:
        """What a whole reply tells. Raises Fault if it is an error in spite of its status, or no reply."""
        facts = self.way.read_reply(body, self.call.operation)
        if facts is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no JSON object.",
                detail=repr(body[:200]),
            )
        if facts.error is not None:
            raise fault_in_reply(upstream.redact(facts.error), status=exchange.status)
        return facts

    def _whole(
        self, attempt: Attempt, exchange: Exchange, upstream: Upstream, body: bytes
    ) -> tuple[Lines, bytes]:
        """A whole answer for the client: its headers and body.

        Upstream's was read to its end before the first byte goes out, so that a cut one can still be replaced.
        """
        call, clock, way = self.call, self.books.clock, self.way
        attempt.first_byte = clock.monotonic()
        facts = self.facts(body, exchange, upstream)
        usage = attempt.usage = facts.usage
        attempt.finish_reason = facts.finish_reason
        spent = attempt.cost_nanodollars = cost(usage, attempt.deployment.price)
        body = way.answer(
            call, body, usage, spent if self._adds_cost(attempt) else None, self.marks
        )
        headers = whole_headers(call, attempt, exchange.headers, spent, clock.monotonic())
        if self.is_open:  # while upstream was silent, and then it did not stream
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream did not stream its answer.")
        self.is_committed = self.is_over = True
        return headers, body

    async def _pump(
        self, attempt: Attempt, exchange: Exchange, upstream: Upstream, first: bytes = b""
    ) -> None:
        """A streamed answer, chunk by chunk: each is written before the next is read."""
        stream = self.stream = self.way.stream(self.call, self._cost_of(attempt), self.marks)
        while True:
            chunk = first or await self._piece(exchange, upstream)
            first = b""
            out = stream.feed(chunk) if chunk else stream.finish()
            if stream.error is not None:
                error, out = upstream.redact(stream.error), self._redacted(out, upstream)
                attempt.fault = fault_in_reply(error, status=exchange.status)
                if stream.failed_at_once and not self.is_committed:
                    raise attempt.fault
            if stream.has_ended or not chunk:
                break
            if out:
                await self._write(attempt, out, is_answer=stream.events > 0)
        await self._finish(attempt, out)
        if stream.is_done and chunk:
            await self._read_on(exchange)

    def _redacted(self, out: bytes, upstream: Upstream) -> bytes:
        """An error on its way to the client, without what only the operator and the upstream know."""
        spoken = DIALECTS[self.call.dialect]
        if isinstance(spoken, Framed):
            return spoken.redacted(out, upstream.redact)
        return upstream.redact(out)

    def _adds_cost(self, attempt: Attempt) -> bool:
        """Whether answers carry their cost: where it follows from a price of ours. What upstream told, it told itself."""
        return self.view.terms.cost_in_body and attempt.deployment.price is not None

    def _cost_of(self, attempt: Attempt) -> Callable[[Usage], int | None] | None:
        if not self._adds_cost(attempt):
            return None
        price = attempt.deployment.price

        def cost_of(usage: Usage) -> int | None:
            return cost(usage, price)

        return cost_of

    async def _write(self, attempt: Attempt, out: bytes, *, is_answer: bool) -> None:
        """Pass bytes on. Comments alone are no answer: after them another deployment may still take over."""
        if is_answer and not self.is_committed:
            await self._commit(attempt)
        elif not self.is_open:
            await self._open(attempt)
        await self.reply.write(out)
        self.last_write = self.books.clock.monotonic()

    async def _commit(self, attempt: Attempt) -> None:
        self.is_committed = True
        attempt.first_byte = self.books.clock.monotonic()
        await self._open(attempt)

    async def _open(self, attempt: Attempt) -> None:
        if self.is_open:
            return
        self.is_open = True
        now = self.books.clock.monotonic()
        content_type = DIALECTS[self.call.dialect].content_type_of_streams
        await self.reply.open(200, stream_headers(self.call, attempt, content_type, now))

    async def _finish(self, attempt: Attempt, out: bytes) -> None:
        if not self.is_committed:
            await self._commit(attempt)
        self.is_over = True
        await self.reply.end(out)
        self.is_told = True

    async def _read_on(self, exchange: Exchange) -> None:
        """Upstream's last chunk follows at once as a rule; reading it keeps the connection for the next call."""
        deadline = self.books.clock.monotonic() + _LEAVE_OPEN_S
        try:
            while await exchange.read(deadline):
                pass
        except Fault as fault:
            self.books.log.write(
                "debug", "upstream failed after its last event", detail=fault.detail
            )

    async def keep_alive(self) -> None:
        """The model is silent: tell the client that the call is alive. Called by the sweep, in a task of its own."""
        attempt = self.attempt
        if attempt is None or attempt.ended or self.is_over:
            return
        self.last_write = self.books.clock.monotonic()
        await self._open(attempt)
        await self.reply.write(DIALECTS[self.call.dialect].keep_alive())
