"""Which of its providers a router (OpenRouter and its like) should ask first, where the client has no wish (gateway.md 8.1)."""

from typing import Any, Final

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json
from kilo_gateway.dialects.rules.rule import Facts

# Of each family, those that serve it in full and keep its prompt cache. The first family that fits holds.
ORDERS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("gpt-oss", ()),
    ("openai/", ("openai",)),
    ("claude", ("amazon-bedrock", "anthropic", "google-vertex")),
    ("minimax", ("minimax/fp8",)),
    ("mistral", ("mistral",)),
    ("kimi", ("amazon-bedrock", "alibaba")),
    ("step-", ("stepfun",)),
    ("deepseek", ("novita",)),
    ("glm", ("friendli", "novita")),
    ("qwen", ("alibaba",)),
)


def prefer(fields: Fields, facts: Facts) -> Fields | None:
    """`provider.order`, for upstreams that are routers themselves."""
    order = next((some for family, some in ORDERS if facts.is_of(family)), ())
    if not order:
        return None
    raw = fields.get("provider")
    value: Any = None if raw is None else msgspec.json.decode(raw)
    provider: dict[str, Any] = value if isinstance(value, dict) else {}
    if "order" in provider or "only" in provider:
        return None
    return {"provider": raw_json(provider | {"order": order})}
