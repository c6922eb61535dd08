"""Rows I3 and I6: where breakpoints go, and that a client's own are respected."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.rules.cache_marks import mark_chat, mark_messages
from kilo_gateway.dialects.rules.rule import REMOVED

MARK = {"type": "ephemeral"}


def raw(value: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(value).encode())


def text(value: str, *, mark: Any = None) -> dict[str, Any]:
    return {"type": "text", "text": value} | ({"cache_control": mark} if mark else {})


def test_i3_the_system_prompt_and_the_last_result_are_marked() -> None:
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "ok"},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    ]
    found = mark_chat({"messages": raw(messages)})
    assert found is not None
    marked = json.loads(bytes(found["messages"]))
    assert marked[0]["content"] == [text("be brief", mark=MARK)]
    assert marked[3]["content"] == [text("done", mark=MARK)]
    assert marked[1:3] == messages[1:3]


def test_messages_that_carry_no_mark_stay_byte_for_byte() -> None:
    kept = b'{"role" : "assistant", "content": "\\u00e9", "n": 1.10}'
    last = b'{"role": "user", "content": "hi"}'
    found = mark_chat({"messages": msgspec.Raw(b"[" + kept + b", " + last + b"]")})
    assert found is not None
    assert bytes(found["messages"]).startswith(b"[" + kept + b",")


@pytest.mark.parametrize("roles", [[None, {}, "assistant"], [1, ["user"], "system "]])
def test_where_nobody_has_such_a_role_nothing_is_marked(roles: list[Any]) -> None:
    assert mark_chat({"messages": raw([{"role": one, "content": "a"} for one in roles])}) is None


def test_the_breakpoint_stands_in_front_of_the_editors_state() -> None:
    parts = [text("question"), text("<environment_details>open tabs</environment_details>")]
    found = mark_chat({"messages": raw([{"role": "user", "content": parts}])})
    assert found is not None
    assert json.loads(bytes(found["messages"]))[0]["content"] == [
        text("question", mark=MARK),
        parts[1],
    ]


@pytest.mark.parametrize(
    "content",
    [[text("a", mark=MARK)], [{"type": "text", "text": "a", "prompt_cache_breakpoint": {}}]],
)
def test_a_client_that_sets_one_is_left_alone(content: Any) -> None:
    assert mark_chat({"messages": raw([{"role": "user", "content": content}])}) is None


def test_i6_a_top_level_mark_moves_to_where_it_works() -> None:
    hour = {"type": "ephemeral", "ttl": "1h"}
    thinking = {"type": "thinking", "thinking": "hm", "signature": "s"}
    found = mark_messages(
        {
            "cache_control": raw(hour),
            "system": raw("be brief"),
            "messages": raw([{"role": "user", "content": [text("hi"), thinking]}]),
        }
    )
    assert found is not None
    assert found["cache_control"] is REMOVED
    assert json.loads(bytes(found["system"])) == [text("be brief", mark=hour)]
    assert json.loads(bytes(found["messages"]))[0]["content"] == [text("hi", mark=hour), thinking]


def test_without_a_top_level_mark_nothing_is_added() -> None:
    assert mark_messages({"messages": raw([{"role": "user", "content": "hi"}])}) is None
