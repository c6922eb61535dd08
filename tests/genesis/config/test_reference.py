"""The table of settings and the JSON Schema; the page that holds them."""

from pathlib import Path

import jsonschema
import pytest

from genesis.config.document import parse
from genesis.config.reference import json_schema, rendered, setting_paths, settings

PAGE = Path(__file__).parents[3] / "docs" / "genesis" / "configuration.md"


def test_every_setting_has_a_sentence():
    assert [row.path for row in settings() if not row.meaning.endswith(".")] == [
        row.path for row in settings() if row.meaning.endswith("?")
    ]


def test_paths_go_through_maps_and_lists():
    paths = setting_paths()
    assert "models.providers.<id>.baseUrl" in paths
    assert "models.providers.<id>.models[].cost.cacheRead" in paths
    assert "agents.defaults.models.<id>.alias" in paths
    assert "agents.defaults.model.primary" in paths


def test_defaults_and_kinds_are_shown():
    rows = {row.path: row for row in settings()}
    assert rows["gateway.port"].default == "`18789`"
    assert rows["models.providers.<id>.baseUrl"].default == "required"
    assert rows["agents.defaults.model"].takes == "text or section"
    assert rows["gateway.bind"].takes == "`loopback`, `lan`, `custom`"
    assert rows["models.providers.<id>.models[].input"].takes.startswith("list of `text`")


def test_the_page_holds_the_whole_table():
    assert rendered() in PAGE.read_text(encoding="utf-8"), "run `make docs`"


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"env": {"KILOCODE_API_KEY": "k", "shellEnv": {"enabled": True}}},
        {"agents": {"defaults": {"model": "a/b"}}},
        {"agents": {"defaults": {"model": {"primary": "a/b"}}}},
        {"gateway": {"auth": {"token": {"source": "env", "id": "X"}}}},
    ],
)
def test_the_schema_takes_what_is_right(content):
    jsonschema.validate(content, json_schema())


@pytest.mark.parametrize(
    "content",
    [{"x": 1}, {"env": {"K": 1}}, {"gateway": {"port": "x"}}, {"tools": {"approval": "yes"}}],
)
def test_the_schema_refuses_what_is_wrong(content):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json_schema())


def test_the_examples_of_the_page_are_valid():
    blocks = PAGE.read_text(encoding="utf-8").split("```json5\n")[1:]
    assert len(blocks) >= 3
    for block in blocks:
        jsonschema.validate(parse(block.partition("```")[0]), json_schema())
