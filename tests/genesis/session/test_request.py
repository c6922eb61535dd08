"""An answer put together from its events."""

import itertools

from genesis.core.events import StreamEnd, TextDelta, ThinkingDelta, ToolCallReady
from genesis.core.message import TextBlock, ThinkingBlock, ToolCallBlock
from genesis.core.usage import Usage
from genesis.session.request import Answer


def put_together(*events: object) -> Answer:
    ids = itertools.count()
    answer = Answer(None, lambda: str(next(ids)))
    for event in events:
        answer.add(event)  # type: ignore[arg-type]  # a StreamEvent
    return answer


def test_pieces_of_one_kind_are_one_block() -> None:
    answer = put_together(
        ThinkingDelta("a", "reasoning"), ThinkingDelta("b", "reasoning", "sig"), ThinkingDelta("c", "other"),
        TextDelta("x"), TextDelta("y"), ToolCallReady("1", "read", "{}"), TextDelta("z"),
        StreamEnd("tool_use", Usage(input=1), "routed"),
    )  # fmt: skip
    message = answer.message(2.0)
    assert message.content == (
        ThinkingBlock("ab", "reasoning", "sig"),
        ThinkingBlock("c", "other"),
        TextBlock("xy"),
        ToolCallBlock("1", "read", "{}"),
        TextBlock("z"),
    )
    assert (message.stop_reason, message.usage.input, message.routed_model) == ("tool_use", 1, "routed")  # fmt: skip


def test_one_that_was_cut_short_has_no_calls() -> None:
    answer = put_together(TextDelta("x"), ToolCallReady("1", "read", "{}"), TextDelta("y"))
    message = answer.message(0.0, stop_reason="aborted")
    assert message.content == (TextBlock("x"), TextBlock("y"))


def test_every_call_has_an_id_of_its_own() -> None:
    call = ToolCallReady("", "read", "{}")
    same = ToolCallReady("1", "read", "{}")
    assert [one.id for one in put_together(call, same, same, call).calls()] == [
        "call_0", "1", "call_1", "call_2",
    ]  # fmt: skip
