"""Requests, read; and every recorded one written and read again."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.core.fault import Fault, Kind
from kilo_gateway.dialects.conversation import (
    Conversation,
    Message,
    OutputFormat,
    Part,
    Reasoning,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from kilo_gateway.dialects.gemini.reading import read_request
from kilo_gateway.dialects.gemini.writing import NO_SIGNATURE, write_request
from kilo_gateway.dialects.hub import Target
from tests.dialects.gemini.wire import FILES, fields, needs_recordings, raw
from tests.dialects.recordings import recordings

TURN = [{"role": "user", "parts": [{"text": "hi"}]}]


def read(**members: object) -> Conversation:
    return read_request(fields(contents=TURN, **members))


def test_both_spellings_are_read() -> None:
    asked = read(
        system_instruction={"parts": [{"text": "be brief"}]},
        generation_config={"top_k": 5, "max_output_tokens": 9},
    )
    assert asked.system == (Text("be brief"),)
    assert asked.sampling == Sampling(max_tokens=9, top_k=5)


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({"thinkingLevel": "HIGH"}, Reasoning(True, "high")),
        ({"thinkingBudget": 0}, Reasoning(False, budget_tokens=0)),
        ({"thinkingBudget": -1, "includeThoughts": True}, Reasoning(True, is_adaptive=True, is_shown=True)),
        ({"thinkingBudget": 512}, Reasoning(True, budget_tokens=512)),
    ],
)  # fmt: skip
def test_how_much_to_think(thinking, expected) -> None:
    assert read(generationConfig={"thinkingConfig": thinking}).reasoning == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("tool", "f")),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice("required", "", ("f", "g")),
        ),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "auto"}, ToolChoice("auto")),
    ],
)
def test_which_tools_to_call(config, expected) -> None:
    tools = [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]
    asked = read(tools=tools, toolConfig={"functionCallingConfig": config})
    assert [tool.name for tool in asked.tools] == ["f", "g"]
    assert asked.tool_choice == expected


def test_tools_of_googles_are_kept_whole() -> None:
    (tool,) = read(tools=[{"googleSearch": {}}]).tools
    assert (tool.server, tool.dialect) == ("googleSearch", "gemini")
    assert json.loads(bytes(tool.raw)) == {"googleSearch": {}}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"responseMimeType": "application/json"}, OutputFormat("json")),
        ({"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}}, OutputFormat("schema", raw({"type": "object"}))),
        ({"responseModalities": ["IMAGE"]}, OutputFormat(modalities=("image",))),
    ],
)  # fmt: skip
def test_the_form_of_the_answer(config, expected) -> None:
    found = read(generationConfig=config).output
    assert msgspec.json.encode(found) == msgspec.json.encode(expected).replace(b": ", b":")


def test_what_is_new_is_named_and_what_only_google_keeps_is_needed() -> None:
    asked = read(
        safetySettings=[], cachedContent="cachedContents/x", generationConfig={"newThing": 1}
    )
    assert "safetySettings" in asked.unknown
    assert "generationConfig.newThing" in asked.unknown
    assert asked.needs == ("cachedContent",)


@pytest.mark.parametrize(
    "members",
    [{"tools": 5}, {"generationConfig": {"topK": "x"}}, {"labels": []}, {"systemInstruction": 5}],
)
def test_a_wrong_type_is_told(members) -> None:
    with pytest.raises(Fault) as caught:
        read(**members)
    assert caught.value.kind is Kind.INVALID_REQUEST


def plain(conversation: Conversation) -> Conversation:
    """Without what a telling changes, each of it on purpose: empty texts are left out; turns of the model that follow each
    other are one; the system's words alone are a turn of the user's; functions stand before Google's own tools; a first
    call without a signature gets the documented value; what is dropped or refused (one candidate, labels, store)
    or only Google's (`unknown`, `needs`); how much to think, which is told in the model's own way (test_thinking).
    """
    messages = list[Message]()
    for message in conversation.messages:
        parts = tuple(_plain_part(part) for part in message.parts if not _is_empty(part))
        if messages and messages[-1].role == message.role == "assistant":
            parts = (*messages.pop().parts, *parts)
        if parts:
            messages.append(msgspec.structs.replace(message, parts=parts))
    system = tuple(text for text in conversation.system if text.text)
    if not messages:
        messages, system = [Message("user", system)], ()
    return msgspec.structs.replace(
        conversation, messages=tuple(messages), system=system, unknown=(), needs=(),
        tools=tuple(sorted(conversation.tools, key=lambda tool: tool.server != "")), reasoning=Reasoning(),
        sampling=msgspec.structs.replace(conversation.sampling, count=None),
        account=msgspec.structs.replace(conversation.account, metadata=msgspec.Raw(), is_stored=None),
        is_stream=False,
    )  # fmt: skip


def _is_empty(part: Part) -> bool:
    return isinstance(part, Text | Thinking) and not part.text and not part.signature


def _plain_part(part: Part) -> Part:
    if isinstance(part, ToolCall) and part.signature == NO_SIGNATURE:
        return msgspec.structs.replace(part, signature="", vendor="")
    if isinstance(part, ToolResult):
        return msgspec.structs.replace(part, parts=tuple(_plain_part(one) for one in part.parts))
    return part


def values(told: object) -> object:
    """Structs as values that can be compared: JSON that is kept as it came by what it says."""
    if isinstance(told, msgspec.Raw):
        return json.loads(bytes(told) or b"null")
    if isinstance(told, msgspec.Struct):
        return (type(told).__name__, *(values(getattr(told, name)) for name in told.__struct_fields__))  # fmt: skip
    return tuple(values(one) for one in told) if isinstance(told, tuple) else told


@needs_recordings
def test_every_recorded_request_is_the_same_when_it_is_written_and_read_again() -> None:
    seen, differing = 0, []
    for one in (row for file in FILES for row in recordings(file)):
        if one.request is None or not one.is_good:
            continue
        seen += 1
        asked = read_request(fields(**one.request) | fields(model=one.model))
        target = Target(one.model, reads_thinking="google", capabilities=frozenset({"reasoning"}))
        body = write_request(asked, target)
        again = read_request(msgspec.json.decode(body, type=dict[str, msgspec.Raw]))
        if values(plain(again)) != values(plain(asked)):
            differing.append(one.id)
    assert seen > 500
    assert not differing


@given(st.dictionaries(st.sampled_from(["contents", "tools", "generationConfig", "toolConfig", "systemInstruction", "labels"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(
        st.sampled_from(["parts", "role", "text", "functionCall", "name", "args", "functionResponse", "inlineData", "thinkingConfig"]),
        inner, max_size=3), max_leaves=8), max_size=4))  # fmt: skip
def test_no_request_breaks_it(members) -> None:
    kinds = set[Kind]()
    try:
        read_request(fields(**members))
    except Fault as fault:
        kinds.add(fault.kind)
    assert kinds <= {Kind.INVALID_REQUEST}
