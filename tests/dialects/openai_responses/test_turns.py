"""Items of a request as messages."""

import json

import msgspec

from kilo_gateway.dialects.conversation import Media, Opaque, Text, ToolCall, ToolResult
from kilo_gateway.dialects.openai_responses.turns import Turns


def read(*items):
    turns = Turns("openai")
    turns.read(msgspec.Raw(json.dumps(items).encode()))
    return turns


CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c", "output": "r"}


def test_what_the_model_made_in_a_row_is_one_message_and_results_in_a_row_are_one():
    _, messages = read(
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
        CALL,
        CALL | {"call_id": "d"},
        RESULT,
        RESULT | {"call_id": "d"},
        {"role": "user", "content": "more"},
        {"role": "user", "content": [{"type": "input_text", "text": "and more"}]},
    ).done()
    assert [(one.role, len(one.parts)) for one in messages] == [
        ("user", 1),
        ("assistant", 3),
        ("user", 2),
        ("user", 1),
        ("user", 1),
    ]
    assert messages[1].parts[1] == ToolCall("c", "f", "{}")
    assert messages[2].parts[0] == ToolResult("c", (Text("r"),))


def test_system_in_front_and_in_between():
    system, messages = read(
        {"role": "system", "content": "A"},
        {"role": "developer", "content": [{"type": "input_text", "text": "B"}]},
        {"role": "user", "content": "q"},
        {"role": "system", "content": "C"},
    ).done()
    assert [text.text for text in system] == ["A", "B"]
    assert [one.role for one in messages] == ["user", "system"]


def test_results_with_pictures():
    image = {"type": "input_image", "image_url": "data:image/png;base64,QUJD"}
    (message,) = read(RESULT | {"output": [image, {"type": "odd", "x": 1}]}).done()[1]
    (result,) = message.parts
    assert result.parts[0] == Media("image", "image/png", "QUJD")
    assert "odd" in result.parts[1].text
    assert read(RESULT | {"output": None}).done()[1][0].parts[0].parts == ()


def test_items_of_server_tools_stay_in_their_turn():
    _, messages = read(
        {"type": "web_search_call", "id": "ws"},
        {"type": "computer_call_output", "call_id": "x"},
        {"type": "mcp_approval_response", "approve": True},
        {"type": "additional_tools", "role": "developer", "tools": []},
    ).done()
    assert [one.role for one in messages] == ["assistant", "user"]
    assert all(isinstance(part, Opaque) for one in messages for part in one.parts)


def test_names_of_what_is_left_out():
    turns = read(
        CALL | {"namespace": "crm"}, {"role": "assistant", "content": "x", "phase": "final"}
    )
    assert set(turns.unknown) == {"namespace", "phase"}
    assert set(read({"type": "item_reference", "id": "x"}).needs) == {"item_reference"}
