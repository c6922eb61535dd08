"""Streams as one JSON array."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.gemini.arrays import Framing, Regrouped
from kilo_gateway.dialects.sse import Reader
from tests.dialects.gemini.wire import events


@pytest.mark.parametrize("count", [0, 1, 3])
def test_elements_make_an_array(count: int) -> None:
    framing = Framing(is_array=True)
    out = b"".join(framing.chunk(b'{"a":%d}' % number) for number in range(count))
    out += framing.close()
    assert json.loads(out) == [{"a": number} for number in range(count)]
    assert framing.close() == b""


def test_events_need_no_end_and_one_line() -> None:
    framing = Framing(is_array=False)
    out = framing.chunk(b'{\n  "a": "b"\r\n}')
    assert [json.loads(event.data) for event in Reader().feed(out)] == [{"a": "b"}]
    assert framing.close() == b""


@given(st.lists(st.integers(0, 200), max_size=5))
def test_events_that_pass_by_become_elements(cuts: list[int]) -> None:
    wire, last, out = events({"n": 1}, {"n": 2}) + b"data: [DONE]\n\n", 0, b""
    regrouped = Regrouped()
    for cut in [*sorted(cuts), len(wire)]:
        out += regrouped.feed(wire[last:cut])
        last = max(last, cut)
    assert json.loads(out + regrouped.close()) == [{"n": 1}, {"n": 2}]
