"""Calls and results are sent in pairs."""

import pytest

from genesis.core.message import (
    AssistantMessage,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.providers.compatible.pairing import paired, wire_id


def user(text):
    return UserMessage((TextBlock(text),))


def answer(*idents, text="", **more):
    blocks = [TextBlock(text)] if text else []
    calls = [ToolCallBlock(ident, "read", "{}") for ident in idents]
    return AssistantMessage((*blocks, *calls), **more)


def result(ident, text="done"):
    return ToolResultMessage(ident, "read", (TextBlock(text),))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("call_1|fc_2", "call_1"),
        ("a b.c", "a_b_c"),
        ("x" * 50, "x" * 40),
        ("toolu_01-A", "toolu_01-A"),
    ],
)
def test_an_id_is_made_fit_for_every_server(given, expected):
    assert wire_id(given) == expected


def test_pairs_that_are_whole_stay():
    history = [user("a"), answer("1", "2"), result("1"), result("2"), answer(text="b")]
    assert paired(history) == history


def test_a_call_without_result_goes_and_a_result_without_call():
    history = [result("0"), answer("1", "2", text="t"), result("2"), result("9"), user("b")]
    assert paired(history) == [answer("2", text="t"), result("2"), user("b")]


def test_an_answer_of_which_nothing_is_left_goes():
    assert paired([user("a"), answer("1"), user("b")]) == [user("a"), user("b")]


def test_what_a_person_said_in_between_comes_after_the_results():
    history = [answer("1", "2"), result("2"), user("wait"), result("1")]
    assert paired(history) == [answer("1", "2"), result("1"), result("2"), user("wait")]


def test_the_same_id_in_two_turns_is_two_calls():
    history = [answer("call_0"), result("call_0", "x"), answer("call_0"), user("b")]
    assert paired(history) == [answer("call_0"), result("call_0", "x"), user("b")]


def test_only_the_first_of_two_results_is_sent():
    assert paired([answer("1"), result("1", "a"), result("1", "b")]) == [
        answer("1"),
        result("1", "a"),
    ]


@pytest.mark.parametrize("reason", ["error", "aborted"])
def test_a_failed_answer_goes_with_its_results(reason):
    failed = answer("1", text="half", stop_reason=reason)
    assert paired([user("a"), failed, result("1"), user("b")]) == [user("a"), user("b")]
