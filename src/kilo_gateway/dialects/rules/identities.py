"""Who asks, as a hash: an upstream can tell users apart (for abuse, for its cache) and learns nothing of them.

Each upstream gets hashes of its own, so that two of them cannot compare. What the client wrote in these members is replaced.
"""

from typing import Any

import msgspec

from kilo_gateway.dialects.body import Fields, raw_json
from kilo_gateway.dialects.rules.rule import Facts


def hash_user(fields: Fields, dialect: str, facts: Facts) -> Fields | None:
    """The members of each dialect that name the user, and the one that names the conversation."""
    if not facts.user_hash:
        return None
    if dialect == "anthropic_messages":
        raw = fields.get("metadata")
        value: Any = None if raw is None else msgspec.json.decode(raw)
        metadata: dict[str, Any] = value if isinstance(value, dict) else {}
        return {"metadata": raw_json(metadata | {"user_id": facts.user_hash})}
    changes = {"user": raw_json(facts.user_hash), "safety_identifier": raw_json(facts.user_hash)}
    if facts.task_hash:
        changes["prompt_cache_key"] = raw_json(facts.task_hash)
    return changes
