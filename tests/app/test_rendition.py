"""What a request would become, for each deployment of its plan."""

from pathlib import Path

import msgspec

from kilo_gateway.app.rendition import renditions
from kilo_gateway.config.load import load
from kilo_gateway.core.grant import Grant

CONFIG = """
[[upstreams]]
name = "same"
base_url = "http://127.0.0.1:9/v1"
models = ["m"]
[[upstreams]]
name = "other"
dialect = "anthropic_messages"
base_url = "http://127.0.0.1:9/v1"
models = ["m"]
priority = 1
"""
REQUEST = {"model": "m", "seed": 7, "usage": {}, "messages": [{"role": "user", "content": "hi"}]}


async def test_each_deployment_gets_it_in_its_own_dialect(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    body = msgspec.json.encode(REQUEST)
    same, other = await renditions(
        load(path, {}), {}, tmp_path, "openai_chat", body, Grant("k", "o")
    )
    assert (same.deployment, same.dialect, same.dropped) == ("same/m", "openai_chat", ())
    assert same.rules == ("strange_members",)
    assert (other.deployment, other.dialect) == ("other/m", "anthropic_messages")
    assert "seed" in other.dropped
    assert msgspec.json.decode(other.body)["messages"][0]["role"] == "user"


async def test_what_a_dialect_cannot_represent_is_told_for_it_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.replace("anthropic_messages", "openai_chat"))
    request = {"model": "m", "input": "hi", "previous_response_id": "resp_1"}
    body = msgspec.json.encode(request)
    found = await renditions(
        load(path, {}), {}, tmp_path, "openai_responses", body, Grant("k", "o")
    )
    assert all("previous_response_id" in one.refused for one in found)
