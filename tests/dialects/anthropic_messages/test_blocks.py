"""Content blocks as parts."""

import contextlib
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.anthropic_messages.blocks import Blocks, citation_of
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
from kilo_gateway.dialects.seal import wrap

NOTED: list[str] = []
STRICT = Blocks("anthropic", is_lenient=False, noted=NOTED.append)
LENIENT = Blocks("anthropic", is_lenient=True)
DATA = "iVBORw0KGgo="


def parts(content, blocks=STRICT):
    return blocks.parts(msgspec.Raw(json.dumps(content).encode()), "messages[0].content")


def one(**block):
    [part] = parts([block])
    return part


CACHE = {"type": "ephemeral", "ttl": "1h"}
SOURCE = {"type": "base64", "media_type": "image/png", "data": DATA}


@pytest.mark.parametrize(
    ("block", "part"),
    [
        ({"type": "text", "text": "t", "cache_control": CACHE}, Text("t", Cache("1h"))),
        ({"type": "text", "text": "t", "cache_control": None, "citations": None}, Text("t")),
        ({"type": "image", "source": SOURCE}, Media("image", "image/png", DATA)),
        (
            {"type": "image", "source": {"type": "url", "url": "https://x/p.png"}},
            Media("image", url="https://x/p.png"),
        ),
        (
            {"type": "image", "source": {"type": "file", "file_id": "f"}},
            Media("image", file_id="f"),
        ),
        (
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "d"},
                "title": "n",
                "citations": {"enabled": True},
            },
            Media("document", "text/plain", text="d", name="n", wants_citations=True),
        ),
        (
            {
                "type": "document",
                "source": {"type": "content", "content": [{"type": "text", "text": "a"}]},
            },
            Media("document", "text/plain", text="a"),
        ),
        (
            {
                "type": "search_result",
                "source": "https://x",
                "title": "T",
                "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            },
            Media("document", "text/plain", text="a\n\nb", name="T https://x"),
        ),
        (
            {"type": "thinking", "thinking": "t", "signature": "s"},
            Thinking("t", "s", "anthropic"),
        ),
        ({"type": "thinking", "thinking": "t", "signature": ""}, Thinking("t")),
        (
            {"type": "thinking", "thinking": "t", "signature": wrap("s", "openai", "anthropic")},
            Thinking("t", "s", "openai"),
        ),
        ({"type": "redacted_thinking", "data": "d"}, SealedThinking("d", "anthropic")),
        (
            {"type": "redacted_thinking", "data": wrap("d", "google", "anthropic")},
            SealedThinking("d", "google"),
        ),
        (
            {"type": "tool_use", "id": "i", "name": "n", "input": {"a": 1}},
            ToolCall("i", "n", '{"a": 1}'),
        ),
        (
            {"type": "tool_result", "tool_use_id": "i", "content": "t", "is_error": True},
            ToolResult("i", (Text("t"),), is_error=True),
        ),
        ({"type": "tool_result", "tool_use_id": "i"}, ToolResult("i", ())),
        (
            {"type": "tool_result", "tool_use_id": "i", "content": [{"type": "image", "source": SOURCE}]},
            ToolResult("i", (Media("image", "image/png", DATA),)),
        ),
    ],
)  # fmt: skip
def test_a_block_is_a_part(block, part):
    assert one(**block) == part
    assert parts([block, {"type": "new"}])[0] == part
    assert parts([block], LENIENT) == (part,)


@pytest.mark.parametrize(
    "block",
    [
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"a": [1]}]},
        {"type": "mcp_tool_use", "name": "n", "input": {}, "server_name": "s"},
        {"type": "container_upload", "file_id": "f"},
        {"type": "new", "text": {"of": "another type"}, "name": [1]},
        {"type": "document", "source": {"type": "new"}},
        {"type": "document", "source": {"type": "content", "content": [{"type": "image", "source": SOURCE}]}},
        {"type": "image"},
    ],
)  # fmt: skip
def test_what_has_no_part_is_kept_byte_for_byte(block):
    part = one(**block)
    assert part == Opaque("anthropic_messages", block["type"], part.raw)
    assert json.loads(bytes(part.raw)) == block


def test_a_document_of_pictures_is_kept_among_others():
    source = {"type": "content", "content": [{"type": "image", "source": SOURCE}]}
    block = {"type": "document", "source": source}
    text, document = parts([{"type": "text", "text": "t"}, block])
    assert text == Text("t")
    assert json.loads(bytes(document.raw)) == block


def test_a_string_is_a_text():
    assert parts("hello") == (Text("hello"),)
    assert parts(None) == ()


def test_in_a_result_a_reference_is_its_name_and_what_is_new_is_its_json():
    content = [{"type": "tool_reference", "tool_name": "t"}, {"type": "new", "a": 1}]
    result = one(type="tool_result", tool_use_id="i", content=content)
    assert result.parts == (Text("Tool: t"), Text('{"type": "new", "a": 1}'))
    assert "new in tool_result" in NOTED


def test_the_context_of_a_document_is_named():
    one(type="document", source=SOURCE, context="c")
    assert "document context" in NOTED


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (5, "messages[0].content"),
        ([5], "messages[0].content[0]"),
        ([{"text": "t"}], "messages[0].content[0]"),
        ([{"type": "text", "text": 5}], "messages[0].content[0].text"),
        ([{"type": "text"}], "messages[0].content[0].text"),
        ([{"type": "tool_use", "id": "i"}], "messages[0].content[0].name"),
        ([{"type": "tool_result"}], "messages[0].content[0].tool_use_id"),
        ([{"type": "image", "source": {"data": "x"}}], "messages[0].content[0].source"),
    ],
)
def test_of_a_request_what_is_wrong_is_named(content, param):
    with pytest.raises(Fault) as caught:
        parts(content)
    assert (caught.value.kind, caught.value.param) == (Kind.INVALID_REQUEST, param)


@pytest.mark.parametrize(
    "content", [5, [5], [{"text": "t"}], [{"type": "text", "text": 5}], [{"type": "tool_use"}]]
)
def test_of_a_reply_all_is_read(content):
    parts(content, LENIENT)


def test_citations_of_every_kind_are_read():
    web = {"type": "web_search_result_location", "url": "u", "title": "t", "cited_text": "c"}
    char = {"type": "char_location", "document_index": 2, "document_title": "d", "cited_text": "c"}
    search = {"type": "search_result_location", "source": "s", "title": None, "cited_text": "c"}
    [text] = parts([{"type": "text", "text": "t", "citations": [web, char, search, 5]}])
    told = [(one.url, one.title, one.quote, one.document) for one in text.citations]
    assert told == [
        ("u", "t", "c", None),
        ("", "d", "c", 2),
        ("s", "", "c", None),
        ("", "", "", None),
    ]
    assert json.loads(bytes(text.citations[0].raw)) == web
    assert citation_of(msgspec.Raw(b"{}")).dialect == "anthropic_messages"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "source", "content", "input", "citations", "data"]),
            inner | st.sampled_from(["text", "image", "document", "tool_result", "thinking"]),
            max_size=4,
        )
    ),
    max_leaves=8,
)


@given(JSON)
def test_no_content_crashes_a_reader(content):
    parts(content, LENIENT)
    with contextlib.suppress(Fault):
        parts(content)
