"""Signatures are kept by key and call, and the oldest go."""

import pytest

from kilo_gateway.relay import marks as module
from kilo_gateway.relay.marks import Marks


def test_a_signature_is_found_by_the_key_that_saw_it_alone() -> None:
    marks = Marks()
    marks.of("key_1").keep("call_1", "signed")
    assert marks.of("key_1").find("call_1") == "signed"
    assert marks.of("key_2").find("call_1") == ""


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_MARKS", 2)
    marks = Marks()
    for number in range(3):
        marks.keep("key", f"call_{number}", "s")
    assert [marks.find("key", f"call_{number}") for number in range(3)] == ["", "s", "s"]


def test_their_size_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_CHARACTERS", 10)
    marks = Marks()
    marks.keep("key", "a", "12345678")
    marks.keep("key", "b", "1234")
    assert len(marks) == 1
    assert marks.find("key", "b") == "1234"


def test_one_that_is_too_long_to_be_real_is_not_kept() -> None:
    marks = Marks()
    marks.keep("key", "a", "x" * (module.MAX_MARK_CHARACTERS + 1))
    assert len(marks) == 0
