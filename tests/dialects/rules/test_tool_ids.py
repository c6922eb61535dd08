"""Row H26, and Mistral's nine characters: a call and its result get the same id."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.rules.tool_ids import claude_ids, mistral_ids, no_strict


def talk(ident: str) -> dict[str, msgspec.Raw]:
    messages = [
        {"role": "assistant", "tool_calls": [{"id": ident, "function": {"name": "f"}}]},
        {"role": "tool", "tool_call_id": ident, "content": "x"},
    ]
    return {"messages": msgspec.Raw(json.dumps(messages).encode())}


def idents(found: Any) -> tuple[str, str]:
    call, result = json.loads(bytes(found["messages"]))
    return call["tool_calls"][0]["id"], result["tool_call_id"]


def test_h26_a_dot_makes_a_hash() -> None:
    call, result = idents(claude_ids(talk("a.b")))
    assert call == result
    assert len(call) == 64
    assert claude_ids(talk("a_b")) is None


@pytest.mark.parametrize("ident", ["call_0123456789", "short", "nine_char"])
def test_mistral_wants_nine_letters_or_digits(ident: str) -> None:
    call, result = idents(mistral_ids(talk(ident)))
    assert call == result
    assert len(call) == 9
    assert call.isalnum()
    assert mistral_ids(talk(call)) is None


def test_mistral_wants_no_strict() -> None:
    tools = [{"type": "function", "function": {"name": "f", "strict": True}}]
    found = no_strict({"tools": msgspec.Raw(json.dumps(tools).encode())})
    assert found is not None
    assert json.loads(bytes(found["tools"])) == [{"type": "function", "function": {"name": "f"}}]
    assert no_strict({"tools": msgspec.Raw(b"[]")}) is None
