"""Schemas: from the API's own kind (OpenAPI 3.0, types in capitals) to JSON Schema.

The other way is never needed: current versions of the API, Vertex's included, take JSON Schema as it is in
`parametersJsonSchema` and `responseJsonSchema`.
"""

from typing import Any

import msgspec

from kilo_gateway.dialects.body import raw_json
from kilo_gateway.dialects.gemini.members import camel, plain

_TYPES = {
    "STRING": "string",
    "NUMBER": "number",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
    "NULL": "null",
}
_ONE = ("items", "additionalProperties")
_LISTS = ("anyOf",)
_MAPS = ("properties", "defs")
_NAMES = {"ref": "$ref", "defs": "$defs", "example": "example"}
# Counts are int64 on this wire, which JSON may write as strings.
_COUNTS = frozenset(
    {
        "minItems",
        "maxItems",
        "minLength",
        "maxLength",
        "minProperties",
        "maxProperties",
    }
)
_DROPPED = frozenset({"propertyOrdering", "nullable"})


def json_schema(raw: msgspec.Raw) -> msgspec.Raw:
    """The schema as JSON Schema; as it came if nothing in it is of the API's own kind."""
    value = plain(raw)
    if not isinstance(value, dict):
        return raw
    try:
        schema = _schema(value)
        return raw if schema == value else raw_json(schema)
    except RecursionError:
        return raw


def _schema(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    schema: dict[str, Any] = {}
    for given, inner in value.items():
        name = camel(given)
        if name not in _DROPPED:
            schema[_NAMES.get(name, name)] = _member(name, inner)
    if value.get("nullable") is True:
        _admit_null(schema)
    return schema


def _member(name: str, inner: Any) -> Any:
    if name == "type":
        return _TYPES.get(inner, inner) if isinstance(inner, str) else inner
    if name in _ONE:
        return _schema(inner)
    if name in _LISTS and isinstance(inner, list):
        return [_schema(one) for one in inner]
    if name in _MAPS and isinstance(inner, dict):
        return {key: _schema(one) for key, one in inner.items()}
    if name in _COUNTS and isinstance(inner, str) and inner.isdecimal():
        return int(inner)
    return inner


def _admit_null(schema: dict[str, Any]) -> None:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]
        if isinstance(schema.get("enum"), list) and None not in schema["enum"]:
            schema["enum"] = [*schema["enum"], None]
    elif isinstance(schema.get("anyOf"), list):
        schema["anyOf"] = [*schema["anyOf"], {"type": "null"}]
