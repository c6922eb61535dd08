"""What an assistant says, taken apart: tool calls as servers really number them, thoughts in all their places."""

import msgspec
import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.answer import OpaqueMade, collect
from kilo_gateway.dialects.conversation import (
    Citation,
    Media,
    Refusal,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
)
from kilo_gateway.dialects.openai_chat.schema import Sound, Source, Turn
from kilo_gateway.dialects.openai_chat.turns import TurnReader, citation_of, made_up_id


def read(*turns, sources=()):
    """The parts that pieces make, one after the other."""
    reader = TurnReader()
    reader.reply_id = "reply"
    found = []
    for turn in turns:
        found += reader.take(decoded(turn))
    return collect([*found, *reader.finish(sources)]).parts


def decoded(turn) -> Turn:
    return msgspec.json.decode(msgspec.json.encode(turn), type=Turn)


def call(index=None, ident=None, name=None, arguments=None, **more):
    function = {"name": name, "arguments": arguments}
    wire = {"index": index, "id": ident, "function": function, **more}
    return {"tool_calls": [{key: value for key, value in wire.items() if value is not None}]}


@pytest.mark.parametrize(
    "pieces",
    [
        # OpenAI: by index, interleaved
        [call(0, "a", "f", ""), call(1, "b", "g", ""), call(0, arguments='{"x"'), call(1, arguments="{}"), call(0, arguments=":1}")],
        # servers that repeat id and name
        [call(0, "a", "f", '{"x"'), call(0, "a", "f", ":1}"), call(1, "b", "g", "{}")],
        # servers that give all calls the same index, or none
        [call(0, "a", "f", '{"x":1}'), call(0, "b", "g", "{}")],
        [call(None, "a", "f", '{"x":1}'), call(None, "b", "g", "{}")],
        [call(-1, "a", "f", '{"x":1}'), call(-1, "b", "g", "{}")],
        # a server that names the tool late
        [call(0, "a"), call(0, None, "f", ""), call(0, arguments='{"x":1}'), call(1, "b", "g", "{}")],
        # arguments as an object
        [call(0, "a", "f", {"x": 1}), call(1, "b", "g", {})],
    ],
)  # fmt: skip
def test_calls_however_they_are_numbered(pieces):
    assert read(*pieces) == (ToolCall("a", "f", '{"x":1}'), ToolCall("b", "g", "{}"))


def test_calls_without_ids_get_the_same_ones_again():
    found = read(call(None, "", "f", "{}"), call(None, "", "g", "{}"))
    assert [part.id for part in found] == [made_up_id("reply", 0), made_up_id("reply", 1)]


def test_the_old_call_and_what_looks_like_one():
    old = {"function_call": {"name": "f", "arguments": "{}"}}
    assert read(old) == (ToolCall(made_up_id("reply", 0), "f", "{}"),)
    assert (
        read({"function_call": {"name": "", "arguments": ""}, "audio": {"data": "", "id": ""}})
        == ()
    )


def test_a_custom_call():
    piece = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "c", "input": "4 + 4"}}
    assert read({"tool_calls": [piece]}) == (ToolCall("a", "c", "4 + 4", is_custom=True),)


def test_the_same_thoughts_in_several_places_are_told_once():
    details = [{"type": "reasoning.text", "text": "t", "format": "unknown", "index": 0}]
    assert read({"reasoning": "t", "reasoning_content": "t", "reasoning_details": details}) == (
        Thinking("t"),
    )
    assert read({"reasoning": "t", "reasoning_content": "t"}) == (Thinking("t"),)


def test_sealed_thoughts_beside_plain_ones():
    details = [
        {"type": "reasoning.encrypted", "data": "d", "format": "xai-responses-v1", "id": "rs"}
    ]
    found = read({"reasoning": "t", "reasoning_details": details})
    assert found == (Thinking("t"), SealedThinking("d", "xai", "rs"))


def test_another_piece_of_thoughts_begins_with_another_index():
    details = [
        {"type": "reasoning.text", "text": text, "index": index}
        for text, index in (("a", 0), ("b", 0), ("c", 1))
    ]
    assert read(*({"reasoning_details": [one]} for one in details)) == (
        Thinking("ab"),
        Thinking("c"),
    )


def test_a_signature_that_comes_alone_belongs_to_the_thoughts_before_it():
    signed = {
        "type": "reasoning.text",
        "signature": "s",
        "format": "anthropic-claude-v1",
        "index": 0,
    }
    found = read({"reasoning": "t"}, {"reasoning_details": [signed]}, {"content": "hi"})
    assert found == (Thinking("t", "s", "anthropic"), Text("hi"))
    assert read({"reasoning_details": [signed | {"format": None}]}) == (
        Thinking("", "s", "anthropic"),
    )


def test_a_mark_of_google_finds_its_call_or_stays_as_it_is():
    mark = {"type": "reasoning.encrypted", "data": "m", "format": "google-gemini-v1", "id": "a"}
    signed = ToolCall("a", "f", "{}", signature="m", vendor="google")
    assert read({"reasoning_details": [mark]}, call(0, "a", "f", "{}")) == (signed,)
    assert read({"reasoning_details": [mark], **call(0, "a", "f", "{}")}) == (signed,)
    assert read({"reasoning_details": [mark]}) == (SealedThinking("m", "google", "a"),)


def test_mistrals_lists():
    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "a"}], "closed": True}
    found = read(
        {"content": [thought]},
        {"content": [thought, {"type": "text", "text": "b"}]},
        {"content": "c"},
    )
    assert found == (Thinking("aa"), Text("bc"))


def test_content_that_is_an_object_is_its_json():
    assert read({"content": {"a": 1}}) == (Text('{"a":1}'),)


def test_refusals_pictures_sounds_and_sources():
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    sounds = [{"audio": {"id": "au", "data": "AA"}}, {"audio": {"data": "BB", "transcript": "w"}}]
    assert read({"refusal": "no"}, {"images": [picture]}, *sounds) == (
        Refusal("no"),
        Media("image", "image/png", "AAAA"),
        Media("audio", data="AABB", file_id="au", text="w"),
    )
    found = read({"content": "hi"}, sources=[Source("https://x", "t")])
    assert found == (Text("hi", citations=(Citation("https://x", "t"),)),)


def test_a_sound_without_end_is_refused():
    reader, sound = TurnReader(), Turn(audio=Sound(data="A" * 1024 * 1024))
    for _ in range(64):
        assert list(reader.take(sound)) == []
    with pytest.raises(Fault):
        list(reader.take(sound))


def test_what_only_this_dialect_has_is_kept_as_it_is():
    reader = TurnReader()
    turn = decoded({"executed_tools": [{"type": "search"}], "annotations": [{"type": "file"}]})
    kinds = [delta.part.kind for delta in reader.take(turn) if isinstance(delta, OpaqueMade)]
    assert kinds == ["executed_tools", "annotation"]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"url": "u", "title": "t", "content": "q", "start_index": 0, "end_index": 3}, Citation("u", "t", "q", None, 0, 3)),
        ({"url": "u", "start_index": 0, "end_index": 0}, Citation("u")),
        ({"url": "document:2", "title": "t"}, Citation("", "t", document=2)),
        ({"url": "document:x"}, Citation("document:x")),
    ],
)  # fmt: skip
def test_a_citation(told, expected):
    raw = msgspec.Raw(msgspec.json.encode({"type": "url_citation", "url_citation": told}))
    assert citation_of(raw) == expected
