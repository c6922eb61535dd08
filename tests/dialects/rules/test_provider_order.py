"""Rows I12 and I13."""

import json

import msgspec
import pytest

from kilo_gateway.dialects.rules.provider_order import prefer
from kilo_gateway.dialects.rules.rule import Facts


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("anthropic/claude-sonnet-4.5", {"zdr": True},
         {"zdr": True, "order": ["amazon-bedrock", "anthropic", "google-vertex"]}),
        ("moonshotai/kimi-k2", {"only": ["alibaba"], "order": ["alibaba"]}, None),
        ("openai/gpt-5", None, {"order": ["openai"]}),
        ("openai/gpt-oss-120b", None, None),
        ("unknown/model", None, None),
    ],
)  # fmt: skip
def test_the_order_is_added_where_the_client_has_no_wish(model, provider, expected) -> None:
    fields = {} if provider is None else {"provider": msgspec.Raw(json.dumps(provider).encode())}
    found = prefer(fields, Facts(model))
    assert (json.loads(bytes(found["provider"])) if found else None) == expected
