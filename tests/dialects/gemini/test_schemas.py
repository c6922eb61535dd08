"""Google's own kind of schema as JSON Schema."""

import json

import pytest

from kilo_gateway.dialects.gemini.schemas import json_schema
from tests.dialects.gemini.wire import raw


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "STRING"}, {"type": "string"}),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        (
            {"type": "OBJECT", "properties": {"a": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "2"}},
             "propertyOrdering": ["a"]},
            {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}, "minItems": 2}}},
        ),
        ({"any_of": [{"type": "NUMBER"}], "nullable": True}, {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        ({"type": "STRING", "enum": ["a"], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"defs": {"x": {"type": "NULL"}}, "ref": "#/$defs/x"}, {"$defs": {"x": {"type": "null"}}, "$ref": "#/$defs/x"}),
    ],
)  # fmt: skip
def test_types_and_names_are_translated(given, expected) -> None:
    assert json.loads(bytes(json_schema(raw(given)))) == expected


@pytest.mark.parametrize("given", [{"type": "string"}, True, []])
def test_a_json_schema_stays_as_it_came(given) -> None:
    value = raw(given)
    assert json_schema(value) is value
