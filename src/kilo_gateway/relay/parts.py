"""Parts: one attempt that takes several requests, a few at once. For the books it is one: what all of them used, together."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec

from kilo_gateway.core.call import Call
from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.grant import Grant
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.dialect import ReplyFacts
from kilo_gateway.dialects.embeddings.passage import Joins
from kilo_gateway.dialects.translate import Outbound
from kilo_gateway.relay.attempt import Attempt
from kilo_gateway.relay.heads import upstream_request_id
from kilo_gateway.relay.settle import Books
from kilo_gateway.relay.view import Approach, View
from kilo_gateway.upstreams.exchange import Exchange
from kilo_gateway.upstreams.upstream import Upstream

MOST_AT_ONCE = 4
_BYTES_PER_TOKEN = 4


class Part(msgspec.Struct, eq=False):
    """One request of an attempt. `is_sent` once upstream may have got it, `is_answered` once it has said what it will charge.

    `exchange` is closed by then; its head is still there.
    """

    body: bytes
    is_sent: bool = False
    is_answered: bool = False
    usage: Usage = UNKNOWN_USAGE
    reply: bytes = b""
    exchange: Exchange | None = None


class Asker(Protocol):
    """The call in whose name parts are asked: `relay.run.Run` fulfils it."""

    call: Call
    grant: Grant
    view: View
    books: Books

    async def refusal(self, exchange: Exchange, upstream: Upstream, deadline: float) -> Fault:
        """What a reply that is none says."""
        ...

    async def rest(self, exchange: Exchange, upstream: Upstream) -> bytes:
        """What is left of a body, to its end."""
        ...

    def facts(self, body: bytes, exchange: Exchange, upstream: Upstream) -> ReplyFacts:
        """What a whole reply tells. Raises Fault if it is an error in spite of its status, or no reply."""
        ...


async def ask_in_parts(
    asker: Asker, attempt: Attempt, approach: Approach, outbound: Outbound
) -> tuple[Exchange, bytes]:
    """Ask an attempt's requests: the exchange of the first, and one reply of all. Raises Fault if one failed.

    What those that did not fail told is in `attempt.usage` all the same.
    """
    call, upstream, way = asker.call, approach.upstream, approach.passage
    if not isinstance(way, Joins):
        raise Fault(Kind.INTERNAL, "The gateway has no way to make one answer of several.")
    bodies = (outbound.body, *outbound.further)
    parts = Parts(bodies, asker.view.terms.max_reply_bytes)

    async def ask(part: Part) -> None:
        now = asker.books.clock.monotonic()
        deadline = min(now + upstream.first_byte_s, call.arrived + call.patience)

        def sent() -> None:
            attempt.sent()
            part.is_sent = True

        exchange = await upstream.send(
            call, attempt.deployment, part.body, asker.grant.key_id, deadline, sent, approach.spoken
        )
        part.exchange = exchange
        try:
            attempt.status = exchange.status
            if exchange.status >= 300:
                part.is_answered = True  # and costs nothing
                raise await asker.refusal(exchange, upstream, deadline)
            body = await asker.rest(exchange, upstream)
            parts.keep(part, body, asker.facts(body, exchange, upstream).usage)
        finally:
            exchange.close()

    try:
        await parts.ask(ask)
    except BaseException:
        attempt.usage = parts.used()
        raise
    first, body = parts.joined(way)
    attempt.upstream_request_id = upstream_request_id(first.headers)
    return first, body


class Parts:
    """The requests of one attempt, in order."""

    def __init__(self, bodies: Sequence[bytes], most_bytes: int) -> None:
        self.all = [Part(body) for body in bodies]
        self._room = most_bytes

    async def ask(self, one: Callable[[Part], Awaitable[None]]) -> None:
        """Ask them all, at most four at once; the first that fails ends the others. Raises its Fault."""
        gate = asyncio.Semaphore(MOST_AT_ONCE)

        async def ask(part: Part) -> None:
            async with gate:
                await one(part)

        try:
            async with asyncio.TaskGroup() as group:
                for part in self.all:
                    group.create_task(ask(part))
        except BaseExceptionGroup as failed:
            raise _first(failed) from None

    def keep(self, part: Part, reply: bytes, usage: Usage) -> None:
        """A part's whole reply is here. Raises Fault upstream_garbage if all of them are too long together."""
        part.is_answered, part.reply, part.usage = True, reply, usage
        self._room -= len(reply)
        if self._room < 0:
            raise Fault(Kind.UPSTREAM_GARBAGE, "The upstream's answer is too long.")

    def joined(self, way: Joins) -> tuple[Exchange, bytes]:
        """The exchange of the first, and one reply of all."""
        first = self.all[0].exchange
        if first is None:
            raise Fault(Kind.INTERNAL, "A part was not asked.")
        return first, way.join([part.reply for part in self.all])

    def used(self) -> Usage:
        """What those that were answered told, and an estimate for those that upstream may still have worked on."""
        usage = UNKNOWN_USAGE
        for part in self.all:
            if part.is_answered:
                usage += part.usage
            elif part.is_sent:
                usage += Usage(len(part.body) // _BYTES_PER_TOKEN, 0, source="estimated")
        return usage


def _first(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first."""
    first = failed.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
