"""Users are hashes in every dialect."""

import json

import msgspec

from kilo_gateway.dialects.rules.identities import hash_user
from kilo_gateway.dialects.rules.rule import Facts

FACTS = Facts("m", user_hash="u#", task_hash="t#")


def test_chat_and_responses_name_user_and_task() -> None:
    found = hash_user({"user": msgspec.Raw(b'"alice"')}, "openai_chat", FACTS)
    assert found is not None
    assert {name: json.loads(bytes(raw)) for name, raw in found.items()} == {
        "user": "u#", "safety_identifier": "u#", "prompt_cache_key": "t#",
    }  # fmt: skip


def test_messages_keep_their_other_metadata() -> None:
    fields = {"metadata": msgspec.Raw(b'{"user_id":"alice","team":"x"}')}
    found = hash_user(fields, "anthropic_messages", FACTS)
    assert found is not None
    assert json.loads(bytes(found["metadata"])) == {"user_id": "u#", "team": "x"}


def test_nobody_is_no_hash() -> None:
    assert hash_user({}, "openai_chat", Facts("m")) is None
