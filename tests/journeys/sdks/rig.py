"""One gateway with the simulator for all clients: it speaks Chat Completions, so that every other dialect is translated."""

from typing import Any

CONFIG = """
[simulator]
enabled = true
[routing]
max_attempts = 1
breaker_failures = 1000
"""
CITY: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
