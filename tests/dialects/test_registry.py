"""The table of dialects: each name leads to a dialect of that name with all verbs."""

import inspect

import pytest

from kilo_gateway.dialects.dialect import Dialect
from kilo_gateway.dialects.registry import DIALECTS

VERBS = [name for name, _ in inspect.getmembers(Dialect, inspect.isfunction) if name[0] != "_"]


@pytest.mark.parametrize("name", DIALECTS)
def test_a_dialect_knows_its_name_and_speaks_every_verb(name):
    dialect = DIALECTS[name]
    assert dialect.name == name
    other = {"gemini_array": b"application/json", "bedrock": b"application/vnd.amazon.eventstream"}
    kind = other.get(name, b"text/event-stream")
    assert dialect.content_type_of_streams.startswith(kind)
    assert {"peek", "outbound", "read_reply", "with_cost", "error_body", "error_event"} <= set(
        VERBS
    )
    for verb in [*VERBS, "stream"]:
        assert callable(getattr(dialect, verb))


def test_nobody_changes_the_table():
    with pytest.raises(TypeError):
        DIALECTS["mine"] = DIALECTS["openai_chat"]


@pytest.mark.parametrize("name", [name for name in DIALECTS if name != "bedrock"])
def test_a_keep_alive_is_what_clients_ignore(name):
    usual = {"gemini_array": b"\n"}.get(name, b"event: ping" if "anthropic" in name else b":")
    assert DIALECTS[name].keep_alive().startswith(usual)
    assert DIALECTS[name].keep_alive().endswith(b"\n")
