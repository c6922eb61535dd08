"""How long a conversation is, and where it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from genesis.core.message import (
    AssistantMessage,
    ImageBlock,
    Message,
    TextBlock,
    ToolCallBlock,
    ToolResultMessage,
    UserMessage,
)
from genesis.core.model import Model
from genesis.session.compaction import IMAGE_TOKENS, cut_at, estimate, window_of, with_request


def user(size: int) -> Message:
    return UserMessage((TextBlock("u" * size),))


def called(size: int) -> Message:
    return AssistantMessage((ToolCallBlock("1", "read", "x" * size),))


def result(size: int) -> Message:
    return ToolResultMessage("1", "read", (TextBlock("r" * size),))


@pytest.mark.parametrize(
    ("model", "window"),
    [
        (Model("m", "M", context_window=1_000_000, max_tokens=128_000), 872_000),
        (Model("m", "M", context_window=8_000, max_tokens=128_000), 6_000),
        (Model("m", "M", context_window=8_000, max_tokens=1_000, context_tokens=4_000), 3_000),
        (Model("m", "M", context_window=0), 1),
    ],
)
def test_there_is_room_for_the_answer(model: Model, window: int) -> None:
    assert window_of(model) == window


def test_pictures_count() -> None:
    assert estimate([UserMessage((ImageBlock("A" * 10_000, "image/png"),))]) == IMAGE_TOKENS + 4


@pytest.mark.parametrize(
    ("messages", "keep", "cut"),
    [
        ([user(40)], 10, 0),
        ([user(400), user(400), user(400)], 250, 1),
        ([user(400), user(400), user(400)], 120, 2),
        ([user(400), user(400), user(400)], 1, 2),
        ([user(400), called(8), result(400), user(8)], 20, 3),
        ([user(400), called(8), result(400), called(8), result(400)], 150, 3),
        ([user(8), called(8), result(4000)], 10, 1),
        ([result(8), result(8)], 1, 0),
    ],
)
def test_cut(messages: list[Message], keep: int, cut: int) -> None:
    assert cut_at(messages, keep) == cut


@given(some.lists(some.sampled_from([user(40), called(40), result(40)])), some.integers(0, 200))
def test_what_stays_never_begins_with_a_result(messages: list[Message], keep: int) -> None:
    cut = cut_at(messages, keep)
    assert cut == 0 or not isinstance(messages[cut], ToolResultMessage)


def test_the_last_request_is_kept_in_words() -> None:
    assert "uuu" in with_request("S", [user(3)], [called(1), result(1)])
    assert with_request("S", [user(3)], [user(1)]) == "S"
