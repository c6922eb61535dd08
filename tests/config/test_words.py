"""What is wanted and what was found are told in words."""

import datetime

import pytest

from kilo_gateway.config.schema import (
    ModelSettings,
    RoutingSettings,
    ServerSettings,
    Settings,
    TelemetrySettings,
    UpstreamSettings,
)
from kilo_gateway.config.types import hints
from kilo_gateway.config.words import closest, expected, found

WANTED = [
    (ServerSettings, "port", "a whole number from 0 to 65535"),
    (ServerSettings, "client_timeout_s", "a number above 0 and at most 86400"),
    (ServerSettings, "cost_in_body", "true or false"),
    (ServerSettings, "host", "text"),
    (ServerSettings, "cors_origins", "a list of texts, 0 to 1000 of them"),
    (TelemetrySettings, "log_format", 'one of "console", "json"'),
    (ModelSettings, "context_length", "a whole number from 1 to 1000000000"),
    (UpstreamSettings, "headers", "a table"),
    (Settings, "server", "a table"),
    (Settings, "aliases", "a table"),
    (RoutingSettings, "retry_after_max_s", "a number from 0 to 3600"),
]


@pytest.mark.parametrize(("struct", "name", "words"), WANTED)
def test_a_setting_tells_what_it_wants(struct: type, name: str, words: str) -> None:
    assert expected(hints(struct)[name]) == words


def test_an_array_of_tables_is_explained() -> None:
    assert "double brackets" in expected(hints(Settings)["upstreams"])


FOUND = [
    (True, "the truth value true"),
    (3, "the whole number 3"),
    (1.5, "the number 1.5"),
    ("ab", 'the text "ab"'),
    ("x" * 99, 'the text "' + "x" * 60 + '..."'),
    ([1, 2], "a list of 2"),
    ({}, "a table"),
    (datetime.date(2026, 1, 1), "a date or time"),
]


@pytest.mark.parametrize(("value", "words"), FOUND)
def test_a_value_is_told_in_words(value: object, words: str) -> None:
    assert found(value, secret=False) == words


@pytest.mark.parametrize("value", ["sk-1", 12345, 1.5, True])
def test_of_a_credential_only_the_kind_is_told(value: object) -> None:
    assert str(value).lower() not in found(value, secret=True).lower()


def test_the_closest_word_is_near_or_none() -> None:
    assert closest("prot", ["host", "port"]) == "port"
    assert closest("zzz", ["host", "port"]) == ""
