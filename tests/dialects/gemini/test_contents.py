"""Turns of a request: roles, ids of calls and their results, what is read of each part."""

import pytest

from kilo_gateway.core.fault import Fault
from kilo_gateway.dialects.conversation import (
    Media,
    Opaque,
    SealedThinking,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from kilo_gateway.dialects.gemini import marks
from kilo_gateway.dialects.gemini.contents import Contents
from tests.dialects.gemini.wire import raw


def read(*turns: tuple[str, list[object]]):
    unknown: list[str] = []
    contents = [{"role": role, "parts": parts} for role, parts in turns]
    return Contents(unknown).read(raw(contents)), unknown


def parts(*given: object):
    (message,), unknown = read(("model", list(given)))
    return message.parts, unknown


def test_a_text_alone_is_a_turn_of_the_users() -> None:
    (message,) = Contents([]).read(raw("hi"))
    assert (message.role, message.parts) == ("user", (Text("hi"),))


def test_calls_without_ids_get_theirs_by_place_and_results_find_them() -> None:
    (asked, answered), _ = read(
        ("model", [{"functionCall": {"name": "f", "args": {"a": 1}}}, {"functionCall": {"name": "g"}}]),
        ("user", [{"functionResponse": {"name": "g", "response": {"output": "G"}}},
                  {"functionResponse": {"name": "f", "response": {"result": "F"}}}]),
    )  # fmt: skip
    assert asked.parts == (ToolCall("call_1", "f", '{"a":1}'), ToolCall("call_2", "g", "{}"))
    assert [part.call_id for part in answered.parts] == ["call_2", "call_1"]


def test_ids_of_the_clients_are_kept() -> None:
    (_, answered), _ = read(
        ("model", [{"functionCall": {"id": "x", "name": "f"}}, {"functionCall": {"id": "y", "name": "f"}}]),
        ("user", [{"functionResponse": {"id": "y", "name": "f", "response": {"error": "no"}}}]),
    )  # fmt: skip
    assert answered.parts == (ToolResult("y", (Text("no"),), "f", is_error=True),)


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "a"}, "a", False),
        ({"result": {"n": 1}}, '{"n":1}', False),
        ({"error": "bad"}, "bad", True),
        ({"temperature": 20, "unit": "C"}, '{"temperature":20,"unit":"C"}', False),
    ],
)
def test_what_a_tool_gave_is_its_text(response, text, is_error) -> None:
    (result,), _ = parts({"functionResponse": {"name": "f", "response": response}})
    assert (result.parts, result.is_error) == ((Text(text),), is_error)


def test_media_of_a_result_are_its_parts() -> None:
    media = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    (result,), _ = parts({"functionResponse": {"name": "f", "response": {}, "parts": [media]}})
    assert result.parts[-1] == Media("image", "image/png", "AAAA")


def test_thoughts_and_signatures_are_known() -> None:
    found, _ = parts(
        {"text": "hm", "thought": True, "thoughtSignature": "sig"},
        {"text": "hi", "thoughtSignature": marks.written("s", "anthropic")},
        {"text": "", "thoughtSignature": marks.written("sealed", "openai", is_sealed=True)},
        {"functionCall": {"name": "f"}, "thoughtSignature": "c"},
    )
    assert found == (
        Thinking("hm", "sig", "google", is_summary=True),
        Text("hi", signature="s", vendor="anthropic"),
        SealedThinking("sealed", "openai"),
        ToolCall("call_1", "f", "{}", signature="c", vendor="google"),
    )


def test_parts_that_only_google_has_stay_whole() -> None:
    code = {"executableCode": {"language": "PYTHON", "code": "1"}}
    (part,), _ = parts(code)
    assert isinstance(part, Opaque)
    assert (part.dialect, part.kind) == ("gemini", "executableCode")


def test_new_members_of_a_part_are_named() -> None:
    _, unknown = parts({"text": "a", "videoMetadata": {"fps": 1}})
    assert unknown == ["contents[].parts[].videoMetadata"]


@pytest.mark.parametrize(
    "part",
    [{"text": 5}, {"functionCall": {"name": "f", "args": [1]}}, {"inlineData": "x"}, 7],
)
def test_a_wrong_type_is_told(part: object) -> None:
    with pytest.raises(Fault) as caught:
        parts(part)
    assert caught.value.param


def test_a_role_that_is_none_is_told() -> None:
    with pytest.raises(Fault):
        read(("assistant", [{"text": "a"}]))
