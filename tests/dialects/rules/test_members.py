"""Rows I10 and I19-I21."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.rules.members import complete_items, drop_strange, summarise_thinking
from kilo_gateway.dialects.rules.rule import REMOVED


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def test_i10_what_no_vendor_knows_goes() -> None:
    assert drop_strange({"usage": raw({}), "model": raw("m")}) == {"usage": REMOVED}
    assert drop_strange({"model": raw("m")}) is None


@pytest.mark.parametrize(
    ("dialect", "member", "value", "expected"),
    [
        ("openai_responses", "reasoning", {"effort": "low"}, {"effort": "low", "summary": "auto"}),
        ("openai_responses", "reasoning", {"summary": None}, None),
        ("openai_responses", "reasoning", {}, None),
        ("anthropic_messages", "thinking", {"type": "adaptive"}, {"type": "adaptive", "display": "summarized"}),
        ("anthropic_messages", "thinking", {"type": "disabled"}, None),
        ("anthropic_messages", "thinking", {"type": "enabled", "display": "omitted"}, None),
    ],
)  # fmt: skip
def test_i19_i20_thoughts_are_summarised(dialect, member, value, expected) -> None:
    found = summarise_thinking({member: raw(value)}, dialect)
    assert (json.loads(bytes(found[member])) if found else None) == expected


def test_i21_an_assistants_item_says_what_it_is() -> None:
    items = [{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]
    found = complete_items({"input": raw(items)})
    assert found is not None
    assert json.loads(bytes(found["input"])) == [
        {"role": "assistant", "content": "a", "type": "message", "status": "completed"},
        {"role": "user", "content": "b"},
    ]
    assert complete_items(found) is None
