"""Table N of the cases, the rows of `/models` and `/model`."""

import pytest

from genesis.screen import listing
from genesis.screen.listing import models_text

MANY = {"kilocode": [f"kilocode/m{n:02}" for n in range(45)]}
FEW = {"openai": ["openai/a", "openai/b"], "google": ["google/c"], "anthropic": ["anthropic/d", "anthropic/e"]}  # fmt: skip


def test_n1_models_alone_lists_providers() -> None:
    expected = (
        "Providers:\n- anthropic (2)\n- google (1)\n- openai (2)\n\n"
        "Use: /models <provider>\nSwitch: /model <provider/model>"
    )
    assert models_text([], FEW) == expected
    assert models_text(["list"], FEW) == expected


def test_a_page_has_twenty_models_and_tells_how_to_go_on() -> None:
    text = models_text(["kilocode"], MANY, lambda _: "api-key (env: KILOCODE_API_KEY)")
    lines = text.split("\n")
    assert lines[0] == (
        "Models (kilocode · 🔑 api-key (env: KILOCODE_API_KEY)) — showing 1-20 of 45 (page 1/3)"
    )
    assert lines[1:21] == [f"- kilocode/m{n:02}" for n in range(20)]
    assert lines[21:] == [
        "",
        "Switch: /model <provider/model>",
        "More: /models list kilocode 2",
        "All: /models list kilocode all",
    ]


@pytest.mark.parametrize("words", [["list", "kilocode"], ["KiloCode"]], ids=["N4", "any case"])
def test_list_is_a_word_that_may_be_left_out(words: list[str]) -> None:
    assert models_text(words, MANY) == models_text(["kilocode"], MANY)


@pytest.mark.parametrize("page", [["3"], ["page=3"]], ids=["3", "page=3"])
def test_the_last_page_has_no_more(page: list[str]) -> None:
    text = models_text(["kilocode", *page], MANY)
    assert "showing 41-45 of 45 (page 3/3)" in text
    assert "More:" not in text


@pytest.mark.parametrize("page", ["9", "0"], ids=["N6", "0"])
def test_a_page_out_of_range_says_which_there_are(page: str) -> None:
    assert models_text(["kilocode", page], MANY) == (
        f"Page out of range: {page} (valid: 1-3)\n\n"
        "Try: /models list kilocode 3\nAll: /models list kilocode all"
    )


@pytest.mark.parametrize("word", ["all", "--all"], ids="N7 {}".format)
def test_all_shows_all(word: str) -> None:
    text = models_text(["kilocode", word], MANY)
    assert "showing 1-45 of 45 (page 1/1)" in text
    assert "More:" not in text
    assert "All:" not in text


@pytest.mark.parametrize("word", ["limit=500", "size=500"], ids="N8 {}".format)
def test_a_page_may_be_larger(word: str) -> None:
    assert "showing 1-45 of 45 (page 1/1)" in models_text(["kilocode", word], MANY)


def test_a_page_has_at_most_a_hundred_models() -> None:
    many = {"p": [f"p/{n:03}" for n in range(150)]}
    assert "showing 1-100 of 150 (page 1/2)" in models_text(["p", "limit=500"], many)


def test_n10_add_is_gone() -> None:
    assert models_text(["add", "kilocode", "x"], MANY) == (
        "⚠️ /models add is deprecated. Use /models to browse providers and /model to switch models."
    )


def test_an_unknown_provider_is_answered_with_those_there_are() -> None:
    assert models_text(["zzz"], MANY) == (
        "Unknown provider: zzz\n\nAvailable providers:\n- kilocode\n\nUse: /models <provider>"
    )


def test_a_provider_without_models_says_so() -> None:
    assert models_text(["p"], {"p": []}) == (
        "Models (p) — none\n\nBrowse: /models\nSwitch: /model <provider/model>"
    )


def test_n12_a_model_that_is_not_allowed() -> None:
    assert listing.not_allowed_text("a/b") == (
        'Model "a/b" is not allowed. Use /models to list providers, or /models <provider> to list models.'
    )


def test_nonsense_is_answered_with_where_to_look() -> None:
    assert listing.unrecognized_text("x").startswith(
        'Unrecognized model "x". Use /models to list providers, '
    )
