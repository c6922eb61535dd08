"""An upstream's items as deltas, each piece once."""

import json

import msgspec

from kilo_gateway.dialects.answer import (
    CallDelta,
    CallStarted,
    MediaMade,
    OpaqueMade,
    RefusalDelta,
    TextCited,
    TextDelta,
    TextSigned,
    ThinkingDelta,
    ThinkingSealed,
    ThinkingSigned,
)
from kilo_gateway.dialects.openai_responses.schema import WireEvent
from kilo_gateway.dialects.openai_responses.telling import Telling

EVENT = msgspec.json.Decoder(WireEvent)


class Stream:
    def __init__(self):
        self.telling = Telling()

    def __call__(self, kind, **members):
        return self.telling.tell(f"response.{kind}", EVENT.decode(json.dumps(members).encode()))


def test_deltas_are_told_at_once_and_the_whole_tells_the_rest():
    tell = Stream()
    assert tell("output_text.delta", delta="he") == [TextDelta("he")]
    part = {"type": "output_text", "text": "hello", "annotations": [{"type": "x"}]}
    item = {"type": "message", "id": "m", "content": [part, part]}
    first, cited, second, _ = tell("output_item.done", item=item)
    assert first == TextDelta("llo")
    assert isinstance(cited, TextCited)
    assert second == TextDelta("hello", begins=True)
    assert tell("output_item.done", item=item) == []
    assert tell.telling.rest([msgspec.Raw(json.dumps(item).encode())]) == []


def test_parts_that_are_counted_otherwise_in_deltas():
    tell = Stream()
    tell("output_text.delta", delta="hi", content_index=1)
    item = {"type": "message", "content": [{"type": "output_text", "text": "hi"}]}
    assert tell("output_item.done", item=item) == []


def test_calls():
    tell = Stream()
    item = {"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": ""}
    assert tell("output_item.added", item=item) == [CallStarted(0, "c", "f", item_id="fc")]
    assert tell("function_call_arguments.delta", delta="{") == [CallDelta(0, "{")]
    assert tell("output_item.done", item=item | {"arguments": "{}"}) == [CallDelta(0, "}")]
    custom = {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "x"}
    assert tell("output_item.done", output_index=1, item=custom) == [
        CallStarted(1, "d", "g", is_custom=True),
        CallDelta(1, "x"),
    ]
    assert tell.telling.has_called


def test_thoughts_and_their_seals():
    tell = Stream()
    tell("output_item.added", item={"type": "reasoning", "id": "rs"})
    assert tell("reasoning_summary_text.delta", delta="s") == [
        ThinkingDelta("s", is_summary=True, id="rs")
    ]
    item = {
        "type": "reasoning",
        "id": "rs",
        "summary": [{"text": "s"}],
        "content": [{"text": "c"}],
        "encrypted_content": "gAAAA",
    }
    assert tell("output_item.done", item=item) == [
        ThinkingDelta("c", begins=True, id="rs"),
        ThinkingSigned("gAAAA", "openai"),
    ]
    alone = {"type": "reasoning", "id": "r2", "encrypted_content": "gAAAA"}
    assert tell("output_item.done", output_index=1, item=alone) == [
        ThinkingSealed("gAAAA", "openai", "r2")
    ]


def test_marks_of_calls_and_texts():
    tell = Stream()
    text = {"type": "reasoning", "encrypted_content": "kg1.google.text:t"}
    assert tell("output_item.done", item=text) == [TextSigned("t", "google")]
    call = {"type": "reasoning", "encrypted_content": "kg1.google.call:s"}
    assert tell("output_item.done", output_index=1, item=call) == []
    item = {"type": "function_call", "call_id": "c", "name": "f"}
    (started,) = tell("output_item.added", output_index=2, item=item)
    assert (started.signature, started.vendor) == ("s", "google")


def test_refusals_pictures_and_server_tools():
    tell = Stream()
    assert tell("refusal.delta", delta="n") == [RefusalDelta("n")]
    item = {"type": "message", "content": [{"type": "refusal", "refusal": "no"}, {"type": "odd"}]}
    refusal, odd = tell("output_item.done", item=item)
    assert refusal == RefusalDelta("o")
    assert isinstance(odd, OpaqueMade)
    assert tell.telling.has_refused
    picture = {"type": "image_generation_call", "result": "QUJD"}
    assert isinstance(tell("output_item.done", output_index=1, item=picture)[0], MediaMade)
    search = {"type": "web_search_call", "id": "ws"}
    assert isinstance(tell("output_item.done", output_index=2, item=search)[0], OpaqueMade)


def test_text_as_a_string_and_annotations_on_the_way():
    tell = Stream()
    assert tell("output_item.done", item={"type": "message", "content": "x"}) == [TextDelta("x")]
    tell("output_text.delta", output_index=1, delta="y")
    (cited,) = tell("output_text.annotation.added", output_index=1, annotation={"url": "u"})
    assert cited.citation.url == "u"
