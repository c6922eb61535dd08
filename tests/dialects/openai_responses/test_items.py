"""Items that the model makes, as parts."""

import json

import msgspec

from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.openai_responses.items import lenient, parts_of, with_marks


def read(maker="openai", **members):
    return parts_of(msgspec.Raw(json.dumps(members).encode()), maker, lenient)


def test_a_reasoning_item_is_its_pieces_and_its_seal_is_the_signature_of_the_last():
    summary = [{"type": "summary_text", "text": "s"}]
    content = [{"type": "reasoning_text", "text": "c"}]
    assert read(
        type="reasoning", id="rs_1", summary=summary, content=content, encrypted_content="gAAAA"
    ) == [
        Thinking("s", is_summary=True, id="rs_1"),
        Thinking("c", "gAAAA", "openai", id="rs_1"),
    ]


def test_a_seal_without_text_stands_alone_and_nothing_is_nothing():
    sealed = read("xai", type="reasoning", id="rs_1", summary=[], encrypted_content="abc")
    assert sealed == [SealedThinking("abc", "xai", "rs_1")]
    assert read(type="reasoning", id="rs_1", summary=[]) == []
    assert read(type="reasoning", content="plain") == [Thinking("plain")]


def test_calls():
    assert read(type="function_call", id="fc_1", call_id="c", name="f", arguments="{}") == [
        ToolCall("c", "f", "{}", item_id="fc_1")
    ]
    assert read(type="custom_tool_call", call_id="c", name="f", input="x") == [
        ToolCall("c", "f", "x", is_custom=True)
    ]
    assert read(type="function_call", call_id="c", name="f", arguments=None) == [ToolCall("c", "f")]


def test_a_picture_is_media_and_server_tools_are_kept_as_they_are():
    assert read(type="image_generation_call", result="QUJD", output_format="webp") == [
        Media("image", "image/webp", "QUJD")
    ]
    (running,) = read(type="image_generation_call", id="ig_1")
    assert isinstance(running, Opaque)
    (search,) = read(type="web_search_call", id="ws_1")
    assert (search.kind, json.loads(bytes(search.raw))["id"]) == ("web_search_call", "ws_1")


def test_odd_items_do_not_crash():
    assert read(type="message", content=[1, None, {"type": "output_text"}, {"text": 1}])
    assert read(type="reasoning", summary=[1], content={}) == [Thinking("", is_summary=True)]
    assert read(type=7, content="x") == [Text("x")]


def test_marks_are_put_in_their_places():
    call = SealedThinking("s", "google", "#call")
    text = SealedThinking("t", "google", "#text")
    assert with_marks([Text("a"), text, call, ToolCall("c", "f"), ToolCall("d", "g")]) == (
        Text("a", signature="t", vendor="google"),
        ToolCall("c", "f", signature="s", vendor="google"),
        ToolCall("d", "g"),
    )
    assert with_marks([text, call]) == ()
