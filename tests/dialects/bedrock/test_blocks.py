"""Content blocks as parts."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.bedrock.blocks import Blocks, citation_of
from kilo_gateway.dialects.conversation import (
    Cache,
    Media,
    Opaque,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)

PDF = {"format": "pdf", "name": "d", "source": {"bytes": "JVBE"}}
RESULT = {
    "toolUseId": "i",
    "status": "error",
    "content": [
        {"json": {"a": 1}},
        {"text": "t"},
        {"image": {"format": "png", "source": {"bytes": "UA=="}}},
    ],
}
READ = [
    ({"text": "a"}, Text("a")),
    ({"document": PDF}, Media("document", "application/pdf", "JVBE", name="d")),
    (
        {"document": {**PDF, "source": {"content": [{"text": "a"}, {"text": "b"}]}}},
        Media("document", "application/pdf", text="a\n\nb", name="d"),
    ),
    (
        {"toolUse": {"toolUseId": "i", "name": "n", "input": {"a": 1}}},
        ToolCall("i", "n", '{"a":1}'),
    ),
    (
        {"toolUse": {"toolUseId": "i", "name": "n", "input": {}, "type": "tool_use"}},
        ToolCall("i", "n", "{}"),
    ),
    (
        {"toolResult": RESULT},
        ToolResult(
            "i", (Text('{"a":1}'), Text("t"), Media("image", "image/png", "UA==")), is_error=True
        ),
    ),
    (
        {"reasoningContent": {"reasoningText": {"text": "t", "signature": "s"}}},
        Thinking("t", "s", "anthropic"),
    ),
    ({"reasoningContent": {"reasoningText": {"text": "t"}}}, Thinking("t")),
    ({"reasoningContent": {"redactedContent": "YWI="}}, SealedThinking("ab", "anthropic")),
    ({"guardContent": {"text": {"text": "g", "qualifiers": ["query"]}}}, Text("g")),
    (
        {
            "searchResult": {
                "title": "T",
                "source": "https://s",
                "content": [{"text": "a"}],
                "citations": {"enabled": True},
            }
        },
        Media("document", "text/plain", text="a", name="T https://s", wants_citations=True),
    ),
]


def parts(*blocks, is_lenient=False, noted=None):
    raw = msgspec.Raw(json.dumps(blocks, separators=(",", ":")).encode())
    return Blocks(is_lenient=is_lenient, noted=([] if noted is None else noted).append).parts(
        raw, "content"
    )


@pytest.mark.parametrize(("block", "part"), READ)
def test_a_block_is_a_part(block, part):
    assert parts(block) == (part,)
    assert parts(block, is_lenient=True) == (part,)


def test_a_point_of_the_cache_marks_the_part_before_it():
    noted = []
    point = {"cachePoint": {"type": "default", "ttl": "1h"}}
    assert parts(point, {"text": "a"}, point, noted=noted) == (Text("a", Cache("1h")),)
    assert noted == ["cachePoint"]


def test_citations_belong_to_their_text_or_the_one_before():
    web = {"location": {"web": {"url": "https://a"}}}
    place = {
        "title": "t",
        "sourceContent": [{"text": "q"}],
        "location": {"documentPage": {"documentIndex": 2}},
    }
    (text,) = parts({"text": "a"}, {"citationsContent": {"citations": [web]}})
    assert (text.text, [one.url for one in text.citations]) == ("a", ["https://a"])
    first, second = parts(
        {"text": "a"}, {"citationsContent": {"content": [{"text": "b"}], "citations": [place]}}
    )
    assert (first.citations, second.text) == ((), "b")
    assert (second.citations[0].document, second.citations[0].quote) == (2, "q")
    assert citation_of(msgspec.Raw(b'{"source":"https://s"}')).url == "https://s"
    assert citation_of(msgspec.Raw(b"[]")).url == ""


def test_what_only_the_service_has_is_kept_as_it_came():
    block = {
        "toolUse": {
            "toolUseId": "i",
            "name": "nova_grounding",
            "input": {},
            "type": "server_tool_use",
        }
    }
    (part,) = parts(block)
    assert isinstance(part, Opaque)
    assert (part.kind, json.loads(bytes(part.raw))) == ("toolUse", block)
    result = {"toolResult": {"toolUseId": "i", "content": [], "type": "nova_grounding_result"}}
    assert parts(result)[0].kind == "toolResult"
    assert parts({"new": 1})[0].kind == "new"
    noted = []
    (shown,) = parts({"toolResult": {"toolUseId": "i", "content": [{"new": 1}]}}, noted=noted)
    assert (shown.parts, noted) == ((Text('{"new":1}'),), ["new in toolResult"])


@pytest.mark.parametrize(
    ("blocks", "param"),
    [
        ([{"text": 1}], "content[0].text"),
        ([{"toolUse": {"name": ""}}], "content[0].toolUse.name"),
        ([{"toolResult": {"content": []}}], "content[0].toolResult.toolUseId"),
        ([{"toolResult": {"toolUseId": "i", "content": "x"}}], "content[0].toolResult.content"),
        ([1], "content[0]"),
    ],
)
def test_a_request_that_is_not_as_it_should_be(blocks, param):
    with pytest.raises(Fault) as raised:
        parts(*blocks)
    assert raised.value.param == param
    parts(*blocks, is_lenient=True)


@given(st.binary(max_size=100))
def test_any_bytes_of_a_reply_are_read(noise):
    Blocks(is_lenient=True).parts(msgspec.Raw(noise), "content")
    Blocks(is_lenient=True).parts(msgspec.Raw(b"[" + noise + b"]"), "content")
