"""Which models keep a prompt in a cache whose age matters: only those of Anthropic (genesis.md 6.4). Pure.

No cache marks are sent for them: the gateway sets its own.
"""

from genesis.providers.kilocode.reasoning import provider_hint


def is_cache_aged(provider: str, model_id: str) -> bool:
    """Whether what is cached of a conversation with this model expires, so that pruning may wait for that."""
    return provider.strip().lower() == "kilocode" and provider_hint(model_id) == "anthropic"
