"""Tool turns in order: rows H10-H18 of gateway-cases.md, and that what is in order stays as it is."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.rules.tool_turns import MISSING, repair_chat, repair_messages


def fields(messages: Any) -> Fields:
    return {"messages": msgspec.Raw(json.dumps(messages).encode())}


def chat(messages: list[Any]) -> list[Any] | None:
    found = repair_chat(fields(messages))
    return None if found is None else json.loads(bytes(found["messages"]))


def anthropic(messages: list[Any]) -> list[Any] | None:
    found = repair_messages(fields(messages))
    return None if found is None else json.loads(bytes(found["messages"]))


def asks(*calls: tuple[str, str]) -> dict[str, Any]:
    return {
        "role": "assistant",
        "tool_calls": [
            {"id": ident, "type": "function", "function": {"name": "f", "arguments": arguments}}
            for ident, arguments in calls
        ],
    }


def result(ident: str, content: str = "done") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": ident, "content": content}


def use(*idents: str) -> dict[str, Any]:
    return {
        "role": "assistant",
        "content": [{"type": "tool_use", "id": one, "name": "f", "input": {}} for one in idents],
    }


def used(ident: str, content: str = "done") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": ident, "content": content}


USER = {"role": "user", "content": "go on"}
TEXT = {"type": "text", "text": "go on"}


def test_h10_a_call_that_comes_twice_is_kept_once() -> None:
    before = [
        asks(("c1", '{"a":1}'), ("c2", ""), ("c1", '{"a":2}'), ("c2", "")),
        result("c1"),
        result("c2"),
    ]
    assert chat(before) == [asks(("c1", '{"a":1}'), ("c2", "")), result("c1"), result("c2")]


def test_a_missing_result_is_made_up_behind_the_answer() -> None:
    assert chat([asks(("c1", ""), ("c2", "")), result("c2"), USER]) == [
        asks(("c1", ""), ("c2", "")), result("c1", MISSING), result("c2"), USER,
    ]  # fmt: skip


def test_h12_ids_may_come_again_in_a_later_turn() -> None:
    assert chat([asks(("c1", "")), result("c1"), USER, asks(("c1", "")), result("c1", "2")]) is None


def test_h14_a_result_that_comes_a_turn_too_late_goes() -> None:
    before = [asks(("c1", "")), USER, asks(("c2", "")), result("c2"), result("c1")]
    assert chat(before) == [
        asks(("c1", "")),
        result("c1", MISSING),
        USER,
        asks(("c2", "")),
        result("c2"),
    ]


@pytest.mark.parametrize("orphan", [[result("x")], [USER, result("x")]])
def test_a_result_before_any_answer_goes(orphan: list[Any]) -> None:
    assert chat([*orphan, USER]) == [*orphan[:-1], USER]


def test_a_result_that_comes_twice_is_kept_once() -> None:
    assert chat([asks(("c1", "")), result("c1"), result("c1", "again")]) == [
        asks(("c1", "")),
        result("c1"),
    ]


@pytest.mark.parametrize("messages", [[], [USER], [USER, {"role": "assistant", "content": "ok"}]])
def test_a_conversation_without_tools_is_left_alone(messages: list[Any]) -> None:
    assert chat(messages) is None
    assert anthropic(messages) is None


def test_h15_a_missing_result_stands_in_front_of_what_the_user_says() -> None:
    assert anthropic([use("t1"), USER]) == [
        use("t1"), {"role": "user", "content": [used("t1", MISSING), TEXT]},
    ]  # fmt: skip


def test_h17_results_go_to_the_front() -> None:
    before = [use("t1"), {"role": "user", "content": [TEXT, used("t1")]}]
    assert anthropic(before) == [use("t1"), {"role": "user", "content": [used("t1"), TEXT]}]


def test_h18_a_message_of_orphans_alone_goes() -> None:
    assert anthropic([USER, {"role": "user", "content": [used("x")]}]) == [USER]


def test_a_message_is_made_for_results_that_have_none() -> None:
    assert anthropic([use("t1")]) == [use("t1"), {"role": "user", "content": [used("t1", MISSING)]}]


def test_messages_in_order_are_left_alone() -> None:
    good = [use("t1", "t2"), {"role": "user", "content": [used("t2"), used("t1"), TEXT]}]
    assert anthropic(good) is None


IDS = st.sampled_from(["a", "b", "c"])
CHATS = st.lists(
    st.one_of(
        st.just(USER),
        st.lists(st.tuples(IDS, st.just("{}")), max_size=3).map(lambda calls: asks(*calls)),
        IDS.map(result),
    ),
    max_size=8,
)


@given(CHATS)
def test_what_is_repaired_needs_no_repair(messages: list[Any]) -> None:
    once = chat(messages)
    if once is not None:
        assert chat(once) is None


MESSAGES = st.lists(
    st.one_of(
        st.just(USER),
        st.lists(IDS, min_size=1, max_size=3).map(lambda idents: use(*idents)),
        st.lists(st.one_of(IDS.map(used), st.just(TEXT)), min_size=1, max_size=3).map(
            lambda blocks: {"role": "user", "content": blocks}
        ),
    ),
    max_size=8,
)


@given(MESSAGES)
def test_what_is_repaired_needs_no_repair_in_messages_either(messages: list[Any]) -> None:
    once = anthropic(messages)
    if once is not None:
        assert anthropic(once) is None


@pytest.mark.parametrize("raw", [b'"tool_call', b'[{"tool_calls":7}]', b'{"tool_use":1}', b"[1]"])
def test_what_is_no_conversation_is_left_to_the_vendor(raw: bytes) -> None:
    assert repair_chat({"messages": msgspec.Raw(raw)}) is None
    assert repair_messages({"messages": msgspec.Raw(raw)}) is None
