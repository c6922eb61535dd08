"""Thoughts that clients send back go to where the upstream reads them, and nobody's marks to anybody."""

import json
from typing import Any

import msgspec
import pytest

from kilo_gateway.dialects.body import Fields
from kilo_gateway.dialects.rules.rule import Facts, concerning
from kilo_gateway.dialects.rules.table import RULES
from kilo_gateway.dialects.rules.thoughts import fold

TEXT = {"type": "reasoning.text", "text": "hm", "format": "unknown", "index": 0}
SUMMARY = {"type": "reasoning.summary", "summary": "so", "index": 1}
SIGNED = TEXT | {"signature": "s", "format": "anthropic-claude-v1"}
SEALED = {"type": "reasoning.encrypted", "data": "d", "format": "openai-responses-v1"}


def folded(details: object, *quirks: str, **more: Any) -> dict[str, Any] | None:
    said = {"role": "assistant", "content": "x", "reasoning_details": details, **more}
    raw = msgspec.Raw(json.dumps([{"role": "user", "content": "?"}, said]).encode())
    changes: Fields | None = fold({"messages": raw}, Facts("m", quirks=frozenset(quirks)))
    return None if changes is None else json.loads(bytes(changes["messages"]))[1]


PLAIN = {"role": "assistant", "content": "x"}


@pytest.mark.parametrize("quirk", ["reasoning_content_back", "thinking_object"])
def test_vendors_that_want_thoughts_back_get_their_text(quirk: str) -> None:
    for details in ([TEXT, SUMMARY], [SIGNED, SUMMARY, SEALED]):
        assert folded(details, quirk) == PLAIN | {"reasoning_content": "hmso"}


def test_what_the_client_sends_there_itself_stays() -> None:
    told = folded([TEXT], "reasoning_content_back", reasoning_content="own")
    assert told == PLAIN | {"reasoning_content": "own"}


@pytest.mark.parametrize("details", [[TEXT], [], "hm", None])
def test_others_are_not_told_what_is_nobodys(details: object) -> None:
    assert folded(details) == PLAIN


@pytest.mark.parametrize("details", [[SIGNED], [TEXT, SEALED]])
def test_a_vendors_marks_are_left_to_a_server_that_may_be_that_vendors(details: object) -> None:
    assert folded(details) is None


def test_routers_get_them_as_they_are() -> None:
    names = {"thoughts_back"}
    for quirk, expected in (("routes_providers", set()), ("no_routing_fields", names)):
        found = concerning(RULES, "openai_chat", Facts("m", quirks=frozenset({quirk})))
        assert {rule.name for rule in found.rules} & names == expected
