"""The status line tells what matters, in the room that there is."""

import pytest

from genesis.core.message import AssistantMessage, TextBlock
from genesis.core.usage import Usage
from genesis.screen.status import Status, cache_share, money, short_count


def full():
    return Status(
        "abc123456789", "kilocode/kilo/auto", "medium", "daemon",
        Usage(200, 50, 800, None, 0.0042), "anthropic/claude", "code",
    )  # fmt: skip


LINES = {
    200: "abc12345 · kilocode/kilo/auto → anthropic/claude (code) · think medium · 1.1k tokens · $0.0042 · cache 80% · daemon",
    100: "abc12345 · kilocode/kilo/auto → anthropic/claude (code) · 1.1k tokens · $0.0042 · cache 80%",
    62: "kilocode/kilo/auto → anthropic/claude · 1.1k tokens · $0.0042",
    30: "kilocode/kilo/auto",
    10: "kilocode/…",
}  # fmt: skip


@pytest.mark.parametrize("columns", LINES)
def test_parts_give_way(columns):
    assert full().line(columns) == LINES[columns]


def test_a_route_to_the_same_model_is_none():
    status = Status(model="kilocode/x")
    for model, routed in (("x", "x"), ("sim/tool", "tool")):
        answer = AssistantMessage((TextBlock(""),), "kilocode", model, routed_model=routed)
        status.add(answer, "why")
        assert (status.routed, status.why) == ("", "")


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (12_345, "12k"), (999_600, "1.0M"), (5e9, "5.0G")],
)
def test_counts_are_short(count, text):
    assert short_count(int(count)) == text


@pytest.mark.parametrize(("dollars", "text"), [(0, "$0.00"), (0.00424, "$0.0042"), (12, "$12.00")])
def test_money(dollars, text):
    assert money(dollars) == text


@pytest.mark.parametrize(
    ("usage", "text"),
    [(Usage(), ""), (Usage(100, cache_read=0), "cache 0%"), (Usage(0, cache_read=0), "")],
)
def test_an_unknown_cache_share_is_not_told(usage, text):
    assert cache_share(usage) == text
