"""Vendors' rows: complete, consistent, and a key of our own is never taken for a vendor's."""

import re

import pytest

from kilo_gateway.dialects.registry import DIALECTS
from kilo_gateway.upstreams.profiles import (
    auth_headers,
    below,
    call_path,
    key_variable,
    profiles,
)

ROWS = profiles()


def test_the_rows_that_the_first_minute_needs_exist():
    assert {
        "openai", "openrouter", "groq", "mistral", "deepseek", "xai", "together", "fireworks", "cerebras",
        "perplexity", "moonshot", "zai", "kilo", "anthropic", "gemini", "ollama", "lmstudio", "vllm", "llamacpp",
        "azure", "custom", "local", "sim",
    } <= set(ROWS)  # fmt: skip


@pytest.mark.parametrize("name", ROWS)
def test_each_row_is_well_formed(name: str):
    row = ROWS[name]
    assert row.name == name
    assert re.fullmatch(r"[a-z0-9-]+", name)
    assert row.dialect in DIALECTS
    assert set(row.also) <= set(DIALECTS) - {row.dialect}
    assert set(row.only) <= {row.dialect, *row.also}
    assert row.operations
    assert row.base_url == "" or re.fullmatch(r"https?://[^?#@]*[^/]", row.base_url)
    assert row.base_url.startswith("https://") or row.auth == "none" or row.base_url == ""
    assert row.models_path.startswith("/")
    assert all(header == header.lower() for header in row.forward_headers)
    assert row.base_url or row.note or "built_in" in row.quirks, (
        "an operator must be told what to give"
    )


def test_no_two_rows_claim_the_same_variable_or_port():
    variables = [variable for row in ROWS.values() for variable in row.env]
    ports = [row.loopback_port for row in ROWS.values() if row.loopback_port]
    assert len(variables) == len(set(variables))
    assert sorted(ports) == [1234, 8000, 8080, 11434]


def test_the_first_variable_that_is_set_wins():
    gemini = ROWS["gemini"]
    assert key_variable(gemini, {"GOOGLE_API_KEY": "b"}) == "GOOGLE_API_KEY"
    assert key_variable(gemini, {"GOOGLE_API_KEY": "b", "GEMINI_API_KEY": "a"}) == "GEMINI_API_KEY"
    assert key_variable(gemini, {"GEMINI_API_KEY": "  "}) is None


def test_our_own_key_in_a_vendors_variable_is_not_a_key_of_that_vendor():
    assert key_variable(ROWS["kilo"], {"KILOCODE_API_KEY": "kg_live_abc"}) is None
    assert key_variable(ROWS["kilo"], {"KILOCODE_API_KEY": "eyJabc"}) == "KILOCODE_API_KEY"


@pytest.mark.parametrize(
    ("name", "operation", "expected"),
    [
        ("openai", "chat", "/chat/completions"),
        ("openai", "completions", "/completions"),
        ("openai", "embeddings", "/embeddings"),
        ("azure", "chat", "/chat/completions"),
        (
            "azure-deployments",
            "chat",
            "/openai/deployments/my%20gpt%2F5/chat/completions?api-version=2024-10-21",
        ),
    ],
)
def test_the_path_of_an_operation_comes_from_the_row(name, operation, expected):
    usual = DIALECTS["openai_chat"].path(operation, "my gpt/5", is_stream=False)
    assert call_path(ROWS[name], operation, usual, "my gpt/5") == expected


@pytest.mark.parametrize(
    ("vendor", "base", "expected"),
    [
        ("cohere", "/compatibility/v1", "/v2/embed"),
        ("cohere", "/proxy/compatibility/v1", "/proxy/v2/embed"),
        ("ollama", "/v1", "/api/embed"),
        ("ollama", "", "/api/embed"),
        ("mistral", "/v1", "/v1/embeddings"),
        ("perplexity", "", "/v1/embeddings"),
    ],
)
def test_a_path_may_stand_beside_the_base_url(vendor, base, expected):
    usual = DIALECTS["openai_chat"].path("embeddings", "m", is_stream=False)
    assert below(base, call_path(ROWS[vendor], "embeddings", usual, "m")) == expected


@pytest.mark.parametrize("name", ROWS)
def test_embeddings_have_a_form_only_where_they_are_served(name):
    row = ROWS[name]
    if row.embeddings or row.most_inputs:
        assert "embeddings" in row.operations


@pytest.mark.parametrize(
    ("auth", "key", "expected"),
    [
        ("bearer", "k", {"authorization": "Bearer k"}),
        ("api-key", "k", {"api-key": "k"}),
        ("x-api-key", "k", {"x-api-key": "k"}),
        ("none", "k", {}),
        ("bearer", "", {}),
    ],
)
def test_the_key_goes_into_the_header_that_the_row_names(auth, key, expected):
    assert auth_headers(auth, key) == expected
