"""Small writes leave together at the end of the loop's round, in order, and never to a closed transport."""

import asyncio

from kilo_gateway.upstreams.outbox import Outbox


class Transport:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def is_closing(self) -> bool:
        return self.is_closed

    def write(self, data: bytes) -> None:
        self.writes.append(data)


async def test_nothing_leaves_before_the_end_of_the_round_and_then_everything_in_order():
    outbox, one, two = Outbox(), Transport(), Transport()
    outbox.write(one, b"a")
    outbox.write(two, b"b")
    outbox.write(one, b"c")
    assert one.writes == two.writes == []
    await asyncio.sleep(0)
    assert (one.writes, two.writes) == ([b"a", b"c"], [b"b"])


async def test_a_flush_sends_at_once_and_nothing_twice():
    outbox, one = Outbox(), Transport()
    outbox.write(one, b"a")
    outbox.flush()
    assert one.writes == [b"a"]
    await asyncio.sleep(0)
    assert one.writes == [b"a"]


async def test_a_closed_transport_gets_nothing():
    outbox, one = Outbox(), Transport()
    outbox.write(one, b"a")
    one.is_closed = True
    await asyncio.sleep(0)
    assert one.writes == []
