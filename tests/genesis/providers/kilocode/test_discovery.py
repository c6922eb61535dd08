"""The gateway's list of models: rows A and B of the cases."""

import msgspec
import pytest

from genesis.core.model import Cost, Model
from genesis.providers.kilocode import discovery
from genesis.providers.kilocode.discovery import STATIC, models_of, with_static

S = {
    "id": "anthropic/claude-sonnet-4",
    "name": "Anthropic: Claude Sonnet 4",
    "context_length": 200000,
    "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
    "top_provider": {"is_moderated": False, "max_completion_tokens": 8192},
    "pricing": {
        "prompt": "0.000003",
        "completion": "0.000015",
        "input_cache_read": "0.0000003",
        "input_cache_write": "0.00000375",
    },
    "supported_parameters": ["max_tokens", "temperature", "tools", "reasoning"],
}
A = S | {
    "id": "kilo/auto",
    "name": "Kilo: Auto",
    "context_length": 1000000,
    "top_provider": {"max_completion_tokens": 128000},
    "pricing": {"prompt": "0.000005", "completion": "0.000025"},
    "supported_parameters": ["reasoning", "include_reasoning"],
}


def read(data, status=200):
    warnings = []
    body = data if isinstance(data, bytes) else msgspec.json.encode(data)
    return models_of(status, body, warnings.append), warnings


def one(**changes):
    entry = {name: value for name, value in (S | changes).items() if value is not ...}
    return read({"data": [A, entry]})[0][1]


def test_A4_the_static_catalog():
    assert list(STATIC) == [
        Model(
            "kilo/auto",
            "Kilo Auto",
            reasoning=True,
            input=("text", "image"),
            cost=Cost(),
            context_window=1000000,
            max_tokens=128000,
        )
    ]


def test_B2_an_entry_is_mapped():
    models, warnings = read({"data": [A, S]})
    assert [model.id for model in models] == ["kilo/auto", "anthropic/claude-sonnet-4"]
    sonnet = models[1]
    assert msgspec.structs.astuple(sonnet.cost) == pytest.approx((3.0, 15.0, 0.3, 3.75))
    assert (sonnet.input, sonnet.reasoning) == (("text", "image"), True)
    assert (sonnet.context_window, sonnet.max_tokens) == (200000, 8192)
    assert warnings == []


def test_B4_the_gateways_own_auto_wins():
    [auto], _ = read({"data": [A]})
    assert (auto.name, auto.cost.cache_read, auto.cost.cache_write) == ("Kilo: Auto", 0, 0)
    assert (auto.cost.input, auto.cost.output) == pytest.approx((5, 25))


FALLBACKS = {
    "B10 an error": (b"{}", 500, "Failed to discover models: HTTP 500, using static catalog"),
    "B11 an empty list": (
        {"data": []},
        200,
        "No models found from gateway API, using static catalog",
    ),
    "B12 no list": ({"models": []}, 200, "No models found from gateway API, using static catalog"),
    "B13 HTML": (b"<html>", 200, "Discovery failed: "),
    "B14 null": (b"null", 200, "Discovery failed: "),
}


@pytest.mark.parametrize(("data", "status", "warning"), FALLBACKS.values(), ids=FALLBACKS)
def test_whatever_fails_gives_the_static_catalog_and_a_warning(data, status, warning):
    models, warnings = read(data, status)
    assert models == list(STATIC)
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)
    assert warnings[0].endswith("using static catalog")


@pytest.mark.parametrize(
    ("changes", "field", "expected"),
    [
        ({"architecture": {"input_modalities": ["text"]}}, "input", ("text",)),
        ({"architecture": {"input_modalities": ["text", "audio", "file"]}}, "input", ("text",)),
        ({"architecture": {"input_modalities": ["IMAGE"]}}, "input", ("text", "image")),
        ({"architecture": ...}, "input", ("text",)),
        ({"supported_parameters": ["max_tokens"]}, "reasoning", False),
        ({"supported_parameters": ...}, "reasoning", False),
        ({"top_provider": {"max_completion_tokens": 0}}, "max_tokens", 0),
        ({"top_provider": ...}, "max_tokens", 128000),
        ({"context_length": 0}, "context_window", 1000000),
        ({"name": ...}, "name", "anthropic/claude-sonnet-4"),
        ({"pricing": {}}, "cost", Cost()),
    ],
    ids=[
        "B15",
        "B17",
        "B16",
        "B18",
        "B15 parameters",
        "B20",
        "B24",
        "B24 absent",
        "B22",
        "B32",
        "B28",
    ],
)
def test_a_field_is_mapped(changes, field, expected):
    assert getattr(one(**changes), field) == expected


@pytest.mark.parametrize(
    ("price", "expected"),
    [
        ("-1", 0),
        ("abc", 0),
        ("", 0),
        (None, 0),
        ("1e-6", 1.0),
        (0.000002, 2.0),
        ("inf", 0),
        ("nan", 0),
        (True, 0),
    ],
)
def test_B25_to_B27_a_price_is_read(price, expected):
    assert one(pricing={"prompt": price}).cost.input == pytest.approx(expected)


def test_B29_a_malformed_entry_is_skipped_and_a_later_one_of_its_id_kept():
    broken = {
        name: value
        for name, value in (A | {"name": "Broken Kilo Auto"}).items()
        if name != "pricing"
    }
    models, warnings = read({"data": [broken, A, S]})
    assert [model.name for model in models] == ["Kilo: Auto", "Anthropic: Claude Sonnet 4"]
    assert warnings[0].startswith('Skipping malformed model entry "kilo/auto": ')


def test_B30_what_is_no_entry_is_skipped_in_silence():
    models, warnings = read({"data": [None, 7, "x", {"id": ""}, {"id": "  "}, {"id": 5}, S]})
    assert [model.id for model in models] == ["kilo/auto", "anthropic/claude-sonnet-4"]
    assert warnings == []


def test_B31_the_first_of_two_wins():
    models, _ = read({"data": [S, S | {"name": "Second"}]})
    assert [model.name for model in models] == ["Kilo Auto", "Anthropic: Claude Sonnet 4"]


def test_B33_only_malformed_entries_leave_the_static_one():
    models, warnings = read({"data": [{"id": "a/b"}]})
    assert models == list(STATIC)
    assert len(warnings) == 1


def test_the_static_model_is_added_once():
    assert with_static(with_static([])) == list(STATIC)
    assert discovery.AUTO == "kilo/auto"
