"""One call while it runs: attempts until the first byte, then the pump, then settlement.

    planned --> trying --> committed --> ended          an attempt is settled exactly once, whatever ends it
                  ^ |fault
                  '-'  next_step

Committed means that bytes of an answer went to the client: from there on no other deployment is tried, and a fault
becomes an event in the stream. A stream may be *opened* before that (status and keep-alive comments, while the model
is silent); then the next deployment can still take over.
"""

import asyncio
from collections.abc import Callable
from typing import NoReturn

from kilo_gateway.core.call import Call
from kilo_gateway.core.deployment import Deployment
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.plan import Plan
from kilo_gateway.core.usage import Usage
from kilo_gateway.dialects.dialect import ReplyStream
from kilo_gateway.ledger.pricing import cost
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.heads import stream_headers, upstream_request_id, whole_headers
from kilo_gateway.relay.next_step import Tries
from kilo_gateway.relay.reply import Reply
from kilo_gateway.relay.settle import Books, Outcome
from kilo_gateway.relay.turns import Turns
from kilo_gateway.relay.view import View
from kilo_gateway.upstreams.exchange import Exchange
from kilo_gateway.upstreams.faults import classify, fault_in_reply
from kilo_gateway.upstreams.upstream import Upstream

_ERROR_BODY_BYTES = 256 * 1024
_EVENT_STREAM = b"text/event-stream"
_EVENT_STARTS = (b"data:", b"event:", b":", b"id:", b"\xef\xbb\xbfdata:")
_TELLING_BYTES = 8
_BLANK_BYTES = 64 * 1024
_LEAVE_OPEN_S = 0.2


class Run:
    """The state of one call. Everything in it belongs to the one task that runs the call."""

    __slots__ = (
        "_books",
        "_call",
        "_dialect",
        "_grant",
        "_is_committed",
        "_is_open",
        "_is_over",
        "_is_told",
        "_outcome",
        "_plan",
        "_stream",
        "_terms",
        "_upstreams",
        "attempt",
        "drained",
        "last_write",
        "reply",
    )

    def __init__(
        self,
        call: Call,
        grant: Grant,
        plan: Plan,
        reply: Reply,
        view: View,
        books: Books,
    ) -> None:
        self._call = call
        self._grant = grant
        self._plan = plan
        self.reply = reply
        self._dialect = view.dialect
        self._upstreams = view.upstreams
        self._books = books
        self._terms = view.terms
        self._is_open = False
        self._is_committed = False
        self._is_over = False
        self._is_told = False
        self._outcome = Outcome()
        self._stream: ReplyStream | None = None
        self.attempt: Attempt | None = None
        self.drained: Fault | None = None
        self.last_write = call.arrived

    @property
    def is_silent_since(self) -> float | None:
        """Since when the client of a stream has got nothing, in monotonic seconds; None for whole answers."""
        return self.last_write if self._call.stream else None

    async def go(self) -> None:
        """Answer the client, from whichever candidate answers first in order.

        Raises Fault when nothing was sent yet, so that the edge answers with it. CancelledError (the client left) goes
        through after the attempt is settled.
        """
        candidates = self._plan.candidates
        turns: Turns | None = None  # most calls need none
        number = 0
        while True:
            number += 1
            attempt = await self._begin(number, candidates[turns.index if turns else 0])
            try:
                await self._try(attempt)
            except Fault as fault:
                attempt.fault = fault
            except asyncio.CancelledError:
                if self.drained is not None and self._is_told:
                    self._settle(attempt, attempt.fault)  # the answer was complete already
                    return
                await self._cancelled(attempt)
            except BaseException:  # whatever it is, the attempt is settled once and the client is told; then it goes on up
                failure = Fault(Kind.INTERNAL, "The gateway failed on this call.")
                self._settle(attempt, failure)
                await self._tell(failure)
                raise
            if attempt.fault is None or self._stream_told_the_fault():
                self._settle(attempt, attempt.fault)
                return
            self._settle(attempt, attempt.fault)
            turns = turns or Turns(len(candidates))
            await self._after(attempt.fault, number, turns)

    def _stream_told_the_fault(self) -> bool:
        return self._is_committed and self._stream is not None and self._stream.error is not None

    async def _begin(self, number: int, deployment: Deployment) -> Attempt:
        try:
            attempt = self._books.open(self._call, self._grant, number, deployment)
        except Fault as fault:
            await self._tell(fault)
            raise
        self.attempt, self._outcome, self._stream = attempt, Outcome(), None
        return attempt

    async def _after(self, fault: Fault, made: int, turns: Turns) -> None:
        """Wait for the next attempt, or give up: with an event in an open stream, else by raising the fault."""
        now = self._books.clock.monotonic()
        tries = Tries(
            made=made,
            allowed=self._terms.max_attempts,
            untried=turns.untried,
            patience_s=self._call.arrived + self._call.patience - now,
            longest_retry_after_s=self._terms.retry_after_max_s,
        )
        wait_s = turns.after(fault, tries, now, is_committed=self._is_committed)
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
        health, now = self._books.health, self._books.clock.monotonic()
        candidates = self._plan.candidates
        while health.closed_until(candidates[turns.index].id, now) is not None:
            if not turns.skip():
                return

    async def _tell(self, fault: Fault) -> None:
        """End an open stream with the fault in it. Where none is open, the edge answers."""
        if self._is_open and not self._is_over:
            self._is_over = True
            await self.reply.end(self._dialect.error_event(fault, self._call.id))

    async def _cancelled(self, attempt: Attempt | None) -> NoReturn:
        """The task was cancelled: by the end of a drain (told to the client), or because the client left."""
        fault = self.drained or Fault(
            Kind.CLIENT_DISCONNECT, "The client left before the answer was complete."
        )
        if attempt is not None:
            self._settle(attempt, fault)
        if self.drained is None:
            raise asyncio.CancelledError
        await self._tell(self.drained)
        raise self.drained

    def _settle(self, attempt: Attempt, fault: Fault | None) -> None:
        attempt.fault = fault
        outcome, stream = self._outcome, self._stream
        if stream is not None:
            outcome.usage = stream.usage
            outcome.finish_reason = stream.finish_reason
            outcome.streamed_tokens = stream.estimated_output_tokens()
        self._books.settle(self._call, attempt, outcome)

    async def _try(self, attempt: Attempt) -> None:
        """One attempt, to the end of the client's answer. Raises Fault."""
        call, deployment = self._call, attempt.deployment
        upstream = self._upstreams[deployment.upstream]
        body = self._dialect.outbound(call, deployment, upstream.quirks)
        clock = self._books.clock
        if attempt.number == 1:
            self._books.metrics.overhead.observe(clock.monotonic() - call.arrived)
        deadline = min(attempt.started + upstream.first_byte_s, call.arrived + call.patience)
        exchange = await upstream.send(
            call, deployment, body, self._grant.key_id, deadline, attempt.sent
        )
        try:
            attempt.status = exchange.status
            ident = upstream_request_id(exchange.headers)
            if ident is not None:
                self._outcome.upstream_request_id = ident.decode("latin-1")
            if exchange.status >= 300:
                raise await self._refusal(exchange, upstream, deadline)
            if not call.stream:
                await self._relay_whole(attempt, exchange, upstream)
            elif _EVENT_STREAM in exchange.headers.get(b"content-type", b""):
                await self._pump(attempt, exchange, upstream)
            else:
                await self._tell_apart(attempt, exchange, upstream)
        finally:
            exchange.close()

    async def _refusal(self, exchange: Exchange, upstream: Upstream, deadline: float) -> Fault:
        body = await exchange.read_all(_ERROR_BODY_BYTES, deadline)
        body = upstream.redact(body)
        return classify(exchange.status, exchange.headers, body, now=self._books.clock.wall())

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
            await self._relay_whole(attempt, exchange, upstream, first)

    async def _piece(self, exchange: Exchange, upstream: Upstream) -> bytes:
        """The next bytes of a body, b"" at its end. Raises Fault timeout when upstream is silent for too long."""
        silence_s = upstream.silence_s
        piece = await exchange.read(self._books.clock.monotonic() + silence_s)
        if piece is None:
            raise Fault(
                Kind.UPSTREAM_TIMEOUT,
                f"The upstream sent nothing for {silence_s:g} seconds.",
                detail="silence inside the reply",
            )
        return piece

    async def _whole(self, exchange: Exchange, upstream: Upstream, first: bytes) -> bytes:
        """A whole body, bounded in size and in silence."""
        silence_s = upstream.silence_s
        deadline = self._books.clock.monotonic() + silence_s
        body = await exchange.read_all(self._terms.max_reply_bytes, deadline, silence_s)
        return first + body if first else body

    async def _relay_whole(
        self, attempt: Attempt, exchange: Exchange, upstream: Upstream, first: bytes = b""
    ) -> None:
        """A whole answer: read to its end before the first byte goes out, so that a cut one can still be replaced."""
        call, clock = self._call, self._books.clock
        body = await self._whole(exchange, upstream, first)
        attempt.first_byte = clock.monotonic()
        facts = self._dialect.read_reply(body, call.operation)
        if facts is None:
            raise Fault(
                Kind.UPSTREAM_GARBAGE,
                "The upstream answered with something that is no JSON object.",
                detail=repr(body[:200]),
            )
        if facts.error is not None:
            upstream = self._upstreams[attempt.deployment.upstream]
            raise fault_in_reply(upstream.redact(facts.error), status=exchange.status)
        self._outcome.usage = facts.usage
        self._outcome.finish_reason = facts.finish_reason
        spent = self._outcome.cost_nanodollars = cost(facts.usage, attempt.deployment.price)
        if spent is not None and self._adds_cost(attempt):
            body = self._dialect.with_cost(body, spent, facts.usage.raw)
        headers = whole_headers(call, attempt, exchange.headers, spent, clock.monotonic())
        if (
            self._is_open
        ):  # the stream was opened while upstream was silent, and then it did not stream
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream did not stream its answer.")
        self._is_committed = self._is_over = True
        await self.reply.whole(exchange.status, headers, body)

    async def _pump(
        self, attempt: Attempt, exchange: Exchange, upstream: Upstream, first: bytes = b""
    ) -> None:
        """A streamed answer, chunk by chunk: each is written before the next is read."""
        stream = self._stream = self._dialect.stream(
            self._call.operation, wants_usage=self._call.wants_usage, cost_of=self._cost_of(attempt)
        )
        while True:
            chunk = first or await self._piece(exchange, upstream)
            first = b""
            out = stream.feed(chunk) if chunk else stream.finish()
            if stream.error is not None:
                error, out = upstream.redact(stream.error), upstream.redact(out)
                attempt.fault = fault_in_reply(error, status=exchange.status)
                if stream.failed_at_once and not self._is_committed:
                    raise attempt.fault
            if stream.has_ended or not chunk:
                break
            if out:
                await self._write(attempt, exchange, out, is_answer=stream.events > 0)
        await self._finish(attempt, exchange, out)
        if stream.is_done and chunk:
            await self._read_on(exchange)

    def _adds_cost(self, attempt: Attempt) -> bool:
        """Whether answers carry their cost: where it follows from a price of ours. What upstream told, it told itself."""
        return self._terms.cost_in_body and attempt.deployment.price is not None

    def _cost_of(self, attempt: Attempt) -> Callable[[Usage], int | None] | None:
        if not self._adds_cost(attempt):
            return None
        price = attempt.deployment.price

        def cost_of(usage: Usage) -> int | None:
            return cost(usage, price)

        return cost_of

    async def _write(
        self, attempt: Attempt, exchange: Exchange, out: bytes, *, is_answer: bool
    ) -> None:
        """Pass bytes on. Comments alone are no answer: after them another deployment may still take over."""
        if is_answer and not self._is_committed:
            await self._commit(attempt, exchange)
        elif not self._is_open:
            await self._open(attempt, exchange.headers)
        await self.reply.write(out)
        self.last_write = self._books.clock.monotonic()

    async def _commit(self, attempt: Attempt, exchange: Exchange) -> None:
        self._is_committed = True
        attempt.first_byte = self._books.clock.monotonic()
        await self._open(attempt, exchange.headers)

    async def _open(self, attempt: Attempt, upstream_headers: dict[bytes, bytes]) -> None:
        if self._is_open:
            return
        self._is_open = True
        now = self._books.clock.monotonic()
        content_type = self._dialect.content_type_of_streams
        await self.reply.open(
            200, stream_headers(self._call, attempt, upstream_headers, content_type, now)
        )

    async def _finish(self, attempt: Attempt, exchange: Exchange, out: bytes) -> None:
        if not self._is_committed:
            await self._commit(attempt, exchange)
        self._is_over = True
        await self.reply.end(out)
        self._is_told = True

    async def _read_on(self, exchange: Exchange) -> None:
        """Upstream's last chunk follows at once as a rule; reading it keeps the connection for the next call."""
        deadline = self._books.clock.monotonic() + _LEAVE_OPEN_S
        try:
            while await exchange.read(deadline):
                pass
        except Fault as fault:
            self._books.log.write(
                "debug", "upstream failed after its last event", detail=fault.detail
            )

    async def keep_alive(self) -> None:
        """The model is silent: tell the client that the call is alive. Called by the sweep, in a task of its own."""
        attempt = self.attempt
        if attempt is None or attempt.ended is not None or self._is_over:
            return
        self.last_write = self._books.clock.monotonic()
        await self._open(attempt, {})
        await self.reply.write(self._dialect.keep_alive())
