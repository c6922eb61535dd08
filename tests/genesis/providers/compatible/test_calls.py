"""Pieces of tool calls are put together, however a server numbers them."""

import pytest

from genesis.core.events import ToolCallReady
from genesis.providers.compatible.calls import TOO_LARGE, TOO_MANY, CallReader


def read(*pieces, is_cut=False):
    reader = CallReader()
    for piece in pieces:
        assert reader.feed(piece) is None
    return [(one.id, one.name, one.arguments) for one in reader.ready(is_cut=is_cut)]


def piece(arguments="", name=None, **more):
    return {"function": {"name": name, "arguments": arguments}} | more


WHOLE = [("a", "read", '{"p":1}'), ("b", "exec", "{}")]
ROWS = {
    "by number": [
        piece('{"p"', "read", index=0, id="a"),
        piece("{", "exec", index=1, id="b"),
        piece(":1}", index=0),
        piece("}", index=1),
    ],
    "by id": [
        piece('{"p"', "read", id="a"),
        piece(":1}", id="a"),
        piece("{}", "exec", id="b"),
    ],
    "by order": [
        piece('{"p"', "read", id="a"),
        piece(":1}"),
        piece("{", "exec", id="b"),
        piece("}"),
    ],
    "all numbered 0": [
        piece('{"p":1}', "read", index=0, id="a"),
        piece("{}", "exec", index=0, id="b"),
    ],
    "the id comes late": [
        piece('{"p"', "read", index=0),
        piece(":1}", index=0, id="a"),
        piece({}, "exec", index=1, id="b"),
    ],
}


@pytest.mark.parametrize("pieces", ROWS.values(), ids=ROWS)
def test_pieces_are_put_together(pieces):
    assert read(*pieces) == WHOLE


def test_a_call_without_id_gets_one():
    assert read(piece("{}", "read", index=0), piece("{}", "read", index=1)) == [
        ("call_0", "read", "{}"),
        ("call_1", "read", "{}"),
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"extra_content": {"google": {"thought_signature": "AQID"}}},
        {"function": {"name": "read", "arguments": "{}", "thought_signature": "AQID"}},
    ],
)
def test_a_thought_signature_is_kept(more):
    reader = CallReader()
    reader.feed({"id": "a", "function": {"name": "read", "arguments": "{}"}} | more)
    assert list(reader.ready(is_cut=False)) == [ToolCallReady("a", "read", "{}", "AQID")]


def test_of_an_answer_that_was_cut_only_whole_calls_are_told():
    cut = [piece("{}", "read", id="a"), piece('{"p', "exec", id="b")]
    assert read(*cut, is_cut=True) == [("a", "read", "{}")]


def test_there_are_limits():
    reader = CallReader()
    assert reader.feed(piece("x" * 256_000, index=0)) is None
    assert reader.feed(piece("x", index=0)) == TOO_LARGE
    many = CallReader()
    assert [many.feed(piece("{}", index=number)) for number in range(129)][-1] == TOO_MANY
