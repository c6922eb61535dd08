"""Rows H20-H25 of gateway-cases.md, in all three shapes."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.rules.tool_results import BINARY, clean_nul, rename_refs


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def chat(tool: str, content: Any) -> list[Any]:
    call = {"id": "c", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    return [
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": content},
    ]


def messages(tool: str, content: Any) -> list[Any]:
    return [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": tool, "input": {}}],
        },
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "c", "content": content}],
        },
    ]


def responses(tool: str, content: Any) -> list[Any]:
    return [
        {"type": "function_call", "call_id": "c", "name": tool, "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": content},
    ]


SHAPES = [
    ("openai_chat", "messages", chat),
    ("anthropic_messages", "messages", messages),
    ("openai_responses", "input", responses),
]


@pytest.mark.parametrize(("dialect", "member", "shape"), SHAPES)
@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a\0b", BINARY),
        ([{"type": "text", "text": "a\0"}, {"type": "text", "text": "b"}],
         [{"type": "text", "text": BINARY}, {"type": "text", "text": "b"}]),
    ],
)  # fmt: skip
def test_h20_a_file_that_was_no_text_is_told_in_a_sentence(
    dialect, member, shape, content, expected
):
    found = clean_nul({member: raw(shape("read", content))}, dialect)
    assert found is not None
    assert json.loads(bytes(found[member])) == shape("read", expected)


@pytest.mark.parametrize(("dialect", "member", "shape"), SHAPES)
def test_h21_other_tools_are_left_alone(dialect, member, shape):
    assert clean_nul({member: raw(shape("execute_command", "a\0b"))}, dialect) is None


def test_h23_what_a_user_says_is_left_alone():
    assert (
        clean_nul({"messages": raw([{"role": "user", "content": "a\0b"}])}, "openai_chat") is None
    )


def test_h25_references_are_renamed_at_any_depth():
    found = rename_refs({"messages": raw(chat("f", '{"a":[{"$ref":"#/x"}]}'))})
    assert found is not None
    content = json.loads(bytes(found["messages"]))[1]["content"]
    assert json.loads(content) == {"a": [{"_ref": "#/x"}]}


@pytest.mark.parametrize("content", ["no json $ref", "[]", '"$ref"'])
def test_what_holds_no_reference_is_left_alone(content):
    assert rename_refs({"messages": raw(chat("f", content))}) is None
