"""Several requests for one attempt: in order, a few at once, and what they used is told whatever becomes of them."""

import asyncio
from types import SimpleNamespace

import pytest

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.core.usage import UNKNOWN_USAGE, Usage
from kilo_gateway.dialects.translate import Outbound, passage
from kilo_gateway.relay.parts import MOST_AT_ONCE, Parts, ask_in_parts
from kilo_gateway.relay.view import Approach


def parts(count=3, room=1000):
    return Parts([b"%08d" % number for number in range(count)], room)


async def test_all_are_asked_and_at_most_some_at_once():
    asked, running, most = [], 0, 0
    some = parts(10)

    async def one(part):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asked.append(part.body)
        some.keep(part, b"{}", Usage(2, 0))
        running -= 1

    await some.ask(one)
    assert sorted(asked) == [part.body for part in some.all]
    assert most == MOST_AT_ONCE
    assert some.used() == Usage(20, 0)


async def test_the_first_that_fails_ends_the_others():
    some = parts(6)
    ended = []

    async def one(part):
        part.is_sent = True
        if part is some.all[0]:
            some.keep(part, b"{}", Usage(7, 0))
        elif part is some.all[1]:
            await asyncio.sleep(0)
            part.is_answered = True
            raise Fault(Kind.UPSTREAM_ERROR, "no")
        else:
            try:
                await asyncio.Event().wait()
            finally:
                ended.append(part)

    with pytest.raises(Fault) as caught:
        await some.ask(one)
    assert caught.value.kind == Kind.UPSTREAM_ERROR
    # What was told, nothing for the one that was refused, and an estimate for those that were sent and then left.
    assert some.used() == Usage(7 + 2 * len(ended), 0, source="estimated")
    assert ended


async def test_what_was_never_sent_costs_nothing():
    assert parts().used() == UNKNOWN_USAGE


async def test_a_client_that_leaves_ends_all():
    some = parts()
    waiting = asyncio.ensure_future(some.ask(lambda part: asyncio.Event().wait()))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_replies_that_are_too_long_together_are_refused():
    some = parts(2, room=3)

    async def one(part):
        some.keep(part, b"{}", UNKNOWN_USAGE)

    with pytest.raises(Fault) as caught:
        await some.ask(one)
    assert caught.value.kind == Kind.UPSTREAM_GARBAGE


class Way:
    def join(self, bodies):
        return b"".join(bodies)


async def test_replies_are_joined_in_order_whichever_came_first():
    some = parts(2)
    for part in reversed(some.all):
        part.exchange = part.body
        some.keep(part, part.body, UNKNOWN_USAGE)
    assert some.joined(Way()) == (some.all[0].body, some.all[0].body + some.all[1].body)


async def test_what_was_not_asked_cannot_be_joined():
    with pytest.raises(Fault) as caught:
        parts().joined(Way())
    assert caught.value.kind == Kind.INTERNAL


async def test_a_way_that_cannot_join_is_not_asked():
    way = Approach(None, "openai_chat", passage("openai_chat", "openai_chat"), None)
    with pytest.raises(Fault) as caught:
        await ask_in_parts(SimpleNamespace(call=None), None, way, Outbound(b"{}", (), (b"{}",)))
    assert caught.value.kind == Kind.INTERNAL


async def test_a_mistake_of_ours_goes_up_as_it_is():
    async def one(part):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await parts(1).ask(one)
