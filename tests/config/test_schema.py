"""The schema documents itself, and its JSON form says the same."""

import jsonschema
import msgspec
import pytest

from kilo_gateway.config.schema import Settings, StateSettings, UpstreamSettings, schema_json
from kilo_gateway.config.types import core, hints, is_struct, metas

SCHEMA = msgspec.json.decode(schema_json())
STRUCTS = [
    UpstreamSettings,
    Settings,
    *(core(hint) for hint in hints(Settings).values() if is_struct(core(hint))),
]


def test_the_json_schema_is_itself_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_setting_has_one_sentence_that_ends_with_a_full_stop(struct: type) -> None:
    for name, hint in hints(struct).items():
        sentence = next((meta.description for meta in metas(hint) if meta.description), "")
        assert sentence.endswith("."), name


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_settings_in_seconds_and_bytes_say_so(struct: type) -> None:
    units = {"_s": "seconds", "_bytes": "bytes"}
    for name, hint in hints(struct).items():
        for suffix, unit in units.items():
            if name.endswith(suffix):
                assert unit in (next(metas(hint)).description or ""), name


def test_no_table_of_the_json_schema_takes_unknown_keys() -> None:
    closed = [table.get("additionalProperties") for table in SCHEMA["$defs"].values()]
    assert closed == [False] * len(closed)


@pytest.mark.parametrize(
    ("document", "is_valid"),
    [
        ({}, True),
        ({"server": {"port": 4100}}, True),
        ({"upstreams": [{"name": "a", "models": ["x"]}]}, True),
        ({"aliases": {"a": "b", "c": ["d", "e"]}}, True),
        ({"server": {"prot": 4100}}, False),
        ({"server": {"port": 70_000}}, False),
        ({"upstreams": [{}]}, False),
        ({"upstreams": [{"name": "A B"}]}, False),
        ({"aliases": {"a": []}}, False),
        ({"telemetry": {"log_format": "xml"}}, False),
    ],
)
def test_the_json_schema_accepts_what_the_settings_accept(
    document: dict[str, object], is_valid: bool
) -> None:
    try:
        msgspec.convert(document, Settings)
        accepted = True
    except msgspec.ValidationError:
        accepted = False
    assert jsonschema.Draft202012Validator(SCHEMA).is_valid(document) == accepted == is_valid


def test_the_defaults_are_valid() -> None:
    plain = msgspec.to_builtins(Settings())
    assert msgspec.convert(plain, Settings) == Settings()


def test_settings_that_may_hold_credentials_do_not_show_them() -> None:
    upstream = UpstreamSettings(name="a", api_key="sk-1", headers={"x": "sk-2"}, proxy="sk-3")
    settings = Settings(upstreams=(upstream,), state=StateSettings(database="x://u:sk-4@h"))
    assert "sk-" not in repr(settings)
